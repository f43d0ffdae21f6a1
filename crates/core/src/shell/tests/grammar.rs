//! Grammar that shells do not agree on.

use super::*;

const REFUSED: &[(&str, Reason, &str)] = &[
    ("app > >(cat)", Reason::ProcessSubstitution, ">("),
    ("app <(x)", Reason::ProcessSubstitution, "<("),
    ("((x)); app", Reason::ArithmeticCommand, "(("),
    (
        "for ((i=0;;)); do a; done; app",
        Reason::ArithmeticCommand,
        "((",
    ),
    ("app $[1+1]", Reason::Arithmetic, "$["),
    ("app \"$[1]\"", Reason::Arithmetic, "$["),
    ("app $\"x\"", Reason::Quoting, "$\""),
    (
        "select x in a; do b; done; app",
        Reason::ReservedWord,
        "select",
    ),
    ("time app", Reason::ReservedWord, "time"),
    ("time exec app", Reason::ReservedWord, "time"),
    ("coproc a; app", Reason::ReservedWord, "coproc"),
    ("{fd}>x app", Reason::Descriptor, "{fd}>"),
    ("a=(x); app", Reason::Array, "a=("),
    ("a[1]=x; app", Reason::Array, "a[1]=x"),
    ("app @(a|b)", Reason::ExtendedGlob, "@("),
    ("app x!(a)", Reason::ExtendedGlob, "x!("),
    (
        "case x in a) b;& *) app;; esac",
        Reason::CaseFallthrough,
        ";&",
    ),
    (
        "case x in a) b;;& *) app;; esac",
        Reason::CaseFallthrough,
        ";;&",
    ),
    ("case x in (esac) app;; esac", Reason::Syntax, "esac"),
    ("if ; then a; fi; app", Reason::EmptyList, ";"),
    ("if a; then fi; app", Reason::EmptyList, "fi"),
    ("{ }; app", Reason::EmptyList, "}"),
    ("a; ; app", Reason::EmptyList, ";"),
    ("a && ; app", Reason::EmptyList, ";"),
    ("& app", Reason::EmptyList, "&"),
    ("! ! app", Reason::Syntax, "!"),
    ("a | ! app", Reason::Syntax, "!"),
    ("app 10>x", Reason::Descriptor, "10>"),
    ("app \"1\">x", Reason::Descriptor, "\"1\">"),
    ("app <&x", Reason::Descriptor, "<&x"),
    ("app 1>&x", Reason::Descriptor, "1>&x"),
    ("app >&2-", Reason::Descriptor, ">&2-"),
    ("app >&22", Reason::Descriptor, ">&22"),
    ("app >&''", Reason::Descriptor, ">&''"),
    ("app 2>&10", Reason::Descriptor, "2>&10"),
    ("app 2>&1-", Reason::Descriptor, "2>&1-"),
    ("app >& $x", Reason::Descriptor, ">& $x"),
    ("app \"${x:-\"a\"}\"", Reason::Parameter, "${x:-\""),
    ("app \"${x:-'a'}\"", Reason::Parameter, "${x:-'"),
    ("app ${x:-{}", Reason::Parameter, "${x:-{"),
    ("app ${x:1}", Reason::Parameter, "${x:"),
    ("app ${}", Reason::Parameter, "${"),
    ("app ${ x}", Reason::Parameter, "${"),
    ("app ${x!y}", Reason::Parameter, "${x"),
    ("app ${$[D}", Reason::Parameter, "${$"),
    ("app $((1; 2))", Reason::Arithmetic, "$((1; 2))"),
    ("app $(('1'))", Reason::Arithmetic, "$(('1'))"),
    ("app $((1) + 2)", Reason::Arithmetic, "$(("),
    ("app $((1", Reason::Arithmetic, "$(("),
    (
        "app $(( $(echo 'x') ))",
        Reason::Arithmetic,
        "$(( $(echo 'x') ))",
    ),
    ("cat <<\\E\nE\napp", Reason::HereDocument, "<<\\E"),
    ("cat <<$E\nE\napp", Reason::HereDocument, "<<$E"),
    ("cat <<''\n\napp", Reason::HereDocument, "<<''"),
    ("cat <<E\napp", Reason::HereDocument, "<<E"),
    ("cat <<E", Reason::HereDocument, "<<E"),
    ("app $(cat <<E\nE\n)", Reason::HereDocument, "<<E"),
    ("cat <<E $(a\nb)\nE\napp", Reason::HereDocument, "\n"),
    ("cat <<E 'a\nb'\nE\napp", Reason::HereDocument, "'a\nb'"),
    ("cat <<E\n$(\nE\napp", Reason::HereDocument, "\n"),
    ("cat <<E\n${x\nE\napp", Reason::Parameter, "${x"),
    ("cat <<E\na\\\nE\nE\napp", Reason::HereDocument, "a\\"),
    ("ap\\\np", Reason::Continuation, "ap\\\np"),
    ("i\\\nf a; then b; fi; app", Reason::Continuation, "i\\\nf"),
    (
        "if a; then\\\n b; fi; app",
        Reason::Continuation,
        "then\\\n",
    ),
    ("a &\\\n& app", Reason::Continuation, "&\\\n"),
    ("app $\\\n(x)", Reason::Continuation, "$\\"),
    ("app >", Reason::Syntax, ">"),
    ("app >\nx", Reason::Syntax, ">"),
    ("app \\", Reason::Unterminated, "\\"),
    ("app 'x", Reason::Unterminated, "'"),
    ("app \"x", Reason::Unterminated, "\""),
    ("app `x", Reason::Unterminated, "`"),
    ("app $(x", Reason::Unterminated, "$("),
    ("app ${x", Reason::Unterminated, "${x"),
    ("app `echo \\`x\\``", Reason::Syntax, "\\"),
    ("app \"`echo \"x\"`\"", Reason::Syntax, "\""),
    ("app $(x case y)", Reason::Syntax, "case"),
    ("f() app", Reason::FunctionBody, "app"),
    ("f() if a; then b; fi; app", Reason::FunctionBody, "if"),
    ("a b() { app; }", Reason::Syntax, "("),
    ("app )", Reason::Syntax, ")"),
    ("if a; then app", Reason::Unterminated, ""),
    ("fi", Reason::Syntax, "fi"),
    ("app; }", Reason::Syntax, "}"),
    ("{ app; } x", Reason::Syntax, "x"),
    ("X=1 if a; then b; fi", Reason::Syntax, "if"),
    ("for 1 in a; do b; done", Reason::Syntax, "1"),
    ("x\r\napp", Reason::ControlCharacter, "\r"),
    ("app\0", Reason::ControlCharacter, "\0"),
    ("app\u{a0}x", Reason::ControlCharacter, "\u{a0}"),
    ("app\u{b}x", Reason::ControlCharacter, "\u{b}"),
];

#[test]
fn refused_in_every_dialect() {
    for (text, reason, construct) in REFUSED {
        for dialect in BOTH {
            refuses(dialect, text, *reason, construct);
        }
    }
}

#[test]
fn refused_for_sh_only() {
    for (text, reason, construct) in [
        ("[[ -n x ]] && app", Reason::DoubleBracket, "[["),
        ("app [[ a", Reason::DoubleBracket, "[["),
        ("app $'x'", Reason::Quoting, "$'"),
        ("app <<<x", Reason::HereString, "<<<"),
        ("app &> out", Reason::RedirectBoth, "&>"),
        ("app &>> out", Reason::RedirectBoth, "&>"),
        ("app >&out", Reason::Descriptor, ">&out"),
        ("a |& b; app", Reason::PipeBoth, "|&"),
        ("V+=x app", Reason::AppendAssignment, "V+=x"),
        ("app ${!x}", Reason::Parameter, "${!"),
        ("app ${x/a/b}", Reason::Parameter, "${x"),
        ("app ${x^}", Reason::Parameter, "${x"),
        ("app ${x@Q}", Reason::Parameter, "${x"),
        ("app ${x[0]}", Reason::Parameter, "${x"),
        (
            "function f { app; }; f",
            Reason::FunctionKeyword,
            "function",
        ),
        ("my-f() { app; }; my-f", Reason::FunctionName, "my-f"),
        (">o[ app ]", Reason::Array, "o["),
        ("{ ok; } 2>o[1]x[ && app ]", Reason::Array, "o[1]x["),
        ("export o[1 && app ]", Reason::Array, "o[1"),
        ("command readonly a b[ ; app ]", Reason::Array, "b["),
    ] {
        refuses(Dialect::Posix, text, reason, construct);
        assert!(
            !matches!(read(text, Dialect::Bash).outcome, Outcome::Refused(_)),
            "{text}"
        );
    }
}

#[test]
fn conditionals_bash_does_not_read_alike() {
    for (text, construct) in [
        ("[[ ]] && app", "]]"),
        ("[[ a b ]] && app", "b"),
        ("[[ -f ]] && app", "]]"),
        ("[[ a == ]] && app", "]]"),
        ("[[ (a ]] && app", "]]"),
        ("[[ a =~ 'x' ]] && app", "'"),
        ("[[ a =~ x;y ]] && app", "x;"),
        ("[[ a =~ (x ]] && app", "(x "),
        ("[[ a =~ $(x) ]] && app", "$"),
        ("[[ a ]]\\\n && app", "]]\\\n"),
        ("[[ a == @(x) ]] && app", "("),
    ] {
        if text.contains("@(") {
            refuses(Dialect::Bash, text, Reason::ExtendedGlob, "@(");
        } else {
            refuses(Dialect::Bash, text, Reason::DoubleBracket, construct);
        }
    }
    let long = format!("[[ {} ]] && app", vec!["a"; 401].join(" && "));
    assert!(matches!(
        read(&long, Dialect::Bash).outcome,
        Outcome::Refused(Refusal {
            reason: Reason::DoubleBracket,
            ..
        })
    ));
}
