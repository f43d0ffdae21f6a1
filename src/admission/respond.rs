//! From a review to its answer, with everything that can go wrong on the way.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;
use softstop_core::{Code, ContainerPlan, Context, Doubt, Finding, Mode, Plan, Verdict};

use super::validate::validate;
use super::{Answer, Cluster, Review};
use crate::telemetry::without_panic_message;

/// The engine: [`softstop_core::plan`], or what a test puts in its place.
pub type Planner = Arc<dyn Fn(&Value, &Context<'_>) -> Plan + Send + Sync>;

/// What the API server asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// A patch.
    Mutate,
    /// A judgement of the pod as it will be stored.
    Validate,
}

impl Hook {
    /// As logs name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

/// How a review ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A patch was sent.
    Patched,
    /// There was nothing to change, or the mode says not to.
    Unchanged,
    /// Validated: nothing to say.
    Allowed,
    /// Validated: violations, told as warnings.
    Warned,
    /// Validated: violations, and the policy refuses them.
    Denied,
    /// Not the creation of a pod.
    Skipped,
    /// The object could not be read.
    Unreadable,
    /// The labels and annotations of the pod's namespace could not be had.
    NamespaceUnknown,
    /// The patch did not pass the engine's own check.
    Doubted,
    /// The engine panicked.
    Panicked,
    /// The deadline passed first.
    TimedOut,
}

impl Outcome {
    /// As metrics and logs name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patched => "patched",
            Self::Unchanged => "unchanged",
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::Denied => "denied",
            Self::Skipped => "skipped",
            Self::Unreadable => "unreadable",
            Self::NamespaceUnknown => "namespace-unknown",
            Self::Doubted => "doubted",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed-out",
        }
    }
}

/// All that logs may say of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The request's uid.
    pub uid: String,
    /// The pod's namespace.
    pub namespace: String,
    /// `metadata.name`, or `metadata.generateName` where the name is still to be made up.
    pub name: String,
}

/// An answered review.
#[derive(Debug)]
pub struct Reviewed {
    /// What is sent back.
    pub answer: Answer,
    /// How it ended.
    pub outcome: Outcome,
    /// Whom it was about.
    pub subject: Subject,
    /// The mode that applied; `None` where planning did not get that far.
    pub mode: Option<Mode>,
    /// The verdict for each container and its reason.
    pub verdicts: Vec<(Verdict, &'static str)>,
    /// The code of each finding, and whether the plan repairs it.
    pub findings: Vec<(Code, bool)>,
    /// How it would have ended with mode `enforce`, where the mode is `audit`.
    pub enforced: Option<Outcome>,
}

impl Reviewed {
    pub(super) fn planned(plan: &Plan, outcome: Outcome, subject: Subject, answer: Answer) -> Self {
        let verdict = |container: &ContainerPlan| (container.verdict, container.reason);
        let finding = |finding: &Finding| (finding.code(), finding.repaired);
        Self {
            answer,
            outcome,
            subject,
            mode: Some(plan.mode.value),
            verdicts: plan.containers.iter().map(verdict).collect(),
            findings: plan.findings.iter().map(finding).collect(),
            enforced: None,
        }
    }

    fn without_plan(outcome: Outcome, subject: Subject, answer: Answer) -> Self {
        Self {
            answer,
            outcome,
            subject,
            mode: None,
            verdicts: Vec::new(),
            findings: Vec::new(),
            enforced: None,
        }
    }

    /// The answer to a review that made softstop panic.
    pub fn panicked(subject: Subject) -> Self {
        Self::left_alone(
            Outcome::Panicked,
            subject,
            "internal error (please report it)",
        )
    }

    /// The answer to a review for which the time was too short.
    pub fn timed_out(subject: Subject) -> Self {
        Self::left_alone(
            Outcome::TimedOut,
            subject,
            "planning took longer than the webhook's timeout",
        )
    }

    /// The answer to a review of a pod that would take too much memory.
    pub fn too_heavy(subject: Subject) -> Self {
        Self::left_alone(
            Outcome::Unreadable,
            subject,
            "it has more parts than softstop has memory for",
        )
    }

    /// An answer that leaves the pod alone, with a warning that says why.
    fn left_alone(outcome: Outcome, subject: Subject, why: &str) -> Self {
        let answer = Answer {
            warnings: vec![format!("softstop: the pod was left alone: {why}")],
            ..Answer::allowed(&subject.uid)
        };
        Self::without_plan(outcome, subject, answer)
    }
}

/// Answers reviews.
pub struct Reviewer {
    planner: Planner,
    cluster: Cluster,
}

impl fmt::Debug for Reviewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reviewer").finish_non_exhaustive()
    }
}

impl Reviewer {
    /// Answers with [`softstop_core::plan`].
    pub fn new(cluster: Cluster) -> Self {
        Self::with_planner(cluster, Arc::new(softstop_core::plan))
    }

    /// Answers with another planner.
    pub fn with_planner(cluster: Cluster, planner: Planner) -> Self {
        Self { planner, cluster }
    }

    /// Makes sure, as far as that is possible, that the review's namespace is known. The only thing that may wait for
    /// something, so it is apart from [`review`](Self::review); it is bounded in time.
    pub async fn prepare(&self, review: &Review) {
        if review.out_of_scope().is_none()
            && let Some(name) = &review.namespace
        {
            self.cluster.namespaces.look_up(name).await;
        }
    }

    /// Answers one review. Neither an unreadable object nor a panic keeps the pod from being created.
    pub fn review(&self, hook: Hook, review: &Review) -> Reviewed {
        let mut subject = review.subject();
        if let Some(reason) = review.out_of_scope() {
            let mut answer = Answer::allowed(&review.uid);
            answer.audit.insert("skipped", reason.to_owned());
            return Reviewed::without_plan(Outcome::Skipped, subject, answer);
        }
        let left_alone = |why| Reviewed::left_alone(Outcome::Unreadable, review.subject(), why);
        let Some(object) = &review.object else {
            return left_alone("the request carries no object");
        };
        let Ok(pod @ Value::Object(_)) = serde_json::from_str(object.get()) else {
            return left_alone("its object is no pod that softstop can read");
        };
        name(&pod).clone_into(&mut subject.name);
        // Nothing that planning touches is seen again after it panicked.
        let plan = AssertUnwindSafe(|| self.plan(hook, &pod, subject.clone()));
        without_panic_message(|| catch_unwind(plan)).unwrap_or_else(|_| Reviewed::panicked(subject))
    }

    fn plan(&self, hook: Hook, pod: &Value, subject: Subject) -> Reviewed {
        let Some(namespace) = self.cluster.namespaces.get(&subject.namespace) else {
            return Reviewed::left_alone(
                Outcome::NamespaceUnknown,
                subject,
                "the labels of its namespace could not be read in time",
            );
        };
        let policies = Arc::clone(&self.cluster.policies.borrow());
        let plan = (self.planner)(pod, &self.cluster.context(&namespace, &policies));
        match hook {
            Hook::Mutate => mutate(&plan, pod, subject),
            Hook::Validate => validate(&plan, pod, subject),
        }
    }
}

impl Review {
    /// Whom the review is about, as far as the request itself says.
    pub fn subject(&self) -> Subject {
        Subject {
            uid: self.uid.clone(),
            namespace: self.namespace.clone().unwrap_or_default(),
            name: self.name.clone().unwrap_or_default(),
        }
    }
}

fn mutate(plan: &Plan, pod: &Value, subject: Subject) -> Reviewed {
    let answer = Answer {
        warnings: plan.warnings(),
        audit: plan.audit(),
        ..Answer::allowed(&subject.uid)
    };
    match plan.would_patch(pod) {
        // What the plan says it did is not true now: its own warnings and audit annotations go.
        Err(doubt) => {
            let answer = doubted(&doubt, &subject);
            Reviewed::planned(plan, Outcome::Doubted, subject, answer)
        }
        Ok(patch) => {
            let outcome = if patch.is_empty() {
                Outcome::Unchanged
            } else {
                Outcome::Patched
            };
            if plan.mode.value == Mode::Enforce {
                return Reviewed::planned(plan, outcome, subject, answer.patched(&patch));
            }
            Reviewed {
                enforced: (plan.mode.value == Mode::Audit).then_some(outcome),
                ..Reviewed::planned(plan, Outcome::Unchanged, subject, answer)
            }
        }
    }
}

/// The answer where the patch did not pass the engine's own check.
pub(super) fn doubted(doubt: &Doubt, subject: &Subject) -> Answer {
    Answer {
        warnings: vec![
            "softstop: the pod was left alone: its patch did not pass the check before sending (please report it)"
                .to_owned(),
        ],
        audit: BTreeMap::from([("doubt", doubt.to_string())]),
        ..Answer::allowed(&subject.uid)
    }
}

fn name(pod: &Value) -> &str {
    let metadata = |key| {
        pod["metadata"][key]
            .as_str()
            .filter(|name| !name.is_empty())
    };
    metadata("name")
        .or_else(|| metadata("generateName"))
        .unwrap_or_default()
}
