//! The status of policies: whether each is in force, and whether another one takes its pods.
//!
//! Every replica works it out for itself and comes to the same result, so it does not matter which one writes it. A
//! replica writes what differs from what it sees, and the same thing only once: two versions that put it in different words
//! do not overwrite each other for ever.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use softstop_core::{Policies, Policy, Selector};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::policies::{All, Known, Store};
use crate::policy::ShutdownPolicy;
use crate::telemetry::Metrics;

/// Replicas wait for different times, so that mostly the first one writes and the others find it written.
const PAUSE: Duration = Duration::from_millis(500);

/// When a status that could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(30);

const MANAGER: &str = "softstop";

/// What one condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    kind: &'static str,
    holds: bool,
    reason: &'static str,
    message: String,
    generation: Option<i64>,
}

/// Keeps the status of every policy, for ever.
pub(super) async fn keep(api: Api<ShutdownPolicy>, store: Arc<Store>, metrics: Arc<Metrics>) {
    let mut written: BTreeMap<String, [Statement; 2]> = BTreeMap::new();
    loop {
        // Also without a change: something may have been left unwritten.
        let _ = timeout(AGAIN, store.changed.notified()).await;
        sleep(PAUSE + PAUSE.mul_f64(random())).await;
        let due: Vec<_> = {
            let all = store.all();
            written.retain(|name, _| all.contains_key(name));
            let statements = statements(&all);
            all.iter()
                .zip(statements)
                .filter(|((name, known), statements)| {
                    !says(known, statements) && written.get(*name) != Some(statements)
                })
                .map(|((name, known), statements)| {
                    (name.clone(), conditions(known, &statements), statements)
                })
                .collect()
        };
        for (name, conditions, statements) in due {
            let status = json!({
                "apiVersion": "softstop.dev/v1alpha1",
                "kind": "ShutdownPolicy",
                "metadata": {"name": name},
                "status": {"conditions": conditions},
            });
            let params = PatchParams::apply(MANAGER).force();
            match api
                .patch_status(&name, &params, &Patch::Apply(status))
                .await
            {
                Ok(_) => {
                    metrics.cluster().status_written(true);
                    written.insert(name, statements);
                }
                // It was deleted meanwhile.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(reason) => {
                    metrics.cluster().status_written(false);
                    warn!(policy = name, %reason, "cannot write the status of a policy");
                    let of_this_one = |code| !matches!(code, 401 | 403 | 429 | 500..);
                    if !matches!(&reason, kube::Error::Api(status) if of_this_one(status.code)) {
                        // The others will fare no better.
                        break;
                    }
                }
            }
        }
    }
}

/// Between 0 and 1. What a new hasher hashes nothing to is random.
fn random() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from((random >> 32) as u32) / f64::from(u32::MAX)
}

/// Whether the status says this already, at whatever time it became so.
fn says(known: &Known, statements: &[Statement]) -> bool {
    statements.iter().all(|statement| {
        known.conditions.iter().any(|condition| {
            condition.type_ == statement.kind
                && condition.status == word(statement.holds)
                && condition.reason == statement.reason
                && condition.message == statement.message
                && condition.observed_generation == statement.generation
        })
    })
}

fn conditions(known: &Known, statements: &[Statement]) -> Vec<Condition> {
    let condition = |statement: &Statement| {
        let before = known.conditions.iter().find(|condition| {
            condition.type_ == statement.kind && condition.status == word(statement.holds)
        });
        Condition {
            type_: statement.kind.to_owned(),
            status: word(statement.holds).to_owned(),
            reason: statement.reason.to_owned(),
            message: statement.message.clone(),
            observed_generation: statement.generation,
            last_transition_time: before.map_or_else(
                || Time(Timestamp::now()),
                |before| before.last_transition_time.clone(),
            ),
        }
    };
    statements.iter().map(condition).collect()
}

const fn word(holds: bool) -> &'static str {
    if holds { "True" } else { "False" }
}

/// What there is to say of each policy, in the order of `all`.
fn statements(all: &All) -> Vec<[Statement; 2]> {
    let readable = all.values().filter_map(|known| known.read.as_ref().ok());
    let policies = Policies::new(readable.cloned());
    let selections = Selections::new(&policies);
    all.values()
        .map(|known| {
            let statement = |kind, (holds, reason, message)| Statement {
                kind,
                holds,
                reason,
                message,
                generation: known.generation,
            };
            let (accepted, conflicting) = match &known.read {
                Ok(policy) => (
                    (true, "Accepted", in_force(policy)),
                    selections.conflict(policy),
                ),
                Err(unreadable) => (
                    (false, "Invalid", unreadable.to_string()),
                    (
                        false,
                        "NotAccepted",
                        "the policy is not in force".to_owned(),
                    ),
                ),
            };
            [
                statement("Accepted", accepted),
                statement("Conflicting", conflicting),
            ]
        })
        .collect()
}

fn in_force(policy: &Policy) -> String {
    let but = policy.contradiction();
    let but = but.map_or_else(String::new, |but| {
        format!(", but contradicts itself: {but}")
    });
    format!("the policy is in force{but}")
}

/// Which policies select the same pods, in the order in which they are asked.
struct Selections<'p>(HashMap<[&'p Selector; 2], Vec<(usize, &'p Policy)>>);

impl<'p> Selections<'p> {
    fn new(policies: &'p Policies) -> Self {
        let mut selections: HashMap<_, Vec<_>> = HashMap::new();
        for (place, policy) in policies.iter().enumerate() {
            selections
                .entry([&policy.namespaces, &policy.pods])
                .or_default()
                .push((place, &**policy));
        }
        Self(selections)
    }

    /// Whether two selectors overlap depends on the labels that exist, so this says only what is certain: another policy,
    /// asked earlier, selects the same or everything; or one of the same priority selects the same.
    fn conflict(&self, policy: &Policy) -> (bool, &'static str, String) {
        let everything = Selector::default();
        let all = &everything;
        let (namespaces, pods) = (&policy.namespaces, &policy.pods);
        let earlier = [
            [namespaces, pods],
            [all, pods],
            [namespaces, all],
            [all, all],
        ]
        .into_iter()
        .filter_map(|selection| self.0.get(&selection)?.first())
        .min_by_key(|(place, _)| *place)
        .filter(|(_, other)| before(other, policy));
        if let Some((_, other)) = earlier {
            let (reason, by) = if other.priority == policy.priority {
                (
                    "SamePriority",
                    "has the same priority, and its name sorts first",
                )
            } else {
                ("Shadowed", "has a higher priority")
            };
            let name = &other.name;
            return (
                true,
                reason,
                format!(
                    "this policy speaks for no pod: policy {name} selects all of its pods and {by}"
                ),
            );
        }
        let rival = self
            .0
            .get(&[namespaces, pods])
            .and_then(|same| same.get(1))
            .filter(|(_, other)| other.priority == policy.priority);
        match rival {
            Some((_, other)) => (
                true,
                "SamePriority",
                format!(
                    "policy {} selects the same pods with the same priority; this one wins, as its name sorts first",
                    other.name
                ),
            ),
            None => (
                false,
                "NoConflict",
                "no other policy certainly takes its pods".to_owned(),
            ),
        }
    }
}

/// The order in which policies are asked.
fn before(a: &Policy, b: &Policy) -> bool {
    (b.priority, &a.name) < (a.priority, &b.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, priority: i32, namespaces: &str, pods: &str) -> Policy {
        let text = format!(
            "{{apiVersion: softstop.dev/v1alpha1, kind: ShutdownPolicy, metadata: {{name: {name}}}, spec: {{mode: audit, \
             priority: {priority}, namespaceSelector: {{matchLabels: {{{namespaces}}}}}, podSelector: {{matchLabels: {{{pods}}}}}}}}}"
        );
        crate::policy::parse(&text, "policy").unwrap().remove(0)
    }

    /// The reason of each policy's condition, where another one takes its pods or may seem to.
    fn reasons(policies: &[Policy]) -> Vec<&'static str> {
        let all = Policies::new(policies.to_vec());
        let selections = Selections::new(&all);
        policies
            .iter()
            .map(|policy| selections.conflict(policy).1)
            .collect()
    }

    #[test]
    fn only_what_is_certain_is_a_conflict() {
        for (policies, expected) in [
            (vec![policy("a", 0, "x: a", "")], vec!["NoConflict"]),
            (
                vec![policy("a", 0, "x: a", ""), policy("b", 0, "x: b", "")],
                vec!["NoConflict", "NoConflict"],
            ),
            // They overlap where a pod has both labels; nobody knows whether one has.
            (
                vec![policy("a", 1, "", "x: a"), policy("b", 0, "", "z: a")],
                vec!["NoConflict", "NoConflict"],
            ),
            (
                vec![
                    policy("a", 0, "x: a", "p: q"),
                    policy("b", 0, "x: a", "p: q"),
                ],
                vec!["SamePriority", "SamePriority"],
            ),
            (
                vec![
                    policy("a", 0, "x: a", "p: q"),
                    policy("b", 1, "x: a", "p: q"),
                ],
                vec!["Shadowed", "NoConflict"],
            ),
            // One that selects everything, or everything in the same namespaces, and is asked first.
            (
                vec![policy("a", 0, "x: a", "p: q"), policy("b", 1, "", "")],
                vec!["Shadowed", "NoConflict"],
            ),
            (
                vec![policy("a", 0, "x: a", "p: q"), policy("b", 1, "x: a", "")],
                vec!["Shadowed", "NoConflict"],
            ),
            // A default for what no other policy selects is as it should be.
            (
                vec![policy("a", 1, "x: a", "p: q"), policy("b", 0, "", "")],
                vec!["NoConflict", "NoConflict"],
            ),
        ] {
            assert_eq!(reasons(&policies), expected, "{policies:#?}");
        }
    }

    #[test]
    fn the_time_is_no_reason_to_write_again() {
        let statement = Statement {
            kind: "Accepted",
            holds: true,
            reason: "Accepted",
            message: "the policy is in force".to_owned(),
            generation: Some(3),
        };
        let mut known = Known::of_conditions(Vec::new());
        assert!(!says(&known, std::slice::from_ref(&statement)));
        let before = Time(Timestamp::UNIX_EPOCH);
        known.conditions = conditions(&known, std::slice::from_ref(&statement));
        known.conditions[0].last_transition_time = before.clone();
        assert!(says(&known, std::slice::from_ref(&statement)));
        // What is told anew but holds as before keeps its time.
        let changed = Statement {
            generation: Some(4),
            ..statement.clone()
        };
        assert!(!says(&known, std::slice::from_ref(&changed)));
        assert_eq!(
            conditions(&known, &[changed])[0].last_transition_time,
            before
        );
        let fails = Statement {
            holds: false,
            ..statement
        };
        assert!(conditions(&known, &[fails])[0].last_transition_time > before);
    }
}
