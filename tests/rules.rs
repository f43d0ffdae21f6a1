//! The rules' pages: complete, and their examples run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use softstop::policy;
use softstop_core::rules::{self, Rule};
use softstop_core::{Capabilities, Context, ImageFacts, Namespace, Plan, Policies, plan};

const SECTIONS: [&str; 6] = [
    "## What it does",
    "## Why it hurts",
    "## Before",
    "## After",
    "## How softstop changes it",
    "## How to opt out",
];

/// The text of a page's section.
fn section<'a>(rule: &'a Rule, title: &str) -> &'a str {
    let (_, rest) = rule
        .page
        .split_once(&format!("{title}\n"))
        .unwrap_or_else(|| panic!("{}: no section {title}", rule.code));
    rest.split_once("\n## ").map_or(rest, |(text, _)| text)
}

/// The example in a section, fenced as `yaml KIND`.
fn example<'a>(section: &'a str, kind: &str) -> Option<&'a str> {
    let (_, rest) = section.split_once(&format!("```yaml {kind}\n"))?;
    rest.split_once("```").map(|(text, _)| text)
}

fn pod(rule: &Rule, title: &str) -> Value {
    let text = example(section(rule, title), "pod")
        .unwrap_or_else(|| panic!("{}: no pod in {title}", rule.code));
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{}: {title}: {error}", rule.code))
}

fn planned(rule: &Rule, pod: &Value) -> Plan {
    let policies = example(section(rule, "## Before"), "policy")
        .map_or_else(Policies::default, |text| {
            Policies::new(policy::parse(text, "page").expect("policy"))
        });
    let context = Context {
        namespace: &Namespace::default(),
        policies: &policies,
        facts: &ImageFacts::default(),
        capabilities: &Capabilities::default(),
        assume_opted_in: true,
    };
    plan(pod, &context)
}

#[test]
fn pages_are_complete() {
    let codes: BTreeSet<_> = rules::all().iter().map(|rule| rule.code).collect();
    let names: BTreeSet<_> = rules::all().iter().map(|rule| rule.name).collect();
    assert_eq!(
        (codes.len(), names.len()),
        (rules::all().len(), rules::all().len())
    );
    assert!(rules::all().is_sorted_by_key(|rule| rule.code));
    for rule in rules::all() {
        let mut at = 0;
        for title in SECTIONS {
            let found = rule.page[at..].find(title);
            at += found
                .unwrap_or_else(|| panic!("{}: {title} is missing or out of order", rule.code));
        }
    }
}

#[test]
fn examples_do_what_the_pages_say() {
    for rule in rules::all() {
        let before = pod(rule, "## Before");
        let planned_before = planned(rule, &before);
        let findings: Vec<_> = planned_before
            .findings
            .iter()
            .filter(|f| f.code() == rule.code)
            .collect();
        assert!(!findings.is_empty(), "{}: no finding for Before", rule.code);

        let after = pod(rule, "## After");
        let open = planned(rule, &after)
            .findings
            .into_iter()
            .find(|f| f.code() == rule.code && !f.repaired);
        assert!(open.is_none(), "{}: After still has {open:?}", rule.code);

        if findings.iter().all(|finding| finding.repaired) {
            let mut patched = before.clone();
            let ops = planned_before.would_patch(&before).expect("patch");
            let ops: Vec<_> = ops.iter().map(softstop_core::Op::to_json).collect();
            let patch: json_patch::Patch =
                serde_json::from_value(Value::Array(ops)).expect("RFC 6902");
            json_patch::patch(&mut patched, &patch).expect("applies");
            without_status(&mut patched);
            assert_eq!(
                patched, after,
                "{}: softstop's patch does not give After",
                rule.code
            );
        }
    }
}

/// The pages leave the status annotation out.
fn without_status(pod: &mut Value) {
    let Some(metadata) = pod["metadata"].as_object_mut() else {
        return;
    };
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove("softstop.dev/status");
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    if metadata.is_empty() {
        pod.as_object_mut().expect("a pod").remove("metadata");
    }
}

/// `docs/rules` is written from the rules; `UPDATE_EXPECT=1` writes it anew.
#[test]
fn docs_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let mut index =
        String::from("# Findings\n\n| code | name | severity | what |\n|---|---|---|---|\n");
    let mut expected: Vec<(PathBuf, String)> = Vec::new();
    for rule in rules::all() {
        let (code, name) = (rule.code, rule.name);
        let severity = rule.severity.as_str();
        let summary = rule.summary;
        writeln!(
            index,
            "| [{code}]({code}.md) | {name} | {severity} | {summary} |"
        )
        .expect("a string");
        let page = format!(
            "# {code} {name}\n\n{}.\n\nSeverity: {severity}\n\n{}",
            rule.summary, rule.page
        );
        expected.push((folder.join(format!("{code}.md")), page));
    }
    expected.push((folder.join("README.md"), index));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(&folder).expect("docs/rules");
        for (path, text) in &expected {
            fs::write(path, text).expect("write a page");
        }
    }
    for (path, text) in &expected {
        let found = fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            &found,
            text,
            "{} is not up to date: run the tests with UPDATE_EXPECT=1",
            path.display()
        );
    }
    let files = fs::read_dir(&folder).expect("docs/rules").count();
    assert_eq!(
        files,
        expected.len(),
        "docs/rules has pages of rules that are no more"
    );
}
