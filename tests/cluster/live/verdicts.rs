//! What policies may do beside changing pods: refuse them, warn of them, and only look.

use serde_json::{Value, json};

use super::{delete, namespace, pod, policy, served, start, until};
use crate::client::POLICIES;
use crate::fixture::{cluster, validating_registration};

/// What no exec can repair.
fn bad() -> Value {
    pod("gunicorn app:app & wait")
}

#[tokio::test]
async fn a_policy_can_deny() {
    let client = cluster().client().await;
    let mut webhook = start(&client, "denying").await;
    let registration = validating_registration("denying", webhook.url(), webhook.ca());
    assert_eq!(registration["webhooks"][0]["failurePolicy"], "Ignore");
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    client.create(path, &registration).await.accepted();
    namespace("denied", "denying", &json!({"team": "denied"}));
    let deny = policy(
        "denied",
        "denied",
        r#""mode": "enforce", "violations": "Deny", "locked": ["mode"]"#,
    );
    client.create(POLICIES, &deny).await.accepted();
    until("denied", async || {
        client.try_pod("denied", &bad()).await.status == 403
    })
    .await;

    let reply = client.create_pod("denied", &bad()).await;
    assert_eq!(reply.status, 403);
    let message = reply.body["message"].as_str().unwrap();
    for words in [
        "denying.softstop.dev",
        "policy denied",
        "container app:",
        "to do: ",
        "softstop explain SS",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    // What softstop repairs is no reason to refuse.
    let mut good = served();
    good["metadata"]["name"] = "good".into();
    client.create_pod("denied", &good).await.accepted();

    let warn = json!({"spec": {"violations": "Warn"}});
    client
        .merge(&format!("{POLICIES}/denied"), &warn)
        .await
        .accepted();
    until("warned", async || {
        client.try_pod("denied", &bad()).await.status == 201
    })
    .await;
    let reply = client.try_pod("denied", &bad()).await;
    assert!(
        reply
            .warnings
            .iter()
            .any(|warning| warning.starts_with("softstop SS10")),
        "{:?}",
        reply.warnings
    );

    let deny = json!({"spec": {"violations": "Deny"}});
    client
        .merge(&format!("{POLICIES}/denied"), &deny)
        .await
        .accepted();
    until("denied again", async || {
        client.try_pod("denied", &bad()).await.status == 403
    })
    .await;
    webhook.terminate().unwrap();
    client.create_pod("denied", &bad()).await.accepted();
    delete(&client, &["denied"]).await;
}

/// Everything is shown, nothing is changed.
#[tokio::test]
async fn audit_shows_what_enforce_would_do() {
    let client = cluster().client().await;
    let webhook = start(&client, "auditing").await;
    namespace(
        "audited",
        "auditing",
        &json!({"softstop.dev/mode": "audit"}),
    );
    let mut pod = served();
    pod["metadata"]["name"] = "audited".into();
    let reply = client.create_pod("audited", &pod).await;
    let warning = "softstop (audit, nothing is changed) would repair SS101";
    assert!(
        reply
            .warnings
            .iter()
            .any(|found| found.starts_with(warning)),
        "{:?}",
        reply.warnings
    );
    let stored = reply.accepted();
    assert_eq!(
        stored["spec"]["containers"][0]["command"][2],
        "gunicorn app:app"
    );
    assert!(stored["metadata"]["annotations"]["softstop.dev/status"].is_null());
    let audit = cluster()
        .rig
        .audit_annotations("audited", "audited")
        .unwrap();
    assert_eq!(audit["auditing.softstop.dev/mode"], "audit (the namespace)");
    assert!(
        audit["auditing.softstop.dev/changes"]
            .as_str()
            .unwrap()
            .contains("SS101")
    );
    assert!(
        audit["auditing.softstop.dev/verdicts"]
            .as_str()
            .unwrap()
            .starts_with("app=exec/")
    );
    let metrics = webhook.admin("/metrics").unwrap();
    for line in [
        r#"softstop_audit_pods_total{namespace="audited",would_be="patched"} 1"#,
        r#"softstop_audit_findings_total{namespace="audited",code="SS101",repaired="true"} 1"#,
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}\n{metrics}"
        );
    }
}
