//! What is read, and what happens with what cannot be read.

use super::{BROKEN, GOOD, directory, run, run_with};

#[test]
fn a_broken_document_does_not_hide_the_next() {
    let files = directory(&[("app.yaml", &format!("{BROKEN}---\n{GOOD}---\na: 1\na: 2\n"))]);
    let run = run(files.path(), &["check", "--format", "json", "app.yaml"]);
    assert_eq!(run.status, Some(2), "{run:?}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(
        (&report["pods"][0]["name"], &report["pods"][0]["line"]),
        (&"drain".into(), &5.into())
    );
    let places: Vec<_> = report["failures"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| (f["line"].as_u64(), f["column"].as_u64()))
        .collect();
    assert_eq!(places, [(Some(2), Some(4)), (Some(17), Some(1))], "{run:?}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let files = directory(&[(
        "chart/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {{ include \"x\" . }}\n",
    )]);
    std::fs::write(files.path().join("latin1.yaml"), b"a: 1\nb: \xe9\n").expect("written");
    for (path, place, words) in [
        (
            "gone.yaml",
            "gone.yaml: error: cannot read it: ",
            "No such file",
        ),
        (
            "chart/pod.yaml",
            "chart/pod.yaml:3:",
            "helm template CHART | softstop check -",
        ),
        ("latin1.yaml", "latin1.yaml:2:4: error: ", "not UTF-8"),
    ] {
        let run = run(files.path(), &["check", "--format", "concise", path]);
        assert_eq!(run.status, Some(2), "{run:?}");
        assert!(
            run.stdout.starts_with(place) && run.stdout.contains(words),
            "{run:?}"
        );
    }
}

#[test]
fn words_that_yaml_takes_for_something_else() {
    let pod = GOOD.replace(
        "name: drain",
        "name: drain\n  annotations: {softstop.dev/mode: off}",
    );
    let run = run_with(
        std::path::Path::new("/"),
        &["check", "--format", "concise", "-"],
        &pod,
    );
    assert_eq!(run.status, Some(2));
    assert_eq!(
        run.stdout,
        "stdin:5:36: error: annotation softstop.dev/mode: YAML reads the boolean false here, the API server wants a \
         string; put it in quotes\n"
    );
}

#[test]
fn directories_are_read_in_order_and_with_care() {
    let pod = |name: &str| GOOD.replace("name: drain", &format!("name: {name}"));
    let files = directory(&[
        ("b/2.yml", &pod("second")),
        ("b/10.yaml", &pod("first")),
        (
            "b/c/x.JSON",
            "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"json\"}, \"spec\": {}}",
        ),
        ("b/.hidden.yaml", BROKEN),
        ("b/.git/x.yaml", BROKEN),
        ("b/values.yaml", BROKEN), // no manifest: nothing in it says apiVersion
        ("b/readme.txt", "apiVersion: ["),
        ("a.yaml", &pod("zeroth")),
    ]);
    std::os::unix::fs::symlink(files.path(), files.path().join("b/loop")).expect("linked");
    let run = run(
        files.path(),
        &["check", "--format", "json", "--exit-zero", "a.yaml", "b"],
    );
    assert_eq!(run.status, Some(0), "{run:?}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let names: Vec<_> = report["pods"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|pod| pod["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [Some("zeroth"), Some("first"), Some("second"), Some("json")]
    );
}

#[test]
fn the_file_that_stands_in_for_the_cluster_must_be_right() {
    let files = directory(&[
        ("facts.yaml", "kind: ImageFacts\n"),
        ("ns.yaml", "kind: Pod\n"),
        ("pod.yaml", GOOD),
    ]);
    for (option, file, words) in [
        (
            "--facts-file",
            "facts.yaml",
            "facts.yaml:1:1: these are no image facts",
        ),
        (
            "--namespace-file",
            "ns.yaml",
            "ns.yaml:1:1: this is no Namespace",
        ),
        ("--facts-file", "gone.yaml", "cannot read gone.yaml"),
    ] {
        let run = run(files.path(), &["check", option, file, "pod.yaml"]);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.stderr.contains(words), "{run:?}");
    }
}

#[test]
fn usage_errors_say_what_to_do() {
    let here = std::path::Path::new("/");
    for (args, words) in [
        (&["check"][..], "<PATH>"),
        (
            &["check", "--select", "XX9", "-"],
            "\"XX9\" is the code or the name of no finding",
        ),
        (
            &["check", "--format", "json", "--format", "sarif", "-"],
            "give each format its own output",
        ),
        (
            &["check", "--format", "junit", "--diff", "-"],
            "need --format full, concise or json",
        ),
        (
            &["check", "--fail-level", "fatal", "-"],
            "possible values: error, warning, info, never",
        ),
    ] {
        let run = run(here, args);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.stderr.contains(words), "{run:?}");
    }
}
