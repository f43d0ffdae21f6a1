//! The plan for one pod: what is decided for each container, what changes, what there is to say.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Code, Context, Doubt, Finding, Mode, Op, Sourced};

/// What is done about a container's entrypoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The main program already is PID 1.
    Direct,
    /// The script is edited so that it becomes PID 1.
    Exec,
    /// softstop-init becomes PID 1.
    Init,
    /// softstop-init runs as the preStop hook; argv stays.
    Hook,
    /// Left alone, with a reason.
    Leave,
}

impl Verdict {
    /// `direct`, `exec`, `init`, `hook` or `leave`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Exec => "exec",
            Self::Init => "init",
            Self::Hook => "hook",
            Self::Leave => "leave",
        }
    }
}

/// What was found out and decided about one container.
#[derive(Clone, Debug)]
pub struct ContainerPlan {
    /// Its name.
    pub name: String,
    /// JSON pointer to it in the pod.
    pub pointer: String,
    /// The verdict about its entrypoint.
    pub verdict: Verdict,
    /// Stable reason code of the verdict, in kebab case (`exec-proven`, `background-job`, `mirror-pod`).
    pub reason: &'static str,
    /// The reason in words, one sentence without a full stop.
    pub why: String,
    /// What Kubernetes will run, after its `$(VAR)` expansion; `None` where the image decides and no facts are given.
    pub argv: Option<Vec<String>>,
    /// The program that does the work, as far as it can be told (`gunicorn`).
    pub program: Option<String>,
    /// What will be PID 1 as the pod is written.
    pub pid1: String,
    /// What will be PID 1 once the plan is carried out.
    pub pid1_after: String,
    /// What happens on SIGTERM as the pod is written, one sentence.
    pub on_stop: String,
    /// What happens on SIGTERM once the plan is carried out.
    pub on_stop_after: String,
}

/// One edit of the pod, with its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The finding it repairs.
    pub code: Code,
    /// Why, one sentence without a full stop.
    pub reason: String,
    /// The operations, in order; parents come first.
    pub ops: Vec<Op>,
}

/// The plan for one pod.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whether the changes are made, only told, or not even looked for; and who says so.
    pub mode: Sourced<Mode>,
    /// One entry per container of `spec.containers`, in order; empty with mode `off`.
    pub containers: Vec<ContainerPlan>,
    /// What to change, in order. With mode `audit` these are what *would* change.
    pub changes: Vec<Change>,
    /// What there is to say, sorted by place and code.
    pub findings: Vec<Finding>,
}

/// Plans one pod. Total: any JSON is accepted; what is no pod gets an empty plan.
pub fn plan(_pod: &Value, _context: &Context<'_>) -> Plan {
    todo!()
}

impl Plan {
    /// The JSON Patch to send (RFC 6902): every operation of every change, in order; empty unless the mode is
    /// `enforce`. The patch has been applied to `pod`, and the result compared with what the changes mean and
    /// looked through for what the API server would refuse.
    ///
    /// # Errors
    /// A [`Doubt`]: the patch must not be sent.
    pub fn patch(&self, _pod: &Value) -> Result<Vec<Op>, Doubt> {
        todo!()
    }

    /// Warnings for the client, each a single line of at most 120 characters, at most 4,096 in all.
    pub fn warnings(&self) -> Vec<String> {
        todo!()
    }

    /// Audit annotations: keys are plain names (the API server puts the webhook's name in front).
    pub fn audit(&self) -> BTreeMap<&'static str, String> {
        todo!()
    }
}
