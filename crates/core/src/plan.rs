//! The plan for one pod: what is decided for each container, what changes, what there is to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::budget::{Budget, Cut, budget};
use crate::decide::{self, Decision, Surroundings, decide, sends_signals};
use crate::observe::Observed;
use crate::observe::pre_stop::Slot;
use crate::pod::PodView;
use crate::render::render;
use crate::rules::{self, Subject};
use crate::settings::Settings;
use crate::{Code, Context, Doubt, Finding, Mode, Op, Policy, Severity, Sourced, patch, story};

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
    /// What happens when the pod is stopped as it is written, one sentence without a full stop.
    pub on_stop: String,
    /// What happens once the plan is carried out.
    pub on_stop_after: String,
}

/// One edit of the pod, with its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The finding it repairs; `None` for the status annotation, which goes with other changes.
    pub code: Option<Code>,
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
    /// The policy that speaks for the pod.
    pub policy: Option<Arc<Policy>>,
    /// One entry per container of `spec.containers`, in order; empty with mode `off`.
    pub containers: Vec<ContainerPlan>,
    /// What to change, in order. With mode `audit` these are what *would* change.
    pub changes: Vec<Change>,
    /// What there is to say, sorted by place and code.
    pub findings: Vec<Finding>,
    /// The pod as the changes mean it; `None` without changes.
    intended: Option<Value>,
}

/// Plans one pod. Total: any JSON is accepted; what is no pod gets an empty plan.
pub fn plan(pod: &Value, context: &Context<'_>) -> Plan {
    let pod = PodView(pod);
    let settings = Settings::resolve(pod, context);
    if settings.mode.value == Mode::Off {
        let findings = rules::of_settings(&settings);
        return Plan {
            mode: settings.mode,
            policy: settings.policy.cloned(),
            containers: Vec::new(),
            changes: Vec::new(),
            findings,
            intended: None,
        };
    }
    let observed: Vec<_> = pod
        .containers()
        .map(|view| Observed::read(pod, view, &settings, context))
        .collect();
    let sends_signals = sends_signals(pod);
    let decided = |grace| {
        let around = Surroundings {
            pod,
            capabilities: context.capabilities,
            grace,
            sends_signals,
        };
        let decisions = observed.iter().map(|container| decide(container, around));
        settle(pod, &settings, &observed, decisions.collect())
    };
    let (mut decisions, mut budget) = decided(pod.grace());
    if budget.grace < decide::HOOK_GRACE && budget.result >= decide::HOOK_GRACE {
        // There is room for a hook now.
        (decisions, budget) = decided(budget.result);
    }
    let (changes, intended) = render(pod, &observed, &decisions, &budget, context.capabilities);
    let findings = rules::check(&Subject {
        pod,
        settings: &settings,
        containers: &observed,
        decisions: &decisions,
        budget: &budget,
    });
    let containers = observed
        .iter()
        .zip(&decisions)
        .zip(&budget.shares)
        .map(|((container, decision), share)| story::tell(pod, container, decision, share, &budget))
        .collect();
    Plan {
        mode: settings.mode,
        policy: settings.policy.cloned(),
        containers,
        changes,
        findings,
        intended,
    }
}

/// Spends the grace, and takes back an `exec` that would be worse than none: a program that now stops at once needs
/// the drain delay, all of it.
fn settle(
    pod: PodView<'_>,
    settings: &Settings<'_>,
    observed: &[Observed<'_>],
    mut decisions: Vec<Decision>,
) -> (Vec<Decision>, Budget) {
    let spent = budget(pod, settings, observed, &decisions);
    let mut withdrawn = false;
    for ((container, decision), share) in observed.iter().zip(&mut decisions).zip(&spent.shares) {
        let no_hook = matches!(share.cut, Some(Cut::ProbeGrace | Cut::HandsOff));
        let slot = match &container.settings.pre_stop {
            Some(hook) if container.slot.is_free() => Slot::wanted(&hook.value),
            _ => container.slot,
        };
        let delay = match slot {
            Slot::Free => share.delay,
            Slot::Sleep(seconds) | Slot::ExecSleep(seconds) => seconds,
            // Nobody can see whether it waits until the requests are done.
            Slot::Opaque if decision.drain_in_delay => 0,
            // Else a hook of the user's own does what the user wants.
            Slot::Own(_) | Slot::Opaque => share.required,
        };
        let enough = if decision.drain_in_delay {
            delay >= share.required
        } else {
            delay > 0 || share.required == 0
        };
        if decision.needs_delay && (no_hook || !enough) {
            decision.withdraw("no-room-for-delay", "the program would stop at once, and there is no room for the delay that protects its clients");
            withdrawn = true;
        }
    }
    let spent = if withdrawn {
        budget(pod, settings, observed, &decisions)
    } else {
        spent
    };
    (decisions, spent)
}

impl Plan {
    /// The JSON Patch to send (RFC 6902): every operation of every change, in order; empty unless the mode is
    /// `enforce`. The patch has been applied to `pod`, and the result compared with what the changes mean and
    /// looked through for what the API server would refuse.
    ///
    /// # Errors
    /// A [`Doubt`]: the patch must not be sent.
    pub fn patch(&self, pod: &Value) -> Result<Vec<Op>, Doubt> {
        if self.mode.value != Mode::Enforce {
            return Ok(Vec::new());
        }
        self.would_patch(pod)
    }

    /// The JSON Patch that `enforce` would send, whatever the mode is.
    ///
    /// # Errors
    /// A [`Doubt`], as for [`Plan::patch`].
    pub fn would_patch(&self, pod: &Value) -> Result<Vec<Op>, Doubt> {
        let Some(intended) = &self.intended else {
            return Ok(Vec::new());
        };
        let ops: Vec<_> = self.changes.iter().flat_map(|change| &change.ops).collect();
        patch::check(pod, &ops, intended)?;
        Ok(ops.into_iter().cloned().collect())
    }

    /// Warnings for the client: what the plan does not repair, each a single line of at most 120 characters, at most
    /// 4,096 in all (beyond that the API server cuts and drops them; a control character drops one silently).
    pub fn warnings(&self) -> Vec<String> {
        let audit = if self.mode.value == Mode::Audit && !self.changes.is_empty() {
            let codes: BTreeSet<_> = self
                .changes
                .iter()
                .filter_map(|change| change.code)
                .collect();
            let codes: Vec<_> = codes.iter().map(ToString::to_string).collect();
            Some(format!(
                "softstop (audit, nothing is changed) would repair {}",
                codes.join(", ")
            ))
        } else {
            None
        };
        let open = self
            .findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning && !finding.repaired);
        within_bounds(audit.into_iter().chain(open.map(line)))
    }

    /// What is lost on every stop of the pod as it is: findings of severity `error`, also those that the plan would
    /// repair. Of a pod that has been planned and changed before, those that could not be repaired.
    pub fn violations(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }

    /// The same as warnings, in the words of [`Plan::warnings`]: the API server shows equal ones once.
    pub fn violation_warnings(&self) -> Vec<String> {
        within_bounds(self.violations().map(line))
    }

    /// Audit annotations: keys are plain names (the API server puts the webhook's name in front).
    pub fn audit(&self) -> BTreeMap<&'static str, String> {
        let mut audit = BTreeMap::from([(
            "mode",
            format!("{} ({})", self.mode.value.as_str(), self.mode.source),
        )]);
        let verdicts = self
            .containers
            .iter()
            .map(|c| format!("{}={}/{}", c.name, c.verdict.as_str(), c.reason));
        let mut put = |key, words: Vec<String>| {
            if !words.is_empty() {
                audit.insert(key, words.join(" "));
            }
        };
        put("verdicts", verdicts.collect());
        let findings: BTreeSet<_> = self.findings.iter().map(Finding::code).collect();
        put(
            "findings",
            findings.iter().map(ToString::to_string).collect(),
        );
        let changes: BTreeSet<_> = self
            .changes
            .iter()
            .filter_map(|change| change.code)
            .collect();
        put("changes", changes.iter().map(ToString::to_string).collect());
        audit
    }
}

fn line(finding: &Finding) -> String {
    match &finding.container {
        Some(container) => format!(
            "softstop {}: container {container}: {}",
            finding.code(),
            finding.message
        ),
        None => format!("softstop {}: {}", finding.code(), finding.message),
    }
}

/// What the API server passes on: each line once, short, and not too much in all.
fn within_bounds(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut room = 4_096;
    let mut warnings: Vec<String> = Vec::new();
    for line in lines.map(|line| one_line(&line)) {
        let length = line.chars().count();
        if length > room {
            break;
        }
        if !warnings.contains(&line) {
            room -= length;
            warnings.push(line);
        }
    }
    warnings
}

/// The longest warning that no API server cuts.
const LONGEST_WARNING: usize = 120;

fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    if text.chars().count() <= LONGEST_WARNING {
        return clean.collect();
    }
    clean.take(LONGEST_WARNING - 1).chain(['…']).collect()
}
