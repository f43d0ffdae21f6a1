//! What is left alone, with the reason and the construct.

use super::*;

#[track_caller]
fn all(rows: &[(&str, Reason, &str)]) {
    for (text, reason, construct) in rows {
        for dialect in BOTH {
            refuses(dialect, text, *reason, construct);
        }
    }
}

#[test]
fn not_in_tail_position() {
    all(&[
        ("app || echo", Reason::NotInTailPosition, "app"),
        ("app x || exit 1", Reason::NotInTailPosition, "app x"),
        ("app && exit $?", Reason::NotInTailPosition, "app"),
        ("app || exit $? >f", Reason::NotInTailPosition, "app"),
        ("app || exit $?; echo", Reason::NotInTailPosition, "app"),
        ("! app || exit $?", Reason::Negated, "! app"),
        ("app || true", Reason::NotInTailPosition, "app"),
        ("app && echo done", Reason::NotInTailPosition, "app"),
        ("app; echo", Reason::NotInTailPosition, "app"),
        ("app; :", Reason::NotInTailPosition, "app"),
        ("app; exit 0", Reason::NotInTailPosition, "app"),
        ("app; exit $? $x", Reason::NotInTailPosition, "app"),
        ("app; >f exit", Reason::NotInTailPosition, "app"),
        ("migrate; app; echo done", Reason::NotInTailPosition, "app"),
        ("app; rc=$?; exit $cr", Reason::NotInTailPosition, "app"),
        (
            "app; rc=$?; echo; exit $rc",
            Reason::NotInTailPosition,
            "app",
        ),
        ("app; RC=$?; exit $RC", Reason::NotInTailPosition, "app"),
        ("app; rc='$?'; exit $rc", Reason::NotInTailPosition, "app"),
        ("app; rc=$?; exit '$rc'", Reason::NotInTailPosition, "app"),
        ("app; rc=$? >f; exit $rc", Reason::NotInTailPosition, "app"),
        ("app; rc=$?; exit $rc 1", Reason::NotInTailPosition, "app"),
        ("app; a=1 rc=$?; exit $rc", Reason::NotInTailPosition, "app"),
        ("app; rc=$? && exit $rc", Reason::NotInTailPosition, "app"),
        ("app && rc=$?; exit $rc", Reason::NotInTailPosition, "app"),
        (
            "readonly rc; app; rc=$?; exit $rc",
            Reason::NotInTailPosition,
            "app",
        ),
        ("app | b; rc=$?; exit $rc", Reason::Pipeline, "app | b"),
        (
            "f() { app; return $?; }; f",
            Reason::NotInTailPosition,
            "app",
        ),
        ("if app; then :; fi", Reason::NotInTailPosition, "app"),
        ("echo $(app)", Reason::NotInTailPosition, "app"),
    ]);
}

/// What is wrong in the script of a shell in tail position is what is wrong.
#[test]
fn shells_with_a_script() {
    all(&[
        ("sh -c 'app | cat'", Reason::Pipeline, "app | cat"),
        (
            "cd x && bash -c 'trap x EXIT; app'",
            Reason::Trap,
            "trap x EXIT",
        ),
        ("exec sh -c \"app; echo\"", Reason::NotInTailPosition, "app"),
        ("sh -c \"sh -c 'app &'\"", Reason::BackgroundJob, "app &"),
        ("sh -c 'app &>out'", Reason::RedirectBoth, "&>"),
        ("sh -c 'app", Reason::Unterminated, "'"),
    ]);
    let looping = read("a; sh -c 'while true; do app; done'", Dialect::Posix);
    assert_eq!(looping.restarts, Some(10));
}

#[test]
fn constructs_the_shell_has_to_stay_for() {
    all(&[
        ("app | cat", Reason::Pipeline, "app | cat"),
        ("app 2>&1 | tee log", Reason::Pipeline, "app 2>&1 | tee log"),
        ("ok; in2 | app", Reason::Pipeline, "in2 | app"),
        ("a | exec app", Reason::Pipeline, "a | exec app"),
        ("! app", Reason::Negated, "! app"),
        ("( app )", Reason::Subshell, "( app )"),
        ("( exec app )", Reason::Subshell, "( exec app )"),
        (
            "while :; do app; done",
            Reason::Loop,
            "while :; do app; done",
        ),
        (
            "until app; do :; done",
            Reason::Loop,
            "until app; do :; done",
        ),
        (
            "for i in 1 2; do app; done",
            Reason::Loop,
            "for i in 1 2; do app; done",
        ),
        (
            "while :; do app; break; done",
            Reason::Loop,
            "while :; do app; break; done",
        ),
        ("if a; then app; else b | c; fi", Reason::Pipeline, "b | c"),
    ]);
}

#[test]
fn background_jobs() {
    all(&[
        ("app &", Reason::BackgroundJob, "app &"),
        ("app & wait", Reason::BackgroundJob, "app &"),
        ("app & P=$!; wait $P", Reason::BackgroundJob, "app &"),
        ("a & b & wait", Reason::BackgroundJob, "a &"),
        ("bg2 & app", Reason::BackgroundJob, "bg2 &"),
        ("x; a && b & c", Reason::BackgroundJob, "a && b &"),
        ("app $(a & b)", Reason::BackgroundJob, "a &"),
    ]);
}

#[test]
fn functions() {
    all(&[
        ("f() { app; }; f; f", Reason::FunctionCall, "f"),
        ("f() { ok; }; f() { app; }; f", Reason::FunctionCall, "f"),
        ("f() ( app ); f", Reason::FunctionCall, "f"),
        ("if a; then f() { app; }; fi; f", Reason::FunctionCall, "f"),
        ("a && f() { app; }; f", Reason::FunctionCall, "f"),
        ("f() { app; }; X=1 f", Reason::FunctionCall, "X=1 f"),
        ("f() { f; app; }; f", Reason::FunctionCall, "f"),
        ("f() { app; }; command f", Reason::FunctionCall, "command f"),
        ("app() { ok; }; app; app", Reason::FunctionCall, "app"),
        (
            "x() { app() { ok; }; }; x; app",
            Reason::FunctionCall,
            "app",
        ),
        (
            "a() { app; }; b() { a; }; c() { b; }; d() { c; }; e() { d; }; e",
            Reason::FunctionCall,
            "a",
        ),
        ("f() { app; }; f; echo", Reason::NotInTailPosition, "app"),
        ("echo() { ok; }; app", Reason::FunctionName, "echo"),
        ("exec() { ok; }; app", Reason::FunctionName, "exec"),
    ]);
}

#[test]
fn text_nobody_knows() {
    all(&[
        ("eval \"app\"", Reason::Eval, "eval \"app\""),
        ("\\eval x; app", Reason::Eval, "\\eval x"),
        ("command eval x; app", Reason::Eval, "command eval x"),
        ("$CMD", Reason::ComputedName, "$CMD"),
        ("$CMD x; app", Reason::ComputedName, "$CMD"),
        ("$(cmd)", Reason::ComputedName, "$(cmd)"),
        ("`cmd`", Reason::ComputedName, "`cmd`"),
        ("\"$@\"", Reason::ComputedName, "\"$@\""),
        ("\"$0\" \"$@\"", Reason::ComputedName, "\"$0\""),
        ("${x:-/bin/app}", Reason::ComputedName, "${x:-/bin/app}"),
        ("command $X; app", Reason::ComputedName, "$X"),
        ("ap*; app", Reason::ComputedName, "ap*"),
        ("{exec,x}; app", Reason::ComputedName, "{exec,x}"),
        ("x=$($CMD); app", Reason::ComputedName, "$CMD"),
        ("$(dirname x)/app", Reason::ProgramName, "$(dirname x)/app"),
    ]);
}

#[test]
fn the_shell_itself_is_changed() {
    all(&[
        ("alias app=x; app", Reason::ChangesShell, "alias app=x"),
        ("unalias x; app", Reason::ChangesShell, "unalias x"),
        (
            "shopt -s extglob; app",
            Reason::ChangesShell,
            "shopt -s extglob",
        ),
        ("enable -n x; app", Reason::ChangesShell, "enable -n x"),
        ("builtin cd x; app", Reason::ChangesShell, "builtin cd x"),
        (
            "hash -p /x app; app",
            Reason::ChangesShell,
            "hash -p /x app",
        ),
        ("set -r; app", Reason::SetOption, "set -r"),
        ("set -er; app", Reason::SetOption, "set -er"),
        (
            "set -- -r; set -e -ur; app",
            Reason::SetOption,
            "set -e -ur",
        ),
        ("set -m; app", Reason::SetOption, "set -m"),
        ("set -o posix; app", Reason::SetOption, "set -o posix"),
        ("set $X; app", Reason::SetOption, "set $X"),
        ("set -o $X; app", Reason::SetOption, "set -o $X"),
        ("set -e$X; app", Reason::SetOption, "set -e$X"),
    ]);
}

#[test]
fn traps() {
    all(&[
        ("trap 'echo' EXIT; app", Reason::Trap, "trap 'echo' EXIT"),
        ("trap echo 0; app", Reason::Trap, "trap echo 0"),
        ("trap 'echo' ERR; app", Reason::Trap, "trap 'echo' ERR"),
        ("trap '' HUP; app", Reason::Trap, "trap '' HUP"),
        ("trap - TERM; app", Reason::Trap, "trap - TERM"),
        ("trap TERM; app", Reason::Trap, "trap TERM"),
        (
            "trap \"kill $P\" TERM; app",
            Reason::Trap,
            "trap \"kill $P\" TERM",
        ),
        ("trap 'x' $SIGNALS; app", Reason::Trap, "trap 'x' $SIGNALS"),
        ("(trap 'x' TERM; a); app", Reason::Trap, "trap 'x' TERM"),
        ("f() { trap 'x' TERM; }; app", Reason::Trap, "trap 'x' TERM"),
        ("trap 'x' TERM && app", Reason::Trap, "trap 'x' TERM"),
        ("x=$(trap y INT); app", Reason::Trap, "trap y INT"),
    ]);
    for text in [
        "trap 'kill $P; wait $P' TERM; app & P=$!; wait $P",
        "trap stop term\napp",
        "trap -- 'x' INT SIGTERM; app",
        "trap 'x' 15; while :; do app; done",
        "trap '' TERM; app",
        "trap 'x' TERM; app | tee log",
    ] {
        for dialect in BOTH {
            reads_as(dialect, text, &Outcome::HandlesTerm);
        }
    }
}

#[test]
fn names_that_may_be_something_else() {
    all(&[
        ("%name", Reason::ProgramName, "%name"),
        ("-x", Reason::ProgramName, "-x"),
        ("+x", Reason::ProgramName, "+x"),
        ("\"\"", Reason::ProgramName, "\"\""),
        ("\"%$D/\"", Reason::ProgramName, "\"%$D/\""),
        ("\"$t-/\"", Reason::ProgramName, "\"$t-/\""),
        ("Aé=$H/", Reason::ProgramName, "Aé=$H/"),
        ("label: app", Reason::ProgramName, "label:"),
        (".=", Reason::ProgramName, ".="),
        (".a.b=c", Reason::ProgramName, ".a.b=c"),
        ("\"a b\"", Reason::ProgramName, "\"a b\""),
        ("'a*'", Reason::ProgramName, "'a*'"),
        ("x/ap*", Reason::ProgramName, "x/ap*"),
        ("ápp", Reason::ProgramName, "ápp"),
        ("$D/ap*", Reason::ProgramName, "$D/ap*"),
        ("command -p app", Reason::CommandOption, "command -p app"),
        ("command -- app", Reason::CommandOption, "command -- app"),
    ]);
    for dialect in BOTH {
        execs(dialect, "»/opt/ap*");
    }
}

#[test]
fn the_order_of_assignments() {
    for (text, construct) in [
        ("A=1 B=$(x) app", "B=$(x)"),
        ("A=1 B=`x` app", "B=`x`"),
        ("A=$(x) app <in", "A=$(x) app <in"),
        ("A=$A:x B=1 A=$A:x app", "A=$A:x"),
        (">out A=`x` app", ">out A=`x` app"),
        ("A= app <<E\n$(x)\nE\n", "A= app <<E"),
        ("cd x; A=1 app >$A; exit", "A=1 app >$A"),
    ] {
        refuses(Dialect::Posix, text, Reason::AssignmentOrder, construct);
        assert!(
            matches!(read(text, Dialect::Bash).outcome, Outcome::Exec(_)),
            "{text}"
        );
    }
    for script in [
        "B=$(x) A=1 »app",
        "A=$(x); »app <in",
        "{ A=$(x) »app; } <in",
        "A=1 »app >out 2>&1 <<'E'\n$(x)\nE\n",
        "»app >$A <<E\n$(x)\nE\n",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn nothing_to_insert() {
    for (text, outcome) in [
        ("", Outcome::Empty),
        (" \t\n", Outcome::Empty),
        ("# nothing\n#", Outcome::Empty),
        ("exec app", Outcome::AlreadyExec),
        ("exec app; exit $?", Outcome::AlreadyExec),
        ("exec \"$@\"", Outcome::AlreadyExec),
        ("set -e; migrate; exec $CMD", Outcome::AlreadyExec),
        (
            "if a; then exec app; else echo no; fi",
            Outcome::AlreadyExec,
        ),
        ("command exec app", Outcome::AlreadyExec),
        ("f() { exec app; }; f", Outcome::AlreadyExec),
        ("echo hello", Outcome::OnlyBuiltins),
        ("r", Outcome::OnlyBuiltins),
        ("cd x; exit 3", Outcome::OnlyBuiltins),
        ("exit", Outcome::OnlyBuiltins),
        ("f() { echo; }; f", Outcome::OnlyBuiltins),
        ("A=1", Outcome::OnlyBuiltins),
        ("while :; do :; done", Outcome::OnlyBuiltins),
        ("command -v app", Outcome::OnlyBuiltins),
        ("exec 2>log", Outcome::OnlyBuiltins),
    ] {
        for dialect in BOTH {
            reads_as(dialect, text, &outcome);
        }
    }
}
