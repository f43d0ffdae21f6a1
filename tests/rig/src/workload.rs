//! Pods as controllers create them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

/// A pod of a manifest, and the manifest.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The manifest's file.
    pub file: PathBuf,
    /// What an API server would be asked to create.
    pub pod: Value,
}

/// The pods that come of the manifests in `dir`, by file name.
pub fn samples(dir: &Path) -> anyhow::Result<Vec<Sample>> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files.sort();
    let mut samples = Vec::new();
    for file in files {
        let pods = documents(&file)?;
        samples.extend(pods.iter().filter_map(pod).map(|pod| Sample {
            file: file.clone(),
            pod,
        }));
    }
    Ok(samples)
}

/// The documents of a YAML file.
pub fn documents(file: &Path) -> anyhow::Result<Vec<Value>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    // kubectl reads YAML 1.1: 0755 is octal.
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_multiple_with_options(&text, options)
        .with_context(|| format!("cannot read {}", file.display()))
}

/// The pod that a manifest leads to: itself, or the first of its template as the controller of its kind sends it, without a name and
/// with an owner.
pub fn pod(manifest: &Value) -> Option<Value> {
    let name = manifest.pointer("/metadata/name")?.as_str()?;
    if manifest["kind"] == "Pod" {
        return Some(manifest.clone());
    }
    let template = manifest.pointer("/spec/template")?;
    let (kind, owner) = match manifest["kind"].as_str()? {
        // A Deployment's pods belong to the ReplicaSet it made.
        "Deployment" => ("ReplicaSet", format!("{name}-5d4f8c7b96")),
        kind => (kind, name.to_owned()),
    };
    let mut pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"] });
    let metadata = pod["metadata"].as_object_mut()?;
    metadata.insert("generateName".into(), format!("{owner}-").into());
    metadata.insert(
        "namespace".into(),
        manifest["metadata"]["namespace"].clone(),
    );
    let reference = json!({
        "apiVersion": if kind == "Job" { "batch/v1" } else { "apps/v1" }, "kind": kind, "name": owner,
        "uid": "6b1a2c1e-93f6-4f6b-8d0c-5a3f6d1e7c55", "controller": true, "blockOwnerDeletion": true,
    });
    metadata.insert("ownerReferences".into(), json!([reference]));
    Some(pod)
}

/// An `AdmissionReview` for the creation of `pod`, as the API server sends it.
pub fn review(pod: &Value, uid: &str) -> Value {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or("default");
    let (kind, resource) = (
        json!({"group": "", "version": "v1", "kind": "Pod"}),
        json!({"group": "", "version": "v1", "resource": "pods"}),
    );
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": uid, "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
            "namespace": namespace, "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
            "object": pod, "oldObject": null, "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
}
