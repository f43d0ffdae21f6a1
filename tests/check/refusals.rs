//! Every reason of the script reader, as `softstop check` tells it: what is in the way, where that stands in the file, and
//! the way out.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use softstop_core::shell::Reason;

use super::run_with;

/// Shell, script with the construct in `« »`, reason. `$$` and `$(PORT)` are what Kubernetes expands before.
const SCRIPTS: &[(&str, &str, Reason)] = &[
    ("sh", "«app $(PORT)»; echo", Reason::NotInTailPosition),
    ("sh", "ok; «app \"$(PORT)\" | tee log$$x»", Reason::Pipeline),
    ("sh", "«! app»", Reason::Negated),
    ("sh", "«( app $(PORT) )»", Reason::Subshell),
    ("sh", "«while :; do app $(PORT); done»", Reason::Loop),
    ("sh", "f() { app; }; f; «f $(PORT)»", Reason::FunctionCall),
    ("sh", "ok && «label:» app", Reason::ProgramName),
    ("sh", "A=$(PORT) «B=$$(date)» app", Reason::AssignmentOrder),
    ("sh", "ok; «command -p app»", Reason::CommandOption),
    ("sh", "«app $(PORT) &» wait", Reason::BackgroundJob),
    ("sh", "«trap 'echo $(PORT)' EXIT»; app", Reason::Trap),
    ("sh", "«eval \"x=$(PORT)\"»; app", Reason::Eval),
    ("sh", "«. /etc/$(PORT)» && app", Reason::SourcedFile),
    ("sh", "«. \"$$ENV\"» && app", Reason::SourcedUnseen),
    ("sh", "«alias app=x»; app", Reason::ChangesShell),
    ("sh", "«set -m»; app", Reason::SetOption),
    ("sh", "«$$CMD» $(PORT)", Reason::ComputedName),
    ("sh", "«echo»() { ok; }; app", Reason::FunctionName),
    ("sh", "ok $(PORT)«\u{a0}»app", Reason::ControlCharacter),
    ("sh", "app $(PORT) «)»", Reason::Syntax),
    ("sh", "app $(PORT) «'»x", Reason::Unterminated),
    ("sh", "ok $(PORT) && «;» app", Reason::EmptyList),
    ("sh", "f() «app»", Reason::FunctionBody),
    ("sh", "ok $(PORT); «ap\\\np» x", Reason::Continuation),
    ("sh", "«time» app", Reason::ReservedWord),
    ("sh", "«function» f { app; }; f", Reason::FunctionKeyword),
    ("sh", "«[[» -n $(PORT) ]] && app", Reason::DoubleBracket),
    ("sh", "«((»x)); app", Reason::ArithmeticCommand),
    ("sh", "app $(PORT) «$[»1+1]", Reason::Arithmetic),
    ("sh", "app $(PORT) «$'»x'", Reason::Quoting),
    ("sh", "app $(PORT) «$${x»^}", Reason::Parameter),
    ("sh", "app > «>(»cat)", Reason::ProcessSubstitution),
    ("sh", "«a=(»x); app", Reason::Array),
    ("sh", "«V+=$(PORT)» app", Reason::AppendAssignment),
    ("sh", "app $(PORT) «@(»a|b)", Reason::ExtendedGlob),
    ("sh", "app «10>»x", Reason::Descriptor),
    ("sh", "app $(PORT) «&>»out", Reason::RedirectBoth),
    ("sh", "app «|&» tee $(PORT)", Reason::PipeBoth),
    ("sh", "app «<<<»$(PORT)", Reason::HereString),
    ("sh", "cat «<<$$E»; app", Reason::HereDocument),
    (
        "sh",
        "case x in a) b«;&» *) app;; esac",
        Reason::CaseFallthrough,
    ),
];

/// A pod with the script in a block scalar, or in double quotes.
fn manifest(shell: &str, script: &str, block: bool) -> String {
    let script = format!("echo \"pid $$$$ on $(PORT), é\"\n{script}\n");
    let scalar = if block {
        script
            .lines()
            .fold("|".to_owned(), |text, line| format!("{text}\n      {line}"))
    } else {
        Value::from(script).to_string()
    };
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: main\n    image: app:1\n    env:\n    \
         - {{name: PORT, value: \"80\"}}\n    command:\n    - {shell}\n    - -c\n    - {scalar}\n"
    )
}

/// The finding that says why `exec` is not written.
fn finding(manifest: &str) -> Value {
    let run = run_with(
        Path::new("/"),
        &["check", "--select", "SS102", "--format", "json", "-"],
        manifest,
    );
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let findings = report["pods"][0]["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 1, "{manifest}\n{run:?}");
    findings[0].clone()
}

/// What a finding points at.
fn shown<'m>(manifest: &'m str, finding: &Value) -> &'m str {
    let number = |key: &str| usize::try_from(finding[key].as_u64().expect(key)).expect("small") - 1;
    let byte = |line: &str, column: &str| {
        let mut lines = manifest.split_inclusive('\n');
        let before: usize = lines.by_ref().take(number(line)).map(str::len).sum();
        let line = lines.next().expect("a line");
        let characters = line.chars().take(number(column));
        before + characters.map(char::len_utf8).sum::<usize>()
    };
    &manifest[byte("line", "column")..byte("endLine", "endColumn")]
}

#[track_caller]
fn is_shown(manifest: &str, written: &str, reason: Reason) {
    let finding = finding(manifest);
    assert_eq!(shown(manifest, &finding), written, "{manifest}");
    let message = format!("exec cannot be inserted with proof: {}", reason.explain());
    assert_eq!(finding["message"], message, "{manifest}");
    assert_eq!(finding["fix"], reason.way_out(), "{manifest}");
}

#[test]
fn each_is_shown_where_it_stands_with_the_way_out() {
    for (shell, marked, reason) in SCRIPTS {
        let (before, rest) = marked.split_once('«').expect(marked);
        let (construct, after) = rest.split_once('»').expect(marked);
        let script = format!("{before}{construct}{after}");
        let indented = construct.replace('\n', "\n      ");
        is_shown(&manifest(shell, &script, true), &indented, *reason);
        let quoted = Value::from(construct).to_string();
        is_shown(
            &manifest(shell, &script, false),
            &quoted[1..quoted.len() - 1],
            *reason,
        );
    }
}

#[test]
fn too_much_is_shown_where_it_begins() {
    let deep = format!("{}app{}", "{ ".repeat(41), "; }".repeat(41));
    let deep = manifest("sh", &deep, true);
    is_shown(&deep, "{", Reason::TooDeep);
    let long = manifest("sh", &format!("app {}", "x".repeat(65_536)), true);
    is_shown(&long, "", Reason::TooLong);
}

#[test]
fn no_reason_is_left_out() {
    let shown: BTreeSet<_> = SCRIPTS.iter().map(|(_, _, reason)| *reason).collect();
    let left: Vec<_> = Reason::ALL
        .iter()
        .filter(|reason| !shown.contains(reason))
        .collect();
    assert_eq!(
        left,
        [&Reason::TooLong, &Reason::TooDeep],
        "they have a test of their own"
    );
}
