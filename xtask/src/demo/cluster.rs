//! Through a real API server: kubectl creates the pods, first without softstop, then with it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use softstop_rig::{Assets, DEADLINE, Rig, Webhook, configuration, documents};

use super::{Outcome, Sample, webhook_args};

pub(super) fn run(
    program: &Path,
    examples: &Path,
    mut samples: Vec<Sample>,
) -> anyhow::Result<Vec<Outcome>> {
    let rig = Rig::start(&Assets::find_or_build()?)?;
    for namespace in documents(&examples.join("namespace.yaml"))? {
        rig.create_namespace(&namespace)?;
    }
    for (index, sample) in samples.iter_mut().enumerate() {
        // The audit log does not know names that the API server makes up.
        sample.pod["metadata"]["name"] = format!("example-{index}").into();
    }
    let mut before = Vec::new();
    for Sample { pod, .. } in &samples {
        before.push(create(&rig, pod, &["--dry-run=server"])?.0);
    }
    let webhook = Webhook::start(program, &rig.dir().join("softstop"), webhook_args(examples))?;
    let registration = configuration("softstop", webhook.url(), webhook.ca())?;
    rig.create(&registration)?;
    println!(
        "kube-apiserver {} asks softstop at {}\n",
        rig.url(),
        webhook.url()
    );

    wait_until_asked(&rig, &samples)?;

    let mut outcomes = Vec::new();
    for (Sample { file, pod }, before) in samples.into_iter().zip(before) {
        let (after, warnings) = create(&rig, &pod, &[])?;
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or("default");
        let audit = rig.audit_annotations(namespace, name)?;
        outcomes.push(Outcome {
            file,
            before: comparable(before),
            after: comparable(after),
            audit,
            warnings,
        });
    }
    Ok(outcomes)
}

/// The API server hears of a new configuration some milliseconds after it is stored.
fn wait_until_asked(rig: &Rig, samples: &[Sample]) -> anyhow::Result<()> {
    let first = samples.first().context("no manifests in examples/")?;
    let deadline = Instant::now() + DEADLINE;
    loop {
        let (pod, _) = create(rig, &first.pod, &["--dry-run=server"])?;
        if pod["metadata"]["annotations"]["softstop.dev/status"].is_string() {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "the API server does not ask softstop about {}",
            first.file.display()
        );
    }
}

/// What kubectl prints: the pod as it is stored, and warnings.
fn create(rig: &Rig, pod: &Value, more: &[&str]) -> anyhow::Result<(Value, Vec<String>)> {
    let file = rig.dir().join("pod.json");
    fs::write(&file, pod.to_string())
        .with_context(|| format!("cannot write {}", file.display()))?;
    let file = file.display().to_string();
    let output = rig.kubectl(
        ["create", "--output=json", "--filename", &file]
            .iter()
            .chain(more),
    )?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kubectl create failed: {errors}");
    let stored = serde_json::from_slice(&output.stdout).context("kubectl printed no JSON")?;
    let warnings = errors
        .lines()
        .filter_map(|line| line.strip_prefix("Warning: ").map(str::to_owned))
        .collect();
    Ok((stored, warnings))
}

/// Without what the API server makes up anew for each pod.
fn comparable(mut pod: Value) -> Value {
    const MADE_UP: [&str; 5] = [
        "name",
        "uid",
        "creationTimestamp",
        "resourceVersion",
        "generation",
    ];
    if let Some(metadata) = pod["metadata"].as_object_mut() {
        metadata.retain(|key, _| !MADE_UP.contains(&key.as_str()));
    }
    let random = |name: &mut Value| {
        if name
            .as_str()
            .is_some_and(|name| name.starts_with("kube-api-access-"))
        {
            *name = "kube-api-access".into();
        }
    };
    for volume in pod["spec"]["volumes"].as_array_mut().into_iter().flatten() {
        random(&mut volume["name"]);
    }
    for container in pod["spec"]["containers"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        container["volumeMounts"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .for_each(|mount| random(&mut mount["name"]));
    }
    pod
}
