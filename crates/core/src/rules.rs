//! The rules: one file per finding code, each with its page.
//!
//! A rule reads what was observed and decided and says what is wrong. It never changes the pod.

pub(crate) mod codes;

use crate::budget::{Budget, Share};
use crate::decide::Decision;
use crate::observe::Observed;
use crate::pod::PodView;
use crate::settings::Settings;
use crate::{Capabilities, Code, Finding, Severity};

/// One rule: its code, its severity, its page.
#[derive(Debug)]
pub struct Rule {
    /// Stable code, `SS101`.
    pub code: Code,
    /// Stable name in kebab case, `shell-swallows-signal`.
    pub name: &'static str,
    /// Severity unless a finding says otherwise.
    pub severity: Severity,
    /// One line: what the rule looks for.
    pub summary: &'static str,
    /// The page, in Markdown, with the sections *What it does*, *Why it hurts*, *Before*, *After*,
    /// *How softstop changes it*, *How to opt out*.
    pub page: &'static str,
    /// Looks at a planned pod.
    pub(crate) check: fn(&Rule, &Subject<'_, '_>, &mut Vec<Finding>),
}

/// What a rule looks at: the pod, and everything that was found out and decided about it.
pub(crate) struct Subject<'a, 'p> {
    pub(crate) pod: PodView<'p>,
    pub(crate) settings: &'a Settings<'p>,
    pub(crate) containers: &'a [Observed<'p>],
    pub(crate) decisions: &'a [Decision],
    pub(crate) budget: &'a Budget,
    pub(crate) capabilities: &'a Capabilities,
}

impl<'a, 'p> Subject<'a, 'p> {
    /// The containers that are not left alone altogether, with what is decided about them.
    pub(crate) fn containers(&self) -> impl Iterator<Item = (&'a Observed<'p>, &'a Decision, &'a Share)> {
        self.containers
            .iter()
            .zip(self.decisions)
            .zip(&self.budget.shares)
            .map(|((container, decision), share)| (container, decision, share))
            .filter(|(_, decision, _)| !decision.untouched)
    }
}

/// Every rule, in the order of the codes.
pub fn all() -> &'static [&'static Rule] {
    &[]
}

/// The rule of that code (`SS101`, any case) or name.
pub fn find(code: &str) -> Option<&'static Rule> {
    all()
        .iter()
        .copied()
        .find(|rule| rule.code.0.eq_ignore_ascii_case(code) || rule.name == code)
}

/// Every finding about a planned pod, sorted by place and code.
pub(crate) fn check(subject: &Subject<'_, '_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in all() {
        (rule.check)(rule, subject, &mut findings);
    }
    findings
}

/// What there is to say of the settings alone: a pod that is left alone may be so by a mistake in them.
pub(crate) fn of_settings(_settings: &Settings<'_>) -> Vec<Finding> {
    Vec::new()
}
