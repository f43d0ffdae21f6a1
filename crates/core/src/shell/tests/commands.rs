//! What the reading tells beyond the outcome.

use super::*;

fn names(text: &str) -> Vec<String> {
    let commands = read(text, Dialect::Bash).commands;
    commands
        .into_iter()
        .map(|command| command.words[0].text.clone())
        .collect()
}

#[test]
fn commands_are_listed_whatever_is_refused() {
    for (text, expected) in [
        ("gunicorn app | tee log", &["gunicorn", "tee"][..]),
        ("migrate && gunicorn app &", &["migrate", "gunicorn"]),
        (
            "if a; then b; else c; fi; while d; do e; done; (f)",
            &["a", "b", "c", "d", "e", "f"],
        ),
        ("f() { a; }; f", &["a", "f"]),
        ("gunicorn app; ((x)); later", &["gunicorn"]),
        ("gunicorn app &> log", &["gunicorn"]),
        ("A=1; exec 2>log; exec app; echo $(inner)", &["app", "echo"]),
        ("command app", &["app"]),
        ("command -v app", &["command"]),
        ("exec -a name app", &["app"]),
        ("trap 'x' TERM; app & wait", &["trap", "app", "wait"]),
    ] {
        assert_eq!(names(text), expected, "{text}");
    }
}

#[test]
fn a_command_knows_its_words_and_where_it_stands() {
    let reading = read(
        "A=1 B=$X C='d e' A+=2 exec app \"a b\" $X/y ~ > log",
        Dialect::Bash,
    );
    let command = &reading.commands[0];
    let words: Vec<_> = command
        .words
        .iter()
        .map(|word| (word.text.as_str(), word.known))
        .collect();
    assert_eq!(
        words,
        [("app", true), ("a b", true), ("$X/y", false), ("~", false)]
    );
    let value = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    assert_eq!(
        command.assignments,
        [
            value("A", Some("1")),
            value("B", None),
            value("C", Some("d e")),
            value("A", None)
        ]
    );
    assert_eq!(command.at, 27);
    assert!(command.exec && command.tail && !command.background && !command.piped);
}

#[test]
fn flags_say_where_a_command_stands() {
    let flags = |text: &str| -> Vec<String> {
        let flag = |on: bool, name: &str| if on { name.to_owned() } else { String::new() };
        let all = read(text, Dialect::Posix).commands;
        all.iter()
            .map(|command| {
                let name = &command.words[0].text;
                let (tail, background, piped) = (
                    flag(command.tail, "T"),
                    flag(command.background, "B"),
                    flag(command.piped, "P"),
                );
                format!("{name}{tail}{background}{piped}")
            })
            .collect()
    };
    for (text, expected) in [
        ("a; b && c", &["a", "b", "cT"][..]),
        ("a && { b; c; } & d", &["aB", "bB", "cB", "dT"]),
        ("a | { b; c; } | d", &["aP", "bP", "cP", "dP"]),
        ("f() { a; b; }; f", &["a", "bT", "f"]),
        (
            "if a; then b; else echo; fi; exit",
            &["a", "bT", "echoT", "exit"],
        ),
    ] {
        assert_eq!(flags(text), expected, "{text}");
    }
}

#[test]
fn a_trap_for_term_is_found_and_judged() {
    for (text, at, action, waits) in [
        (
            "trap 'kill $P' TERM; app & P=$!; wait $P",
            0,
            Some("kill $P"),
            false,
        ),
        (
            "trap 'kill $P; wait $P' TERM; app & P=$!; wait $P",
            0,
            Some("kill $P; wait $P"),
            true,
        ),
        (
            "trap 'kill $P' TERM; app & P=$!; wait $P; trap - TERM; wait $P",
            0,
            Some("kill $P"),
            true,
        ),
        (
            "trap 'kill $P' TERM; app & P=$!; while kill -0 $P; do wait $P; done",
            0,
            Some("kill $P"),
            true,
        ),
        (
            "stop() { kill $P; wait; }; trap stop TERM INT; app & wait",
            27,
            Some("stop"),
            true,
        ),
        (
            "stop() { kill $P; }; trap stop TERM INT; app & wait",
            21,
            Some("stop"),
            false,
        ),
        ("trap wait TERM; app & wait", 0, Some("wait"), false),
        ("trap '' TERM; app", 0, Some(""), false),
        ("app; trap \"kill $P\" sigterm", 5, None, false),
        ("app; trap x $S", 5, Some("x"), false),
        ("(trap x 15)", 1, Some("x"), false),
    ] {
        let trap = read(text, Dialect::Posix).trap.expect(text);
        assert_eq!(
            (trap.at, trap.action.as_deref(), trap.waits),
            (at, action, waits),
            "{text}"
        );
    }
    for text in [
        "trap x EXIT; app",
        "trap - TERM; app",
        "trap; app",
        "trap -p TERM; app",
        "trap TERM",
    ] {
        assert_eq!(read(text, Dialect::Posix).trap, None, "{text}");
    }
}

#[test]
fn loops_that_restart_a_program() {
    for (text, expected) in [
        ("while :; do app; sleep 1; done", Some(0)),
        ("a; while true; do app; done; echo", Some(3)),
        ("until false; do app; done", Some(0)),
        ("while true; do app; done & other", Some(0)),
        ("until app; do sleep 1; done", Some(0)),
        ("for i in 1 2; do app; done", Some(0)),
        ("f() { while :; do app; done; }; f", Some(6)),
        ("until pg_isready; do sleep 1; done; exec app", None),
        (
            "while true; do pg_isready && break; sleep 1; done; app",
            None,
        ),
        ("for f in *.sh; do sh $f; done; app", None),
        ("while :; do sleep 1; done", None),
        ("while read x; do echo $x; done", None),
    ] {
        assert_eq!(read(text, Dialect::Posix).restarts, expected, "{text}");
    }
}
