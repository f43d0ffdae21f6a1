//! An independent parser has to agree on where the tails are.

use std::collections::HashMap;

use proptest::prelude::*;
use rable::ast::ListOperator;
use rable::{Node, NodeKind};

use super::strategy::{mutated, program};
use super::*;

/// Character offsets of the words in tail position that are neither builtins nor `exec` already.
fn tails(node: &Node, functions: &HashMap<String, Node>, out: &mut Vec<usize>) {
    match &node.kind {
        NodeKind::Command { words, .. } => {
            let mut words = words.iter().peekable();
            let plain = |node: &Node| match &node.kind {
                NodeKind::Word { value, .. } => value.replace(['"', '\'', '\\'], ""),
                _ => String::new(),
            };
            while words.peek().is_some_and(|word| plain(word) == "command") {
                words.next();
            }
            let Some(word) = words.next() else { return };
            let name = plain(word);
            if let Some(body) = functions.get(&name) {
                tails(body, functions, out);
            } else if !super::super::names::is_builtin(&name) {
                out.push(word.span.start);
            }
        }
        NodeKind::List { items } => {
            // An `exit` behind `;` only hands the status on; behind `&&` it is the tail itself.
            let mut last = items.len() - 1;
            while last > 0
                && is_exit(&items[last].command)
                && items[last - 1].operator == Some(ListOperator::Semi)
            {
                last -= 1;
            }
            if last > 0
                && is_exit(&items[last].command)
                && items[last - 1].operator == Some(ListOperator::Or)
            {
                last -= 1;
            }
            tails(&items[last].command, functions, out);
        }
        NodeKind::BraceGroup { body, .. } => tails(body, functions, out),
        NodeKind::If {
            then_body,
            else_body,
            ..
        } => {
            tails(then_body, functions, out);
            if let Some(body) = else_body {
                tails(body, functions, out);
            }
        }
        NodeKind::Case { patterns, .. } => {
            for body in patterns.iter().filter_map(|pattern| pattern.body.as_ref()) {
                tails(body, functions, out);
            }
        }
        _ => {}
    }
}

fn is_exit(node: &Node) -> bool {
    let exits = [
        "(command (word \"exit\"))",
        "(command (word \"exit\") (word \"$?\"))",
    ];
    exits.contains(&node.to_string().as_str())
}

/// Nothing but the end of what came before.
fn exits(node: &Node) -> bool {
    match &node.kind {
        NodeKind::List { items } => items.iter().all(|item| {
            is_exit(&item.command) && matches!(item.operator, None | Some(ListOperator::Semi))
        }),
        _ => is_exit(node),
    }
}

fn functions(node: &Node, out: &mut HashMap<String, Node>) {
    match &node.kind {
        NodeKind::Function { name, body } => {
            out.insert(name.clone(), (**body).clone());
            functions(body, out);
        }
        NodeKind::List { items } => items.iter().for_each(|item| functions(&item.command, out)),
        _ => {}
    }
}

/// Byte offsets of the tails, by the other parser; `None` where it reads less than bash.
fn oracle(text: &str) -> Option<Vec<usize>> {
    let nodes = rable::parse(text, false).ok()?;
    let mut defined = HashMap::new();
    for node in &nodes {
        functions(node, &mut defined);
    }
    let mut out = Vec::new();
    if let Some(node) = nodes.iter().rfind(|node| !exits(node)) {
        tails(node, &defined, &mut out);
    }
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut out: Vec<usize> = out.into_iter().map(|at| bytes[at]).collect();
    out.sort_unstable();
    out.dedup();
    Some(out)
}

#[test]
fn agrees_on_known_scripts() {
    for marked in [
        "»app",
        "»app || exit $?",
        "»app\nexit; exit $?",
        "é; ok && »app",
        "if a; then »app; else »app2; fi",
        "main() { »app; }; main; exit $?",
        "cat <<E && »app\nline\nE\n",
        "case x in a) »app;; *) »b;; esac",
        "ok && \\\n»app",
    ] {
        let (text, offsets) = unmark(marked);
        assert_eq!(oracle(&text), Some(offsets), "{text}");
    }
}

/// Where exec goes, in either dialect, the other parser sees tails.
fn agrees(text: &str) -> Result<(), TestCaseError> {
    for dialect in BOTH {
        let reading = read_with(text, dialect, SourcedFiles::Harmless);
        if let Outcome::Exec(offsets) = reading.outcome
            && let Some(tails) = oracle(text)
        {
            prop_assert_eq!(tails, offsets, "{:?}: {}", dialect, text);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn tails_are_where_another_parser_sees_them(text in program()) {
        // Nested substitutions make the other parser exponential.
        prop_assume!(text.len() < 400 && text.matches("$(").count() < 12);
        agrees(&text)?;
    }

    #[test]
    fn also_in_what_mutation_leaves(text in mutated()) {
        prop_assume!(text.len() < 400 && text.matches("$(").count() < 12);
        // It takes `name[` for a subscript wherever it stands, which bash does not.
        let subscript = |pair: &[u8]| pair[0].is_ascii_alphanumeric() && pair[1] == b'[';
        prop_assume!(!text.as_bytes().windows(2).any(subscript));
        agrees(&text)?;
    }
}
