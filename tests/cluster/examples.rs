//! The manifests of examples/: the pods that reach the cluster are those that `softstop check` promised.

use std::path::Path;

use json_patch::Patch;
use serde_json::Value;
use softstop_rig::{Sample, samples};

use crate::fixture::{cluster, examples, softstop};
use crate::normal::normal;

fn all() -> Vec<Sample> {
    let samples = samples(&examples()).unwrap();
    assert!(
        samples.len() >= 7,
        "one for each system, found {}",
        samples.len()
    );
    samples
}

/// The patch that `softstop check` shows for the one pod in `file`.
fn checked(file: &Path) -> Patch {
    let (namespaces, facts) = (
        cluster().rig.dir().join("namespaces.yaml"),
        examples().join("image-facts.yaml"),
    );
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let args = [
        "check".to_owned(),
        "--format=json".to_owned(),
        "--as-deployed".to_owned(),
        format!("--namespace-file={}", path(&namespaces)),
        format!("--facts-file={}", path(&facts)),
        path(file),
    ];
    let output = softstop(args.iter().map(String::as_str));
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        report["pods"].as_array().map(Vec::len),
        Some(1),
        "{}",
        file.display()
    );
    serde_json::from_value(report["pods"][0]["patch"].take()).unwrap()
}

#[tokio::test]
async fn the_stored_pod_is_the_one_that_check_shows() {
    let client = cluster().client().await;
    let mut changed = 0;
    for Sample { file, mut pod } in all() {
        // The token's mount is the API server's doing: a file does not show it.
        pod["spec"]["automountServiceAccountToken"] = false.into();
        let patch = checked(&file);
        changed += usize::from(!patch.0.is_empty());
        let mut promised = client.try_pod("bare", &pod).await.accepted();
        json_patch::patch(&mut promised, &patch).unwrap();
        let promised = normal(&promised);
        let tried = client.try_pod("shop", &pod).await.accepted();
        let stored = client.create_pod("shop", &pod).await.accepted();
        assert_eq!(normal(&tried), promised, "dry run of {}", file.display());
        assert_eq!(normal(&stored), promised, "{}", file.display());
    }
    assert!(changed >= 6, "only {changed} examples are changed at all");
}

#[tokio::test]
async fn a_copy_of_a_changed_pod_is_left_as_it_is() {
    let client = cluster().client().await;
    for Sample { file, pod } in all() {
        let stored = client.create_pod("copies", &pod).await.accepted();
        let mut copy = stored.clone();
        copy["metadata"] = serde_json::json!({"generateName": "copy-", "labels": stored["metadata"]["labels"],
            "annotations": stored["metadata"]["annotations"], "ownerReferences": stored["metadata"]["ownerReferences"]});
        let copied = client.create_pod("copies", &copy).await.accepted();
        let named = |pod: &Value| {
            let mut pod = normal(pod);
            pod["metadata"]["generateName"] = Value::Null;
            pod
        };
        assert_eq!(named(&copied), named(&stored), "{}", file.display());
    }
}
