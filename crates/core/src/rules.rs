//! The rules: one file per finding code, each with its page.
//!
//! A rule reads what was observed and decided and says what is wrong. It never changes the pod.
//! To add one: a file `ssNNN_name.rs` with its `RULE`, a line in [`ALL`]; the page's examples are run as tests.

pub(crate) mod codes;

mod ss101_shell_swallows_signal;
mod ss102_exec_not_provable;
mod ss103_init_before_shell;
mod ss104_trap_does_not_wait;
mod ss105_launcher_swallows_signal;
mod ss106_words_after_script;
mod ss107_argv_unknown;
mod ss108_group_signal;
mod ss109_start_script;
mod ss110_pid1_hazard;
mod ss111_init_not_available;
mod ss112_sourced_file_trusted;
mod ss201_other_drain_signal;
mod ss202_no_drain;
mod ss203_die_on_term;
mod ss204_no_handler;
mod ss205_gunicorn_timeout;
mod ss206_development_server;
mod ss207_graceful_variable;
mod ss301_grace_too_short;
mod ss302_prestop_takes_grace;
mod ss303_sleep_above_grace;
mod ss304_grace_zero_or_one;
mod ss305_probe_grace;
mod ss306_cut_by_bound;
mod ss307_delay_wastes_worker_time;
mod ss308_prestop_time_unknown;
mod ss309_own_limit;
mod ss401_serves_without_delay;
mod ss402_exec_sleep;
mod ss403_slot_taken;
mod ss404_hook_asked_for;
mod ss501_read_only_root;
mod ss502_shared_pid_namespace;
mod ss503_root_without_cap_kill;
mod ss504_proxy_not_native;
mod ss901_bad_value;
mod ss902_unknown_key;
mod ss903_unknown_container;
mod ss904_locked;
mod ss905_bad_policy;
mod ss906_forced_not_possible;
mod ss907_not_per_container;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_grace;
#[cfg(test)]
mod tests_limit;
#[cfg(test)]
mod tests_signal;

use crate::budget::{Budget, Share};
use crate::decide::Decision;
use crate::observe::Observed;
use crate::pod::PodView;
use crate::settings::Settings;
use crate::{Code, Finding, Severity, story};

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
    pub(crate) check: fn(&Subject<'_, '_>, &mut Vec<Finding>),
}

impl Rule {
    /// A finding of this rule about a container; `place` is a JSON pointer below the container (`/command/2`).
    pub(crate) fn about(
        &'static self,
        container: &Observed<'_>,
        place: &str,
        message: String,
        fix: String,
    ) -> Finding {
        Finding {
            container: Some(container.name.to_owned()),
            ..self.about_pod(format!("{}{place}", container.pointer), message, fix)
        }
    }

    /// A finding of this rule about the pod; `pointer` is a JSON pointer into it.
    pub(crate) fn about_pod(
        &'static self,
        pointer: String,
        message: String,
        fix: String,
    ) -> Finding {
        Finding {
            rule: self,
            severity: self.severity,
            pointer,
            span: None,
            container: None,
            message,
            on_stop: None,
            fix,
            repaired: false,
        }
    }
}

/// What a rule looks at: the pod, and everything that was found out and decided about it.
pub(crate) struct Subject<'a, 'p> {
    pub(crate) pod: PodView<'p>,
    pub(crate) settings: &'a Settings<'p>,
    pub(crate) containers: &'a [Observed<'p>],
    pub(crate) decisions: &'a [Decision],
    pub(crate) budget: &'a Budget,
}

impl<'a, 'p> Subject<'a, 'p> {
    /// What a stop does as the pod is: `direct` where the program gets the signal itself.
    fn on_stop(&self, container: &Observed<'_>, decision: &Decision, direct: String) -> String {
        if story::shell_stays(container) {
            story::before(container, decision, self.budget)
        } else {
            direct
        }
    }

    /// The containers that are not left alone altogether, with what is decided about them.
    pub(crate) fn containers(
        &self,
    ) -> impl Iterator<Item = (&'a Observed<'p>, &'a Decision, &'a Share)> {
        self.containers
            .iter()
            .zip(self.decisions)
            .zip(&self.budget.shares)
            .map(|((container, decision), share)| (container, decision, share))
            .filter(|(_, decision, _)| !decision.untouched)
    }

    /// Those of them that are stopped by a signal: on Windows there is none.
    pub(crate) fn signalled(
        &self,
    ) -> impl Iterator<Item = (&'a Observed<'p>, &'a Decision, &'a Share)> {
        let windows = self.pod.is_windows();
        self.containers().filter(move |_| !windows)
    }

    /// The least grace that a setting or the policy asks for.
    fn grace_floor(&self) -> u64 {
        let setting = self.settings.grace_period.as_ref().map(|s| s.value);
        u64::from(setting.max(self.settings.bounds.grace_min).unwrap_or(0))
    }

    /// JSON pointer to the grace, or to where it would stand.
    fn grace_pointer(&self) -> String {
        match self.pod.spec("terminationGracePeriodSeconds") {
            Some(_) => "/spec/terminationGracePeriodSeconds".to_owned(),
            None => "/spec".to_owned(),
        }
    }
}

/// Every rule, in the order of the codes.
static ALL: &[&Rule] = &[
    &ss101_shell_swallows_signal::RULE,
    &ss102_exec_not_provable::RULE,
    &ss103_init_before_shell::RULE,
    &ss104_trap_does_not_wait::RULE,
    &ss105_launcher_swallows_signal::RULE,
    &ss106_words_after_script::RULE,
    &ss107_argv_unknown::RULE,
    &ss108_group_signal::RULE,
    &ss109_start_script::RULE,
    &ss110_pid1_hazard::RULE,
    &ss111_init_not_available::RULE,
    &ss112_sourced_file_trusted::RULE,
    &ss201_other_drain_signal::RULE,
    &ss202_no_drain::RULE,
    &ss203_die_on_term::RULE,
    &ss204_no_handler::RULE,
    &ss205_gunicorn_timeout::RULE,
    &ss206_development_server::RULE,
    &ss207_graceful_variable::RULE,
    &ss301_grace_too_short::RULE,
    &ss302_prestop_takes_grace::RULE,
    &ss303_sleep_above_grace::RULE,
    &ss304_grace_zero_or_one::RULE,
    &ss305_probe_grace::RULE,
    &ss306_cut_by_bound::RULE,
    &ss307_delay_wastes_worker_time::RULE,
    &ss308_prestop_time_unknown::RULE,
    &ss309_own_limit::RULE,
    &ss401_serves_without_delay::RULE,
    &ss402_exec_sleep::RULE,
    &ss403_slot_taken::RULE,
    &ss404_hook_asked_for::RULE,
    &ss501_read_only_root::RULE,
    &ss502_shared_pid_namespace::RULE,
    &ss503_root_without_cap_kill::RULE,
    &ss504_proxy_not_native::RULE,
    &ss901_bad_value::RULE,
    &ss902_unknown_key::RULE,
    &ss903_unknown_container::RULE,
    &ss904_locked::RULE,
    &ss905_bad_policy::RULE,
    &ss906_forced_not_possible::RULE,
    &ss907_not_per_container::RULE,
];

/// Every rule, in the order of the codes.
pub fn all() -> &'static [&'static Rule] {
    ALL
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
        (rule.check)(subject, &mut findings);
    }
    sort(&mut findings);
    findings
}

/// What there is to say of the settings alone: a pod that is left alone may be so by a mistake in them.
pub(crate) fn of_settings(settings: &Settings<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in [
        ss901_bad_value::of_settings,
        ss902_unknown_key::of_settings,
        ss903_unknown_container::of_settings,
        ss904_locked::of_settings,
        ss907_not_per_container::of_settings,
    ] {
        check(settings, &mut findings);
    }
    sort(&mut findings);
    findings
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        (&a.pointer, a.rule.code, &a.message).cmp(&(&b.pointer, b.rule.code, &b.message))
    });
}
