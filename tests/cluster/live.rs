//! `softstop webhook --cluster`: policies and namespaces as the API server tells of them, with no more rights than the role
//! that is shipped.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use softstop_rig::{DEADLINE, Webhook};

use crate::fixture::{Client, POLICIES, WEBHOOK, cluster, registration, validating_registration};

/// A webhook of the test's own, registered for its namespaces.
async fn start(client: &Client, name: &str) -> Webhook {
    client.define_policies().await;
    let webhook = cluster().start_live_webhook(name).await;
    until("ready", async || {
        webhook.admin("/ready").unwrap() == "ready\n"
    })
    .await;
    namespace(name, name, &json!({"softstop.dev/mode": "enforce"}));
    client
        .register(&registration(name, webhook.url(), webhook.ca()), name)
        .await;
    webhook
}

/// A namespace that was not there before, whose pods are sent to that webhook.
fn namespace(name: &str, webhook: &str, labels: &Value) {
    let mut all = json!({WEBHOOK: webhook});
    for (key, value) in labels.as_object().unwrap() {
        all[key] = value.clone();
    }
    let manifest =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": all}});
    cluster().rig.create_namespace(&manifest).unwrap();
}

fn policy(name: &str, team: &str, spec: &str) -> Value {
    let mut spec: Value = serde_json::from_str(&format!("{{{spec}}}")).unwrap();
    spec["namespaceSelector"] = json!({"matchLabels": {"team": team}});
    json!({"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy", "metadata": {"name": name}, "spec": spec})
}

fn pod(script: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [
        {"name": "app", "image": "app:1", "command": ["sh", "-c", script]}]}})
}

fn served() -> Value {
    pod("gunicorn app:app")
}

/// What no exec can repair.
fn bad() -> Value {
    pod("gunicorn app:app & wait")
}

async fn is_changed(client: &Client, namespace: &str) -> bool {
    let stored = client.try_pod(namespace, &served()).await.accepted();
    stored["spec"]["containers"][0]["command"][2] == "exec gunicorn app:app"
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// `status.conditions` of that type: status, reason, message.
async fn condition(client: &Client, policy: &str, kind: &str) -> Option<[String; 3]> {
    let object = client.get(&format!("{POLICIES}/{policy}")).await.body;
    let conditions = object["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|found| found["type"] == kind)?;
    if found["observedGeneration"] != object["metadata"]["generation"] {
        return None;
    }
    Some(["status", "reason", "message"].map(|key| found[key].as_str().unwrap().to_owned()))
}

/// The policies of a test go with it: they are the whole cluster's.
async fn delete(client: &Client, names: &[&str]) {
    for name in names {
        client.delete(&format!("{POLICIES}/{name}")).await;
    }
}

#[tokio::test]
async fn policies_come_change_and_go() {
    let client = cluster().client().await;
    let _webhook = start(&client, "following").await;
    namespace("followed", "following", &json!({"team": "followed"}));
    assert!(!is_changed(&client, "followed").await, "nothing opts it in");

    let enforce = policy("followed", "followed", r#""mode": "enforce""#);
    client.create(POLICIES, &enforce).await.accepted();
    until("changed by the new policy", async || {
        is_changed(&client, "followed").await
    })
    .await;
    let path = format!("{POLICIES}/followed");
    client
        .merge(&path, &json!({"spec": {"mode": "audit"}}))
        .await
        .accepted();
    until("only audited", async || {
        !is_changed(&client, "followed").await
    })
    .await;
    client
        .merge(&path, &json!({"spec": {"mode": "enforce"}}))
        .await
        .accepted();
    until("changed again", async || {
        is_changed(&client, "followed").await
    })
    .await;
    delete(&client, &["followed"]).await;
    until("left alone", async || {
        !is_changed(&client, "followed").await
    })
    .await;
}

/// The API server may ask about a pod before the watch has brought its namespace.
#[tokio::test]
async fn a_namespace_counts_from_its_first_pod_on() {
    let client = cluster().client().await;
    let webhook = start(&client, "fresh").await;
    for index in 0..30 {
        let name = format!("fresh-{index}");
        namespace(&name, "fresh", &json!({"softstop.dev/mode": "enforce"}));
        assert!(
            is_changed(&client, &name).await,
            "{name} was judged without its label"
        );
    }
    // A namespace that changes is followed.
    let path = "/api/v1/namespaces/fresh-0";
    let off = json!({"metadata": {"labels": {"softstop.dev/mode": "off"}}});
    client.merge(path, &off).await.accepted();
    until("opted out", async || !is_changed(&client, "fresh-0").await).await;
    let metrics = webhook.admin("/metrics").unwrap();
    assert!(
        metrics.contains("softstop_watch_up{resource=\"namespaces\"} 1"),
        "{metrics}"
    );
}

/// What the definition cannot know, the reader refuses: of that policy alone, and in its status.
#[tokio::test]
async fn a_policy_that_cannot_be_read_is_told_and_spoils_no_other() {
    let client = cluster().client().await;
    let webhook = start(&client, "unreadable").await;
    for team in ["typo", "fine"] {
        namespace(
            &format!("unreadable-{team}"),
            "unreadable",
            &json!({"team": team}),
        );
    }
    for (name, team, spec) in [
        (
            "typo",
            "typo",
            r#""mode": "enforce", "priority": 5, "runtime": "gnuicorn""#,
        ),
        // It would take the pods of the other one, which nobody asked for.
        ("typo-next", "typo", r#""mode": "enforce""#),
        ("fine", "fine", r#""mode": "enforce""#),
    ] {
        client
            .create(POLICIES, &policy(name, team, spec))
            .await
            .accepted();
    }
    until("changed", async || {
        is_changed(&client, "unreadable-fine").await
    })
    .await;
    until("told", async || {
        condition(&client, "typo", "Accepted")
            .await
            .is_some_and(|[status, ..]| status == "False")
    })
    .await;
    let [_, reason, message] = condition(&client, "typo", "Accepted").await.unwrap();
    assert_eq!(reason, "Invalid");
    assert!(
        message.starts_with(
            "spec.runtime: \"gnuicorn\" is not accepted; accepted: auto, none or one of "
        ),
        "{message}"
    );
    assert!(
        message.ends_with("the pods it selects are left alone"),
        "{message}"
    );
    assert!(!is_changed(&client, "unreadable-typo").await);
    let metrics = webhook.admin("/metrics").unwrap();
    assert!(
        metrics.contains("softstop_policies_unreadable 1"),
        "{metrics}"
    );

    // Repaired, it is in force.
    let repaired = json!({"spec": {"runtime": "gunicorn"}});
    client
        .merge(&format!("{POLICIES}/typo"), &repaired)
        .await
        .accepted();
    until("in force", async || {
        is_changed(&client, "unreadable-typo").await
    })
    .await;
    until("accepted", async || {
        condition(&client, "typo", "Accepted")
            .await
            .is_some_and(|[status, ..]| status == "True")
    })
    .await;
    delete(&client, &["typo", "typo-next", "fine"]).await;
}

/// Also with several replicas, each of which works it out for itself.
#[tokio::test]
async fn the_status_says_who_wins_and_then_stays_as_it_is() {
    let client = cluster().client().await;
    client.define_policies().await;
    let _first = cluster().start_live_webhook("replica-1").await;
    let _second = cluster().start_live_webhook("replica-2").await;
    for (name, team, priority) in [
        ("rival-a", "rivals", 0),
        ("rival-b", "rivals", 0),
        ("rival-c", "rivals", -1),
        ("alone", "nobody-else", 0),
    ] {
        let spec = format!(r#""mode": "audit", "priority": {priority}"#);
        client
            .create(POLICIES, &policy(name, team, &spec))
            .await
            .accepted();
    }
    let expected = [
        (
            "rival-a",
            "True",
            "SamePriority",
            "policy rival-b selects the same pods with the same priority; this one wins, as its name sorts first",
        ),
        (
            "rival-b",
            "True",
            "SamePriority",
            "this policy speaks for no pod: policy rival-a selects all of its pods and has the same priority, and its name sorts first",
        ),
        (
            "rival-c",
            "True",
            "Shadowed",
            "this policy speaks for no pod: policy rival-a selects all of its pods and has a higher priority",
        ),
        (
            "alone",
            "False",
            "NoConflict",
            "no other policy certainly takes its pods",
        ),
    ];
    for (name, status, reason, message) in expected {
        until(&format!("told of {name}: {message}"), async || {
            condition(&client, name, "Conflicting").await
                == Some([status, reason, message].map(str::to_owned))
        })
        .await;
        let accepted = condition(&client, name, "Accepted").await;
        assert_eq!(accepted.unwrap()[0], "True");
    }
    // Longer than either waits before it writes.
    let versions = async || {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut versions = Vec::new();
        for (name, ..) in expected {
            let object = client.get(&format!("{POLICIES}/{name}")).await.body;
            versions.push(object["metadata"]["resourceVersion"].clone());
        }
        versions
    };
    assert_eq!(
        versions().await,
        versions().await,
        "somebody goes on writing"
    );
    let columns = client.table(&format!("{POLICIES}/alone")).await;
    for column in ["Mode", "Priority", "Accepted", "Age"] {
        assert!(columns.contains(&column.to_owned()), "{columns:?}");
    }

    // What the definition cannot tell, because it is a sum.
    let change = json!({"spec": {"drainTime": "5m", "bounds": {"gracePeriod": {"max": 60}}}});
    client
        .merge(&format!("{POLICIES}/alone"), &change)
        .await
        .accepted();
    let message = "the policy is in force, but contradicts itself: delay and drain time need 300 s, its longest grace is 60 s";
    until("told of the contradiction", async || {
        let accepted = condition(&client, "alone", "Accepted").await;
        accepted.is_some_and(|[status, _, told]| status == "True" && told == message)
    })
    .await;

    // What takes no pods any more is told so.
    delete(&client, &["rival-a"]).await;
    until("rival-b wins", async || {
        condition(&client, "rival-b", "Conflicting")
            .await
            .is_some_and(|[status, ..]| status == "False")
    })
    .await;
    delete(&client, &["rival-b", "rival-c", "alone"]).await;
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
