//! What holds for the pods that are tried on a real API server, whatever the policy, namespace, image and installation.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::pod::{PodView, items};
use crate::testing::{World, apply, plan_with};
use crate::{Finding, Mode, OpKind, Plan};

use super::strategy::{broken_pod, json_value, pod, world};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the JSON is: no panic, and where there is a doubt there is no patch.
    #[test]
    fn total(pod in prop_oneof![json_value(), broken_pod()], world in world()) {
        let plan = plan_with(&pod, &world);
        if let Ok(ops) = plan.patch(&pod) {
            prop_assert_eq!(ops.is_empty(), plan.mode.value != Mode::Enforce || plan.changes.is_empty());
        }
        plan.warnings();
        plan.audit();
    }

    #[test]
    fn idempotent(pod in pod(), world in world()) {
        let patched = apply(&pod, &plan_with(&pod, &world));
        let again = plan_with(&patched, &world);
        prop_assert!(again.changes.is_empty(), "{:#?}", again.changes);
    }

    /// Another webhook adds a container after softstop was there: what was planned before stays as it is.
    /// (A grace of 0 or 1, where there was no room for a hook, may grow because of the new container.)
    #[test]
    fn reinvoked(mut pod in pod(), world in world(), sidecar in pod()) {
        if PodView(&pod).grace() < 2 {
            pod["spec"]["terminationGracePeriodSeconds"] = json!(2);
        }
        let mut patched = apply(&pod, &plan_with(&pod, &world));
        let mut sidecar = sidecar["spec"]["containers"][0].clone();
        sidecar["name"] = json!("added-later");
        let before = items(patched.pointer("/spec/containers")).count();
        if let Some(containers) = patched.pointer_mut("/spec/containers").and_then(Value::as_array_mut) {
            containers.push(sidecar);
        }
        let second = plan_with(&patched, &world);
        for op in second.changes.iter().flat_map(|change| &change.ops) {
            let earlier = (0..before).any(|index| op.path.starts_with(&format!("/spec/containers/{index}/")));
            prop_assert!(!earlier, "{op:?}");
        }
        let twice = apply(&patched, &second);
        prop_assert!(plan_with(&twice, &world).changes.is_empty());
    }

    /// Every word of the user's is where it was; only the places that softstop writes to differ.
    #[test]
    fn own_words_win(pod in pod(), world in world()) {
        let plan = plan_with(&pod, &world);
        let patched = apply(&pod, &plan);
        survives(&pod, &patched, "")?;
        for op in plan.changes.iter().flat_map(|change| &change.ops) {
            prop_assert!(matches!(op.kind, OpKind::Add | OpKind::Replace));
            // A replaced value is a word of the command, the grace, a list that was null or softstop's own note.
            let was = pod.pointer(&op.path);
            let replaces_own = was.is_some_and(|was| !was.is_null() && *was != json!([]));
            prop_assert!(!replaces_own || is_softened(&op.path), "{op:?} replaces {was:?}");
        }
    }

    /// Audit finds the same and changes nothing; off has nothing to say but of the settings themselves.
    #[test]
    fn modes(mut pod in pod(), world in world()) {
        let plan = plan_with(&pod, &world);
        match plan.mode.value {
            Mode::Enforce => {
                let world = World { policies: crate::Policies::default(), ..world };
                pod["metadata"]["annotations"]["softstop.dev/mode"] = json!("enforce");
                let enforced = plan_with(&pod, &world);
                pod["metadata"]["annotations"]["softstop.dev/mode"] = json!("audit");
                let audited = plan_with(&pod, &world);
                prop_assert!(audited.patch(&pod).is_ok_and(|ops| ops.is_empty()));
                prop_assert_eq!(said(&enforced), said(&audited));
                prop_assert_eq!(&enforced.changes, &audited.changes);
            }
            Mode::Audit => prop_assert!(plan.patch(&pod).is_ok_and(|ops| ops.is_empty())),
            Mode::Off => {
                prop_assert!(plan.changes.is_empty() && plan.containers.is_empty());
                prop_assert!(plan.findings.iter().all(|finding| finding.code().0.starts_with("SS9")));
            }
        }
    }

    /// What the plan says it repairs is gone afterwards.
    #[test]
    fn repaired(pod in pod(), world in world()) {
        let plan = plan_with(&pod, &world);
        let again = plan_with(&apply(&pod, &plan), &world);
        let open = |plan: &Plan, finding: &Finding| {
            let same = |other: &&Finding| other.code() == finding.code() && other.container == finding.container;
            plan.findings.iter().filter(same).any(|other| !other.repaired)
        };
        for finding in plan.findings.iter().filter(|finding| finding.repaired && !open(&plan, finding)) {
            prop_assert!(!open(&again, finding), "{}: {}", finding.code(), finding.message);
        }
    }

    /// What a finding points at is there, and what it quotes lies inside of it.
    #[test]
    fn findings_point_at_something(pod in pod(), world in world()) {
        for finding in plan_with(&pod, &world).findings {
            let place = pod.pointer(&finding.pointer);
            prop_assert!(place.is_some(), "{} at {}", finding.code(), finding.pointer);
            if let Some(span) = &finding.span {
                let text = place.and_then(Value::as_str).unwrap_or_default();
                prop_assert!(text.get(span.clone()).is_some(), "{} at {span:?} of {text:?}", finding.code());
            }
            prop_assert!(!finding.message.is_empty() && !finding.message.ends_with('.'));
            prop_assert!(!finding.fix.is_empty() && !finding.fix.ends_with('.'));
        }
    }
}

fn said(plan: &Plan) -> Vec<String> {
    let mut said: Vec<_> = plan
        .findings
        .iter()
        .map(|finding| {
            format!(
                "{} {} {}",
                finding.code(),
                finding.pointer,
                finding.repaired
            )
        })
        .collect();
    said.sort();
    said
}

/// The places where softstop replaces a value.
fn is_softened(path: &str) -> bool {
    let fields: Vec<_> = path.split('/').skip(1).collect();
    matches!(
        fields.as_slice(),
        ["spec", "terminationGracePeriodSeconds"]
            | ["metadata", "annotations", _]
            | ["spec", "containers", _, "command" | "args", ..]
    )
}

/// `after` has all of `before`, in its place: fields keep their values, lists only grow at their end.
fn survives(before: &Value, after: &Value, path: &str) -> Result<(), TestCaseError> {
    match (before, after) {
        (Value::Null, _) => Ok(()),
        (Value::Object(was), Value::Object(is)) => {
            for (key, value) in was {
                let there = is.get(key);
                prop_assert!(there.is_some(), "{path}/{key} is gone");
                survives(
                    value,
                    there.unwrap_or(&Value::Null),
                    &format!("{path}/{}", crate::pod::token(key)),
                )?;
            }
            Ok(())
        }
        (Value::Array(was), Value::Array(is)) if path.ends_with("/command") => {
            // softstop-init stands in front of the words, or `exec` inside of one.
            let shift = is.len().saturating_sub(was.len());
            for (index, value) in was.iter().enumerate() {
                survives(value, &is[shift + index], &format!("{path}/{index}"))?;
            }
            Ok(())
        }
        (Value::Array(was), Value::Array(is)) => {
            prop_assert!(was.len() <= is.len(), "{path} shrank");
            for (index, (value, there)) in was.iter().zip(is).enumerate() {
                survives(value, there, &format!("{path}/{index}"))?;
            }
            Ok(())
        }
        (Value::String(was), Value::String(is))
            if path.contains("/command/") || path.contains("/args/") =>
        {
            prop_assert_eq!(
                was.replace("exec ", ""),
                is.replace("exec ", ""),
                "{}",
                path
            );
            Ok(())
        }
        _ if path == "/spec/terminationGracePeriodSeconds"
            || path == "/metadata/annotations/softstop.dev~1status" =>
        {
            Ok(())
        }
        _ => {
            prop_assert_eq!(before, after, "{}", path);
            Ok(())
        }
    }
}
