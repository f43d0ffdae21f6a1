//! Length, depth and time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::*;

#[test]
fn nesting_is_limited_to_forty() {
    for (head, open, core, close) in [
        ("", "{ ", "a; ", "}; "),
        ("", "( ", "a", " )"),
        ("", "if a; then ", "a; ", "fi; "),
        ("", "while a; do ", "a; ", "done; "),
        ("", "case x in x) ", "a", " ;; esac"),
        ("", "x $(", "a", ")"),
        ("", "x \"$(", "a", ")\""),
        ("x ", "${x:-", "a", "}"),
        ("x ", "$((", "1", "))"),
    ] {
        let wrap = |depth| format!("{head}{}{core}{}", open.repeat(depth), close.repeat(depth));
        for dialect in BOTH {
            let reason = |depth| match read(&wrap(depth), dialect).outcome {
                Outcome::Refused(refusal) => Some(refusal.reason),
                _ => None,
            };
            assert_ne!(reason(40), Some(Reason::TooDeep), "{open}");
            assert_ne!(reason(40), Some(Reason::Syntax), "{open}");
            assert_eq!(reason(41), Some(Reason::TooDeep), "{open}");
            assert_eq!(reason(2_500), Some(Reason::TooDeep), "{open}");
        }
    }
}

#[test]
fn length_is_limited_to_64_kib() {
    let fits = format!("app {}", "x".repeat(MAX_LENGTH - 4));
    reads_as(Dialect::Posix, &fits, &Outcome::Exec(vec![0]));
    refuses(Dialect::Posix, &format!("{fits}x"), Reason::TooLong, "");
}

/// What this thread has had of a processor: other work on the machine does not count.
fn spent() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Best of some runs.
fn time(text: &str) -> Duration {
    let run = |_| {
        let before = spent();
        std::hint::black_box(read_with(text, Dialect::Bash, SourcedFiles::Harmless));
        spent().saturating_sub(before)
    };
    (0..3).map(run).min().unwrap()
}

#[test]
fn time_is_linear_in_the_length() {
    let hostile = [
        "a;",
        "a&",
        "a|",
        "a&&",
        "a ",
        "'a' ",
        "\"$x\" ",
        "$(a) ",
        "`a` ",
        "${x:-y} ",
        "$((1+(2))) ",
        "\\\n",
        "#\n",
        "<<E\nE\n",
        "x<<E $y\n$z\nE\n",
        "{ a;};",
        "(a);",
        "if a;then a;fi;",
        "case x in x) a;;esac;",
        "while a;do a;done;",
        "f() { a;};",
        "f;",
        "a() { b; }; a;",
        "$",
        "\\",
        "[[ a ]];",
        "[[ a =~ (b) ]];",
        "trap x TERM;wait;",
        "a=b ",
        ">f ",
        "é",
        "$'x' ",
        "((",
        "$(",
        "`",
        "\"",
        "${x",
        "<<E ",
        "!",
        "a\\\n",
        "exit;",
        "sh -c 'a';",
        ". ./a;",
        "sh -c '. ./a;b';",
        ">o[ ] ",
        "export o[;",
        "{ a;r=$?;exit $r;};",
        "case x in x) sh -c \"a;sh -c 'b'\";r=$?;exit $r;;esac;",
        "a &>b;",
        "()",
    ];
    for piece in hostile {
        let times = |part: usize| time(&piece.repeat(MAX_LENGTH / part / piece.len()));
        // Linear is 4 times, quadratic 16 times. What takes next to no time cannot be measured: hence the constant. Other
        // work on the machine may double a time, but not each time.
        let is_linear = || times(1) < times(4) * 8 + Duration::from_millis(10);
        assert!((0..5).any(|_| is_linear()), "{piece:?}");
    }
}
