//! The rules: one file per finding code, each with its page.
//!
//! A rule reads what was observed and decided and says what is wrong. It never changes the pod.

use crate::{Code, Severity};

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
