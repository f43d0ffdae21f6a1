//! What holds for every pod.

mod strategy;
mod typical;
mod wide;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::testing::{World, apply, injection, plan_with};
use crate::{OpKind, Verdict};
use typical::{json, pod, world};

fn grace(pod: &Value) -> i64 {
    pod["spec"]["terminationGracePeriodSeconds"]
        .as_i64()
        .map_or(30, |grace| if grace < 0 { 1 } else { grace })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_json_has_a_plan(pod in json()) {
        let plan = plan_with(&pod, &World { capabilities: injection(), ..World::default() });
        // What is no pod may be left in doubt, but nothing panics.
        let _ = (plan.patch(&pod), plan.warnings(), plan.audit());
    }

    /// Planning the result again plans nothing, also for a copy that has lost its annotations of ours.
    #[test]
    fn planning_again_changes_nothing(pod in pod(), world in world()) {
        let once = apply(&pod, &plan_with(&pod, &world));
        let again = plan_with(&once, &world);
        prop_assert!(again.changes.is_empty(), "{:#?}\n{once:#}", again.changes);
    }

    #[test]
    fn the_same_input_gives_the_same_plan(pod in pod(), world in world()) {
        let (a, b) = (plan_with(&pod, &world), plan_with(&pod, &world));
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    /// Grace only goes up, no sleep of ours is longer than it, and a grace of 0 or 1 is left alone unless the pod asks.
    #[test]
    fn grace_and_sleep(pod in pod(), world in world()) {
        let after = apply(&pod, &plan_with(&pod, &world));
        prop_assert!(grace(&after) >= grace(&pod));
        for (before, container) in std::iter::zip(pod["spec"]["containers"].as_array().unwrap(), after["spec"]["containers"].as_array().unwrap()) {
            let sleep = &container["lifecycle"]["preStop"]["sleep"]["seconds"];
            if before["lifecycle"]["preStop"].is_null() && let Some(seconds) = sleep.as_i64() {
                prop_assert!(seconds <= grace(&after), "{after:#}");
            }
        }
        let asks = pod["metadata"]["annotations"].as_object().is_some_and(|a| a.keys().any(|key| key.contains("softstop.dev/")));
        if grace(&pod) <= 1 && !asks {
            prop_assert_eq!(grace(&after), grace(&pod));
        }
    }

    /// The user's own words stay: hooks, variables, mounts, fields newer than this crate, the words of the command.
    #[test]
    fn what_is_there_stays(pod in pod(), world in world()) {
        let plan = plan_with(&pod, &world);
        for op in plan.changes.iter().flat_map(|change| &change.ops) {
            let command = op.path.contains("/command") || op.path.contains("/args");
            let grace = op.path == "/spec/terminationGracePeriodSeconds";
            let status = op.path == "/metadata/annotations/softstop.dev~1status";
            prop_assert!(op.kind == OpKind::Add || command || grace || status, "{op:?}");
        }
        let after = apply(&pod, &plan);
        for (before, container) in std::iter::zip(pod["spec"]["containers"].as_array().unwrap(), after["spec"]["containers"].as_array().unwrap()) {
            for field in ["image", "ports", "envFrom", "livenessProbe", "newerThanThisCrate", "name"] {
                prop_assert_eq!(before.get(field), container.get(field));
            }
            let (hook, kept) = (&before["lifecycle"]["preStop"], &container["lifecycle"]["preStop"]);
            prop_assert!(hook.is_null() || hook == kept);
            for field in ["env", "volumeMounts"] {
                let before = before[field].as_array().cloned().unwrap_or_default();
                let after = container[field].as_array().cloned().unwrap_or_default();
                prop_assert_eq!(&before[..], &after[..before.len()]);
            }
        }
    }

    #[test]
    fn audit_and_off_change_nothing(pod in pod()) {
        for mode in ["audit", "off"] {
            let mut pod = pod.clone();
            pod["metadata"]["annotations"]["softstop.dev/mode"] = json!(mode);
            let plan = plan_with(&pod, &World { capabilities: injection(), ..World::default() });
            prop_assert!(plan.patch(&pod).unwrap().is_empty());
            if mode == "off" {
                prop_assert!(plan.findings.iter().all(|finding| finding.code().0.starts_with("SS9")));
                prop_assert!(plan.changes.is_empty());
            }
        }
    }

    /// Warnings are short single lines; the API server drops one with a control character.
    #[test]
    fn warnings_are_what_the_api_server_passes_on(mut pod in pod(), world in world(), text in "[\\x00-\\x7f]{0,300}") {
        pod["metadata"]["annotations"][format!("softstop.dev/{text}")] = json!(text);
        let warnings = plan_with(&pod, &world).warnings();
        prop_assert!(warnings.iter().map(|w| w.chars().count()).sum::<usize>() <= 4096);
        for warning in warnings {
            prop_assert!(!warning.is_empty() && warning.chars().count() <= 120 && !warning.chars().any(char::is_control), "{warning:?}");
        }
    }

    /// Nothing is injected by an installation that does not inject.
    #[test]
    fn no_injection_without_leave(pod in pod()) {
        let plan = plan_with(&pod, &World::default());
        prop_assert!(plan.containers.iter().all(|c| !matches!(c.verdict, Verdict::Init | Verdict::Hook)));
        prop_assert!(!apply(&pod, &plan).to_string().contains("softstop/softstop-init\",\"drain"));
    }
}

/// The guard sees a patch that does not do what is meant.
#[test]
fn a_broken_patch_is_not_sent() {
    let pod = json!({ "spec": { "containers": [{ "name": "a", "command": ["sh", "-c", "gunicorn app"] }] } });
    let world = World::default();
    let good = plan_with(&pod, &world);
    assert!(!good.patch(&pod).unwrap().is_empty());

    let broken = |path: &str, value: Value| {
        let mut plan = good.clone();
        plan.changes[0].ops[0].path = path.to_owned();
        plan.changes[0].ops[0].value = value;
        plan.patch(&pod)
    };
    for (path, value) in [
        ("/spec/containers/0/command/9", json!("x")),
        ("/spec/containers/7/command/2", json!("x")),
        ("/spec/containers/0/command/2", json!("rm")),
        ("/spec/containers/0/image", json!("x")),
        ("/spec/nodeName", json!("x")),
        ("", json!({})),
        ("no pointer", json!({})),
    ] {
        assert!(broken(path, value).is_err(), "{path}");
    }
    // The same plan for another pod than the one it was made for.
    assert!(
        good.patch(&json!({ "spec": { "containers": [] } }))
            .is_err()
    );
}
