//! What softstop has to say reaches whoever creates the pod.

use serde_json::json;

use crate::fixture::cluster;

#[tokio::test]
async fn warnings_arrive_at_the_client() {
    let client = cluster().client().await;
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "annotations": {"softstop.dev/drain-time": "soon", "softstop.dev/drain-dely": "5"}},
        "spec": {"containers": [{"name": "app", "image": "app:1", "command": ["gunicorn", "app:app"]}]}});
    for dry_run in [true, false] {
        let reply = if dry_run {
            client.try_pod("warnings", &pod).await
        } else {
            client.create_pod("warnings", &pod).await
        };
        let warnings = reply.warnings.clone();
        reply.accepted();
        for word in ["drain-time", "drain-dely"] {
            assert!(
                warnings.iter().any(|warning| warning.contains(word)),
                "{word}: {warnings:?}"
            );
        }
    }
}

#[tokio::test]
async fn kubectl_shows_them() {
    let rig = &cluster().rig;
    let file = rig.dir().join("warned.json");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "warned", "namespace": "warnings",
        "annotations": {"softstop.dev/mode": "perhaps"}},
        "spec": {"containers": [{"name": "app", "image": "app:1"}]}});
    std::fs::write(&file, pod.to_string()).unwrap();
    let output = rig
        .kubectl(["create".as_ref(), "-f".as_ref(), file.as_os_str()])
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success()
            && errors.contains("Warning: ")
            && errors.contains("softstop.dev/mode"),
        "{errors}"
    );
}
