//! What policies are told of themselves.

use std::time::Duration;

use serde_json::json;

use super::{delete, is_changed, namespace, policy, start, until};
use crate::client::{Client, POLICIES};
use crate::fixture::cluster;

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
