//! What is read, and what is refused.

use std::fmt::Write as _;

use serde_json::json;

use super::*;

fn value(text: &str) -> Value {
    parse(text, 0)
        .unwrap_or_else(|error| panic!("{text}: {error:?}"))
        .to_value()
}

fn refused(text: &str) -> (usize, String) {
    let error = parse(text, 0).expect_err(text);
    (error.offset, error.message)
}

#[test]
fn values() {
    assert_eq!(
        value("a: yes\nb: 'yes'\nc: [1, 0o10, x]\nd:\n"),
        json!({"a": true, "b": "yes", "c": [1, 8, "x"], "d": null})
    );
    assert_eq!(value("on: 1\n2: x\n"), json!({"true": 1, "2": "x"}));
    assert_eq!(
        value("a: |\n  x\n   y\n\nb: >-\n  p\n  q\n"),
        json!({"a": "x\n y\n", "b": "p q"})
    );
    assert_eq!(value("a: |\n  x"), json!({"a": "x"}));
    assert_eq!(
        value("{\"a\": \"\\ud83d\\ude00\\/\",\n\t\"b\": [1,\t2.50]}"),
        json!({"a": "😀/", "b": [1, 2.5]})
    );
    assert_eq!(
        value("a: !!str 5\nb: !!int \"7\"\nc: !custom 5\n"),
        json!({"a": "5", "b": 7, "c": "5"})
    );
}

#[test]
fn aliases_and_merge_keys() {
    let text =
        "a: &x {p: 1, q: 2}\nb: *x\nc:\n  <<: *x\n  q: 3\nd:\n  q: 4\n  <<: [*x, {r: 5, p: 9}]\n";
    assert_eq!(
        value(text),
        json!({"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 2}, "c": {"p": 1, "q": 3}, "d": {"p": 1, "q": 4, "r": 5}})
    );
    assert_eq!(refused("a:\n  <<: 1\n").0, 9);
    assert_eq!(refused("a: &x [*x]\n").0, 7);
}

#[test]
fn places() {
    let text = "metadata:\n  name: \"x\"\nargs: [a, b]\n";
    let root = parse(text, 100).expect("valid");
    let at = |range: &Range<usize>| &text[range.start - 100..range.end - 100];
    let metadata = root.entry("metadata").expect("written");
    let name = metadata.value.entry("name").expect("written");
    assert_eq!(at(&metadata.key_span), "metadata");
    assert_eq!(at(&name.value.span), "\"x\"");
    assert_eq!(
        at(&root.entry("args").expect("written").value.span),
        "[a, b]"
    );
}

#[test]
fn what_is_refused() {
    let (offset, message) = refused("a: 1\nb: 2\na: 3\n");
    assert_eq!(offset, 10);
    assert!(
        message.contains("\"a\" stands here a second time"),
        "{message}"
    );
    assert_eq!(refused("a: 1\n b: 2\n").0, 7);
    assert_eq!(refused("[a]: 1\n").0, 0);
    assert_eq!(refused("a: !!int x\n").0, 9);
}

#[test]
fn alias_bombs_and_towers_end() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(bomb, "a{level}: &a{level} [{below}]");
    }
    assert!(refused(&bomb).1.contains("too large"));
    let mut tower = "a0: &a0 [x]\n".to_owned();
    for level in 1..5000 {
        let _ = writeln!(tower, "a{level}: &a{level} [*a{}]", level - 1);
    }
    assert!(refused(&tower).1.contains("too large"));
    assert!(parse(&"[".repeat(100_000), 0).is_err());
    assert!(parse(&"- ".repeat(100_000), 0).is_err());
}
