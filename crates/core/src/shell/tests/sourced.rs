//! Sourced files, unknown and trusted.

use super::*;

/// Scripts whose only hindrance is a sourced file, which stands in `[ ]`.
const PLAIN: &[&str] = &[
    "[. /venv/bin/activate] && »app",
    "[. venv/bin/activate]; »app x",
    "[. ./env]\n»app\n",
    "set -e; cd /srv; [. './my env']; export A=b; »app",
    "[ -f /vault/env ] && [. /vault/env]; »app",
    "[. /a/b] || exit 1; . /c/d; »app",
    "migrate; [. ./env]; if ok; then »app; else »app2; fi",
    "main() { »app; }; [. ./env]; main",
    "# settings\n[. \"/etc/default/app\"] && FOO=$BAR »app >out; exit $?",
];

/// The script without brackets, and what stood in the first that hold a source command.
fn unbracket(marked: &str) -> (String, String) {
    let start = marked
        .find("[. ")
        .or_else(|| marked.find("[source "))
        .expect(marked);
    let end = start + marked[start..].find(']').expect(marked);
    let plain = format!(
        "{}{}{}",
        &marked[..start],
        &marked[start + 1..end],
        &marked[end + 1..]
    );
    (plain, marked[start + 1..end].to_owned())
}

#[track_caller]
fn is_trusted(dialect: Dialect, marked: &str) {
    let (marked, construct) = unbracket(marked);
    let (text, offsets) = unmark(&marked);
    refuses(dialect, &text, Reason::SourcedFile, &construct);
    let reading = read_with(&text, dialect, SourcedFiles::Harmless);
    assert_eq!(
        reading.outcome,
        Outcome::Exec(offsets.clone()),
        "{dialect:?}: {text}"
    );
    let trusted = reading.trusted.expect("what is trusted is named");
    assert_eq!(text[trusted], construct);
    let again = read_with(&insert(&text, &offsets), dialect, SourcedFiles::Harmless);
    assert_eq!(again.outcome, Outcome::AlreadyExec, "{dialect:?}: {text}");
    assert_eq!(again.trusted, None, "nothing rests on it any more");
}

#[test]
fn a_plain_path_before_the_program_is_refused_or_trusted() {
    for dialect in BOTH {
        for marked in PLAIN {
            is_trusted(dialect, marked);
        }
    }
    is_trusted(Dialect::Bash, "[source /venv/bin/activate] && »app");
}

#[test]
fn behind_exec_the_file_does_no_harm() {
    let reading = read(". /venv/bin/activate && exec app", Dialect::Posix);
    assert!(reading.replaced);
    assert!(matches!(reading.outcome, Outcome::Refused(_)));
}

#[test]
fn other_places_are_refused_all_the_same() {
    for (text, construct) in [
        (". ./run.sh", ". ./run.sh"),
        ("ok && . ./run.sh; exit $?", ". ./run.sh"),
        (". ./run.sh; echo done", ". ./run.sh"),
        ("app0; . ./run.sh", ". ./run.sh"),
        ("if ok; then . ./run.sh; else app; fi", ". ./run.sh"),
        ("source env; app", "source env"),
        (". env; app", ". env"),
        (". \"$HOME/env\"; app", ". \"$HOME/env\""),
        (". ~/env; app", ". ~/env"),
        (". ./env*; app", ". ./env*"),
        (". ./env prod; app", ". ./env prod"),
        ("A=b . ./env; app", "A=b . ./env"),
        (". ./env >/dev/null; app", ". ./env >/dev/null"),
        ("command . ./env; app", "command . ./env"),
        ("{ . ./env; }; app", ". ./env"),
        ("( . ./env ); app", ". ./env"),
        ("for f in a b; do . ./env; done; app", ". ./env"),
        ("f() { . ./env; }; f; app", ". ./env"),
        (". ./env | cat; app", ". ./env"),
        ("ok | . ./env; app", ". ./env"),
        ("x=$(. ./env; echo $y); app", ". ./env"),
    ] {
        for dialect in BOTH {
            let reading = read_with(text, dialect, SourcedFiles::Harmless);
            assert_eq!(reading.trusted, None, "{dialect:?}: {text}");
            let Outcome::Refused(refusal) = reading.outcome else {
                panic!("{dialect:?}: {text}");
            };
            assert_eq!(refusal.reason, Reason::SourcedUnseen, "{dialect:?}: {text}");
            assert_eq!(&text[refusal.at], construct, "{dialect:?}: {text}");
            refuses(dialect, text, Reason::SourcedUnseen, construct);
        }
    }
    let source = read_with("source ./env; app", Dialect::Posix, SourcedFiles::Harmless);
    let at = 0.."source ./env".len();
    let reason = Reason::SourcedUnseen;
    assert_eq!(source.outcome, Outcome::Refused(Refusal { reason, at }));
}

/// The switch would not help these; the message must not name it.
#[test]
fn another_reason_is_named_first() {
    for (text, reason) in [
        (". ./env; eval x; app", Reason::Eval),
        (". ./env; trap 'echo' EXIT; app", Reason::Trap),
        (". ./env; app | cat", Reason::Pipeline),
        (". ./env; app; echo done", Reason::NotInTailPosition),
        (". ./env; app &", Reason::BackgroundJob),
    ] {
        for sourced in [SourcedFiles::Unknown, SourcedFiles::Harmless] {
            let outcome = read_with(text, Dialect::Posix, sourced).outcome;
            let Outcome::Refused(refusal) = outcome else {
                panic!("{text}: {outcome:?}");
            };
            assert_eq!(refusal.reason, reason, "{text}");
        }
    }
}

/// It may define functions for the shells it starts, and make a variable read-only.
#[test]
fn what_the_file_could_reach_stays_as_it_is() {
    let harmless = |text| read_with(text, Dialect::Bash, SourcedFiles::Harmless).outcome;
    let inner = ". ./env && sh -c 'app'";
    let outer_only = Outcome::Exec(vec![inner.find("sh").expect("there")]);
    assert_eq!(harmless(inner), outer_only);
    let kept = ". ./env; app; rc=$?; exit $rc";
    let Outcome::Refused(refusal) = harmless(kept) else {
        panic!("{kept}");
    };
    assert_eq!(refusal.reason, Reason::NotInTailPosition);
}

#[test]
fn a_file_sourced_by_an_inner_shell_is_trusted_too() {
    let text = "ok && sh -c '. ./env && app'";
    refuses(Dialect::Posix, text, Reason::SourcedFile, ". ./env");
    let reading = read_with(text, Dialect::Posix, SourcedFiles::Harmless);
    let at = |what| text.find(what).expect(what);
    assert_eq!(reading.outcome, Outcome::Exec(vec![at("sh"), at("app")]));
    assert_eq!(&text[reading.trusted.expect("named")], ". ./env");
}
