//! SS902: a key under softstop's prefix that is no setting.

use super::{Rule, Subject};
use crate::settings::{IssueKind, Settings};
use crate::{Code, Finding, Setting, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS902"),
    name: "unknown-key",
    severity: Severity::Warning,
    summary: "A softstop annotation names no setting",
    page: "\
## What it does
Finds annotations `softstop.dev/KEY` and `KEY.softstop.dev/CONTAINER` whose KEY is no setting.

## Why it hurts
Most are typing errors: the setting that was meant has no effect, and nobody notices before the next stop.

## Before
```yaml pod
metadata:
  annotations: {softstop.dev/drain-timeout: 2m}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/drain-time: 2m}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## How softstop changes it
It does not. The pod is admitted, and whoever creates it gets a warning.

## How to opt out
Remove the annotation.
",
    check: |subject: &Subject<'_, '_>, findings| of_settings(subject.settings, findings),
};

pub(super) fn of_settings(settings: &Settings<'_>, findings: &mut Vec<Finding>) {
    for issue in &settings.issues {
        if issue.kind == IssueKind::UnknownKey {
            let fix = if let Some(setting) = nearest(&issue.key) {
                format!("write {} if that is what is meant", setting.key())
            } else {
                let keys: Vec<_> = Setting::ALL.iter().map(|setting| setting.key()).collect();
                format!("use one of {}", keys.join(", "))
            };
            let message = format!("{} is no setting and has no effect", issue.key);
            findings.push(RULE.about_pod(issue.pointer.clone(), message, fix));
        }
    }
}

/// The setting that was probably meant: at most two letters off, or one within the other.
fn nearest(key: &str) -> Option<Setting> {
    let word = match key.split_once('/')? {
        ("softstop.dev", word) => word,
        (prefix, _) => prefix.strip_suffix(".softstop.dev")?,
    };
    let distance = |setting: &Setting| {
        let known = setting.key();
        let within = word.len() > 3 && (word.starts_with(known) || known.starts_with(word));
        if within { 0 } else { edits(word, known) }
    };
    Setting::ALL
        .into_iter()
        .map(|s| (distance(&s), s))
        .min()
        .filter(|(d, _)| *d <= 2)
        .map(|(_, s)| s)
}

/// How many letters have to be added, removed or replaced (Levenshtein). Keys are short.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_what_was_meant() {
        for (key, setting) in [
            ("softstop.dev/drain-tiem", Some(Setting::DrainTime)),
            ("softstop.dev/draindelay", Some(Setting::DrainDelay)),
            (
                "softstop.dev/grace-period-seconds",
                Some(Setting::GracePeriod),
            ),
            ("prestop.softstop.dev/web", Some(Setting::PreStop)),
            ("softstop.dev/colour", None),
            ("softstop.dev/", None),
        ] {
            assert_eq!(nearest(key), setting, "{key}");
        }
    }
}
