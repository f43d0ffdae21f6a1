//! `softstop explain`.

use std::path::Path;

use softstop_core::rules;

use super::run;

#[test]
fn every_rule_has_its_page() {
    for rule in rules::all() {
        for wanted in [rule.code.0.to_lowercase().as_str(), rule.name] {
            let run = run(Path::new("/"), &["explain", wanted]);
            assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{wanted}");
            assert!(
                run.stdout.contains(rule.page.trim()) && run.stdout.contains(rule.name),
                "{}",
                run.stdout
            );
        }
    }
}

#[test]
fn the_list_has_them_all() {
    let run = run(Path::new("/"), &["explain"]);
    assert_eq!(run.status, Some(0));
    let codes: Vec<_> = run
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        codes,
        rules::all()
            .iter()
            .map(|rule| rule.code.0)
            .collect::<Vec<_>>()
    );
    assert!(!codes.is_empty());
}

#[test]
fn an_unknown_code_brings_near_ones() {
    let run = |wanted| run(Path::new("/"), &["explain", wanted]);
    for (wanted, near) in [
        ("SS10", "SS101 "),
        ("shell-swallow-signal", "shell-swallows-signal"),
    ] {
        let run = run(wanted);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
        assert!(
            run.stderr.contains("did you mean ") && run.stderr.contains(near),
            "{run:?}"
        );
    }
    let run = run("zzzzzzzzzz");
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("softstop explain lists them all")
            && !run.stderr.contains("did you mean"),
        "{run:?}"
    );
}
