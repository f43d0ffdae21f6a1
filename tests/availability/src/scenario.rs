//! What happens while pods are created.

use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use softstop_rig::Node;

use crate::NAMESPACE;
use crate::creator::{Creator, PROBES};
use crate::events::{self, certificates};
use crate::install::{SELECTOR, upgrade};
use crate::load::{Creations, Failure};

/// How many pods are created each second.
pub(crate) const PER_SECOND: u32 = 20;

/// One thing that happens.
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens, in a table's words.
    pub what: &'static str,
    /// What the API server does with a pod when softstop does not answer.
    pub failure_policy: &'static str,
    /// What must not happen.
    pub promise: Promise,
    /// Makes it happen; returns what else was seen.
    event: fn(&mut Node, times: u32) -> anyhow::Result<String>,
}

/// What is promised of all pods that are created meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// All are admitted, and changed.
    AllChanged,
    /// All are admitted, if the API server can admit any; with or without the change.
    AllAdmitted,
    /// None is refused for softstop's sake, while the API server or its store cannot take any.
    NoneRefused,
    /// Refused are none for longer than a second, and all others are changed.
    RefusedBriefly,
    /// Nothing: with this failurePolicy, this is what it costs.
    Nothing,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Of the pods.
    pub creations: Creations,
    /// What else was seen.
    pub seen: String,
    /// How often a container of softstop's was started again.
    pub restarts: u64,
}

/// All of them.
pub const SCENARIOS: [Scenario; 13] = [
    Scenario {
        name: "rollouts",
        what: "rolling restarts of softstop, one after the other",
        failure_policy: "Fail",
        promise: Promise::AllChanged,
        event: events::rollouts,
    },
    Scenario {
        name: "eviction",
        what: "a replica is evicted, as by `kubectl drain`",
        failure_policy: "Fail",
        promise: Promise::AllChanged,
        event: events::eviction,
    },
    Scenario {
        name: "apiserver",
        what: "the API server is killed and started again",
        failure_policy: "Ignore",
        promise: Promise::NoneRefused,
        event: events::apiserver,
    },
    Scenario {
        name: "apiserver-fail",
        what: "the API server is killed and started again",
        failure_policy: "Fail",
        promise: Promise::NoneRefused,
        event: events::apiserver,
    },
    Scenario {
        name: "etcd",
        what: "etcd does not answer for 10 s",
        failure_policy: "Fail",
        promise: Promise::NoneRefused,
        event: events::etcd,
    },
    Scenario {
        name: "down",
        what: "all replicas are gone, then come back",
        failure_policy: "Ignore",
        promise: Promise::AllAdmitted,
        event: events::down,
    },
    Scenario {
        name: "nothing",
        what: "all replicas are gone, with their CA and its trust, then come back at once",
        failure_policy: "Ignore",
        promise: Promise::AllAdmitted,
        event: certificates::from_nothing,
    },
    Scenario {
        name: "secret",
        what: "the Secret with softstop's CA is deleted, 3 times",
        failure_policy: "Fail",
        promise: Promise::AllChanged,
        event: certificates::secret_deleted,
    },
    Scenario {
        name: "blanked",
        what: "the `caBundle` is blanked, 5 times",
        failure_policy: "Fail",
        promise: Promise::RefusedBriefly,
        event: certificates::bundle_blanked,
    },
    Scenario {
        name: "restored",
        what: "Secret and `caBundle` are restored from a backup of before the Secret was lost",
        failure_policy: "Fail",
        promise: Promise::AllChanged,
        event: certificates::restored,
    },
    Scenario {
        name: "killed",
        what: "the busiest replica is killed (SIGKILL)",
        failure_policy: "Ignore",
        promise: Promise::AllAdmitted,
        event: events::killed,
    },
    Scenario {
        name: "frozen",
        what: "the busiest replica is frozen (SIGSTOP) for 20 s",
        failure_policy: "Ignore",
        promise: Promise::AllAdmitted,
        event: events::frozen,
    },
    Scenario {
        name: "frozen-fail",
        what: "the busiest replica is frozen (SIGSTOP) for 20 s",
        failure_policy: "Fail",
        promise: Promise::Nothing,
        event: events::frozen,
    },
];

impl Scenario {
    /// Makes it happen, `times` times where that makes sense, while pods are created.
    pub fn run(&self, node: &mut Node, times: u32) -> anyhow::Result<Outcome> {
        set_failure_policy(node, self.failure_policy)?;
        let before = restarts(node)?;
        let creator = Creator::start(node, PER_SECOND)?;
        thread::sleep(Duration::from_secs(2));
        let seen = (self.event)(node, times).with_context(|| self.name)?;
        thread::sleep(Duration::from_secs(2));
        let creations = creator.finish()?;
        node.kubectl_ok([
            "delete",
            "pods",
            "--all",
            "-n",
            PROBES,
            "--wait=false",
            "--grace-period=0",
            "--force",
        ])?;
        Ok(Outcome {
            creations,
            seen,
            restarts: restarts(node)?.saturating_sub(before),
        })
    }
}

impl Outcome {
    /// Why the promise was broken, if it was.
    pub fn broken(&self, promise: Promise) -> Option<String> {
        let Creations {
            tried,
            unchanged,
            refused,
            unready,
            unreachable,
            ..
        } = &self.creations;
        let say = |count: usize, what: &str, example: Option<&Failure>| {
            (count > 0).then(|| {
                let example = example
                    .map(|Failure { at, error }| format!(", first after {at:?}: {error}"))
                    .unwrap_or_default();
                format!("{count} of {tried} {what}{example}")
            })
        };
        let long = self.creations.longest_refusal() > Duration::from_secs(1);
        let refused = say(refused.len(), "were refused", refused.first());
        let unready = say(unready.len(), "met no ready API server", unready.first());
        let unreachable = say(unreachable.len(), "got no answer", unreachable.first());
        let broken = unready.or(unreachable);
        let unchanged = say(unchanged.len(), "were not changed", None);
        match promise {
            Promise::AllChanged => refused.or(broken).or(unchanged),
            Promise::AllAdmitted => refused.or(broken),
            Promise::NoneRefused => refused,
            Promise::RefusedBriefly => refused.filter(|_| long).or(broken).or(unchanged),
            Promise::Nothing => None,
        }
        .or_else(|| (self.creations.changed == 0).then(|| "no pod was changed".to_owned()))
    }
}

fn restarts(node: &Node) -> anyhow::Result<u64> {
    let pods = node.pods(NAMESPACE, SELECTOR)?;
    let counts = pods
        .iter()
        .filter_map(|pod| pod["status"]["containerStatuses"][0]["restartCount"].as_u64());
    Ok(counts.sum())
}

fn set_failure_policy(node: &Node, policy: &str) -> anyhow::Result<()> {
    upgrade(node, &[&format!("webhook.failurePolicy=\"{policy}\"")])?;
    // The API server learns of it a moment later.
    thread::sleep(Duration::from_secs(1));
    Ok(())
}
