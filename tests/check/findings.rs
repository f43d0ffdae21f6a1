//! What is judged, and what is shown of it.

use std::path::Path;

use serde_json::Value;

use super::{BAD, directory, run, run_with};

fn report(args: &[&str], manifest: &str) -> (Option<i32>, Value) {
    let args = [&["check", "--format", "json"], args, &["-"]].concat();
    let run = run_with(Path::new("/"), &args, manifest);
    (
        run.status,
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}")),
    )
}

fn codes(report: &Value) -> Vec<&str> {
    let pods = report["pods"].as_array().expect("pods").iter();
    pods.flat_map(|pod| pod["findings"].as_array().expect("findings"))
        .map(|finding| finding["code"].as_str().expect("a code"))
        .collect()
}

/// The same pod, opted in by its own annotation.
fn opted_in(mode: &str) -> String {
    BAD.replace(
        "name: web\nspec",
        &format!("name: web\n  annotations: {{softstop.dev/mode: {mode}}}\nspec"),
    )
}

#[test]
fn findings_are_selected_and_ignored() {
    for (args, status, with) in [
        (&[][..], 1, true),
        (&["--select", "SS101"], 1, true),
        (&["--select", "ss1,SS4"], 1, true),
        (&["--select", "shell-swallows-signal"], 1, true),
        (&["--select", "SS4"], 0, false),
        (&["--ignore", "SS1,SS3"], 0, false),
        (&["--select", "SS1", "--ignore", "SS101"], 0, false),
    ] {
        let (code, report) = report(args, BAD);
        assert_eq!(
            (code, codes(&report).contains(&"SS101")),
            (Some(status), with),
            "{args:?}: {report}"
        );
        assert_ne!(
            report["pods"][0]["patch"],
            Value::Array(vec![]),
            "the patch does not depend on what is shown"
        );
    }
}

#[test]
fn as_deployed_judges_what_is_opted_in_and_passes_what_is_repaired() {
    for (manifest, args, status, mode) in [
        (BAD.to_owned(), &[][..], 1, "enforce"),
        (BAD.to_owned(), &["--as-deployed"], 0, "off"),
        (opted_in("enforce"), &[], 1, "enforce"),
        (opted_in("enforce"), &["--as-deployed"], 0, "enforce"),
        (opted_in("audit"), &["--as-deployed"], 1, "audit"),
        (opted_in("\"off\""), &[], 0, "off"),
    ] {
        let (code, report) = report(args, &manifest);
        assert_eq!(
            (code, report["pods"][0]["mode"].as_str()),
            (Some(status), Some(mode)),
            "{args:?}: {report}"
        );
        let patched = report["pods"][0]["patch"]
            .as_array()
            .is_some_and(|patch| !patch.is_empty());
        assert_eq!(patched, mode == "enforce", "{report}");
    }
}

#[test]
fn the_patch_that_is_shown_is_the_patch() {
    let (_, report) = report(&["--diff"], BAD);
    let run = run_with(
        Path::new("/"),
        &[
            "check",
            "--format",
            "concise",
            "--show-patch",
            "--diff",
            "-",
        ],
        BAD,
    );
    let shown = run
        .stdout
        .split_once("patch for stdin:1:1: Pod web\n")
        .expect(&run.stdout)
        .1;
    let (shown, diff) = shown.split_once("\n\n").expect(&run.stdout);
    assert_eq!(
        serde_json::from_str::<Value>(shown).expect("JSON"),
        report["pods"][0]["patch"]
    );
    assert_eq!(
        diff.trim_end(),
        report["pods"][0]["diff"]
            .as_str()
            .expect("a diff")
            .trim_end()
    );
    assert!(
        diff.contains("\n+    - exec gunicorn shop.wsgi\n")
            && diff.contains("\n-    - gunicorn shop.wsgi\n"),
        "{diff}"
    );
}

#[test]
fn a_patched_pod_needs_no_patch() {
    let (_, first) = report(&[], BAD);
    let file = softstop::manifest::File::new("bad.yaml", BAD);
    let document = file.documents().next().expect("a document").expect("YAML");
    let mut pod = softstop::manifest::pods(&document.root.to_value())
        .remove(0)
        .value;
    let patch: json_patch::Patch =
        serde_json::from_value(first["pods"][0]["patch"].clone()).expect("a patch");
    json_patch::patch(&mut pod, &patch).expect("it applies");
    let (status, second) = report(&[], &pod.to_string());
    assert_eq!(
        (status, &second["pods"][0]["patch"]),
        (Some(0), &Value::Array(vec![])),
        "{second}"
    );
}

#[test]
fn a_namespace_that_is_not_named_is_the_only_one() {
    let namespace = |name: &str, mode: &str| {
        format!(
            "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{softstop.dev/mode: {mode}}}}}\n"
        )
    };
    let enforce = namespace("shop", "enforce");
    let files = directory(&[
        ("pod.yaml", BAD),
        ("one.yaml", &enforce),
        (
            "two.yaml",
            &format!("{enforce}{}", namespace("default", "audit")),
        ),
        (
            "strange.yaml",
            &format!("{enforce}{}", namespace("other", "audit")),
        ),
    ]);
    for (namespaces, mode) in [
        ("one.yaml", "enforce"),
        ("two.yaml", "audit"),
        ("strange.yaml", "off"),
    ] {
        let args = [
            "check",
            "--format",
            "json",
            "--as-deployed",
            "--namespace-file",
            namespaces,
            "pod.yaml",
        ];
        let report: Value = serde_json::from_str(&run(files.path(), &args).stdout).expect("JSON");
        assert_eq!(report["pods"][0]["mode"], mode, "{namespaces}");
    }
}

#[test]
fn a_policy_that_is_wrong_is_refused_with_its_place() {
    let policy = "apiVersion: softstop.dev/v1alpha1\nkind: ShutdownPolicy\nmetadata: {name: p}\nspec:\n  mode: always\n";
    let files = directory(&[("pod.yaml", BAD), ("policy.yaml", policy)]);
    let run = run(
        files.path(),
        &["check", "--policy-file", "policy.yaml", "pod.yaml"],
    );
    assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    assert!(run.stderr.contains("policy.yaml:5:9: "), "{run:?}");
}
