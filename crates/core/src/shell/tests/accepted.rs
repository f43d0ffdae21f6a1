//! What takes `exec`: equal in exit code, output and context on dash, bash, busybox, mksh, ksh93, zsh and yash.

use super::*;

#[test]
fn simple_commands() {
    for script in [
        "»app",
        "»app x # run it",
        "»app x;",
        "»app x\n",
        "»app x;\n# done\n",
        "# first\n\n  »app",
        "»/usr/bin/app x",
        "»./app x",
        "»~/bin/app",
        "»bin/app",
        "»\"app\" x",
        "»'app' x",
        "»\\app x",
        "ok && \\\n»app x",
        "ok && \\\n  »app \\\n  --flag \\\n  --other",
        "»app \\\n",
        "ok && \\\n# why\n»app",
        "»nosuchcmd x",
        "»./notexec",
        "»/",
        "»app-1.2_x+y@z:a,b",
        "»app-é",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn assignments() {
    for script in [
        "FOO=bar »app",
        "A=1 B=2 »app",
        "FOO=old; FOO=new »app $FOO",
        "FOO=x$FOO »app",
        "A=1 B=$A »app",
        "FOO=$(date) »app",
        "FOO=`date` »app",
        "PATH=/opt/bin:$PATH »app",
        "IFS=: »app $X",
        "export FOO=old; FOO=new »app",
        "set -a; FOO=bar; »app",
        "FOO= »app",
        "FOO=\"a b\" BAR='c d' »app",
        "readonly V; V=2 »app",
        "export A=b; »app",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn redirections() {
    for script in [
        ">out »app x",
        "»app x >out",
        "»app <in >>out 2>&1",
        "2>err >|out »app",
        "»app 3>f 4<g 9>&3 5<&-",
        "»app >&2",
        "»app <>f",
        "»app >nodir/f",
        "{ ok; »app; } >out",
        "if ok; then »app; fi 2>&1",
        "exec >f; »app",
        "exec 2>&1\n»app",
        "FOO=1 >out »app",
        "»app x>out y",
        "»app > \"$LOG\" 2>&1",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn here_documents() {
    for script in [
        "»app <<E\nline $x\nE\n",
        "»app <<'E'\nline $(\nE",
        "»app <<\"E\"\n`\nE\n",
        "»app <<-E\n\tline\n\tE\n",
        "cat >cfg <<E && »app\nline\nE",
        "cat >cfg <<E\nfor app; $(date) ${x} $((1+1)) `date` \\$( \"'\nE\n»app",
        "cat <<A <<B; »app\na\nA\nb\nB\n",
        "if ok; then cat <<E; fi\nfi\nE\n»app",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
    let long = format!("cat >cfg <<E\n{}E\n»app", "line of text\n".repeat(5_000));
    for dialect in BOTH {
        execs(dialect, &long);
    }
}

#[test]
fn lists() {
    for script in [
        "ok && »app",
        "fail || ok && »app",
        "fail || »app",
        "a; b; »app",
        "a\nb\n»app\n",
        "cd x && »app",
        "cd x &&\n»app",
        "! a; »app",
        "{ »app; }",
        "{ ok; { »app; }; }",
        "ok && { fail || »app; }",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn branches() {
    for script in [
        "if ok; then »app; fi",
        "if ok; then »app; elif b; then »app2; else »app3; fi",
        "if ok; then »app; else echo no; fi",
        "if ok; then exec app; else »app2; fi",
        "if ! a || b; then »app; fi",
        "if a\nthen\n»app\nfi\n",
        "case $X in a) »app2;; *) »app;; esac",
        "case $X in a) »app2;; *) »app; esac",
        "case \"$1\" in (a|b) »app;; c) ;; d) exit 3;; esac",
        "case $X in\n  web)\n    migrate\n    »app\n    ;;\n  *) echo what; exit 1 ;;\nesac",
        "if a; then case x in x) if b; then »app; fi;; esac; fi",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn after_what_has_ended() {
    for script in [
        "(cd d && ok); »app",
        "a | b; »app",
        "for f in a b; do ok $f; done; »app",
        "while a; do b; done; »app",
        "until pg_isready; do sleep 1; done\n»app",
        "f() { ok; }; f; f; »app",
        "f() ( ok ); f; »app",
        "x=$(a | b); »app",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn functions_called_once() {
    for script in [
        "main() { »app \"$@\"; }; main",
        "main() { »app \"$@\"; }\nmain a b",
        "main() { local x=1; »app $x; }; main >out",
        "main () {\n  »app\n} >out\nmain; exit $?",
        "run() { »app; }; main() { ok; run; }; main",
        "a() { »app; }; b() { a; }; c() { b; }; d() { c; }; d",
        "main() { if ok; then »app; fi; }; ok && main",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
    execs(Dialect::Bash, "function main { »app; }; main");
    execs(Dialect::Bash, "function main() { »app; }\nmain");
    execs(Dialect::Bash, "start-app() { »app; }; start-app");
}

#[test]
fn trailing_exit() {
    for script in [
        "»app; exit",
        "»app; exit $?",
        "»app\nexit \"$?\"\n",
        "»app; exit; exit $?",
        "»app || exit",
        "»app || exit $?",
        "ok && »app || exit \"$?\"; exit",
        "main() { »app || exit $?; }; main",
        "if a; then »app; exit; fi",
        "»app; rc=$?; exit $rc",
        "»app\nstatus=\"$?\"\nexit \"${status}\"\n",
        "a && »app; rc1=$?; exit \"$rc1\"; exit",
        "main() { »app; rc=$?; exit ${rc}; }; main",
        "case x in a) »app; rc=$?; exit $rc;; *) »app2; r_c=$?; exit $r_c;; esac",
        "rc=0; »app; rc=$?; exit $rc",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn options() {
    for script in [
        "set -e; ok; »app",
        "set -eux; »app",
        "set -euo pipefail; »app",
        "set -o errexit -o nounset; »app",
        "set +e +o pipefail; »app",
        "set -f; »app *",
        "set; »app",
        "set -- $X; »app \"$@\"",
        "set a $X; »app",
        "set - a; »app",
        "umask 077; ulimit -n 100; »app",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn expansions_in_arguments() {
    for script in [
        "»app $(fail 9)",
        "»app $(a $(b \"$(c)\") )",
        "»app \"$(a \"b c\")\"",
        "»app ${x:-} ${x:?no} ${x-a b} ${#x} ${x%%.*} ${x##*/} ${1} ${10} ${@} ${#} ${?}",
        "»app ${x:-'a b'} ${x:-\"a $y\"} ${x:-${y:-$z}}",
        "»app \"${x:-a}\" \"${x:-$y}\"",
        "»app $((1 + 2)) $(( (1 + x) * $y )) $((1<<2))",
        "»app --workers $(( $(nproc) * 2 + 1 ))",
        "»app * ?.txt [ab] ~ ~/x {a,b} a{1,2}b }",
        "»app \"$1\" \"$@\" $# $$ $? $! $- $0",
        "»app `date`",
        "»app a$ $% \"a$\" $",
        "»app 'a' \"b\\\"c\\$d\" e\\ f a'b'\"c\"d",
        "»app \"a\\\nb\"",
        "»app 'a\nb' \"c\nd\"",
        "»app a#b '#c' \\#d",
        "»app if then { ! in do",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn paths_with_variables() {
    for script in [
        "»$D/bin/app",
        "»\"$D/bin/app\"",
        "»\"$D\"/bin/app",
        "»${D}/bin/app x",
        "»./$X",
        "»${D:-/opt}/app",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn launchers_take_exec_like_any_program() {
    for script in [
        "»env A=b app",
        "»nice -n 5 app",
        "»nohup app",
        "»stdbuf -oL app",
        "»chroot / app",
        "»gosu user app",
        "»timeout 30 app",
        "»sudo -u app app",
        "»tini -- app",
        "»dumb-init app",
        "»setsid app",
        "»./start.sh",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

/// The script of a shell in tail position is read by the same rules, in its own dialect.
#[test]
fn shells_with_a_script() {
    for script in [
        "»sh -c \"»app\"",
        "cd /x && »/bin/sh -c 'migrate; »app \"$@\"' name \"$@\"",
        "»bash -ec '[[ a ]] && »app &>out'",
        "»busybox sh -c 'é; »app'",
        "»bash --norc -o pipefail -c '»app'",
        "»sh -c \"»sh -c '»app'\"",
        "if a; then »sh -c '»app'; else »app; fi",
        "A=1 »sh -c '»app' >out",
        "»sh -c 'exec app'",
        "»sh -c 'echo hello'",
        "exec sh -c '»app'",
        // Not in one pair of quotes, or with something of the outer script in reach: only the outer shell is replaced.
        "»sh -c app",
        "»sh -c 'a'\\''b; app'",
        "»sh -c \"a \\$x; app\"",
        "»sh -c \"$x app\"",
        "»sh -lc 'app'",
        "»bash -ac 'app'",
        "»bash -o allexport -c 'app'",
        "f() { :; }; »bash -c 'app'",
        "BASH_ENV=x »bash -c 'app'",
        "export BASH_ENV; »bash -c 'app | cat'",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
    let reading = read("exec sh -c 'ok; app x' name", Dialect::Posix);
    let names: Vec<_> = reading
        .commands
        .iter()
        .map(|command| (command.words[0].text.as_str(), command.at, command.tail))
        .collect();
    assert_eq!(names, [("ok", 12, false), ("app", 16, true)]);
}

#[test]
fn command_in_front() {
    for script in [
        "command »app x",
        "command command »app",
        "command »/usr/bin/echo",
    ] {
        for dialect in BOTH {
            execs(dialect, script);
        }
    }
}

#[test]
fn bash_only() {
    for script in [
        "[[ -n $x && ( $a == b* || ! -f $f ) ]] && »app",
        "if [[ $x =~ ^(a|b)+$ ]]; then »app; fi",
        "[[ $x -gt 3 ]]; [[ a < b ]]; [[ $x ]]; »app",
        "»app $'a\\'b\\n'",
        "»app <<<\"$x\"",
        "»app &>out",
        "»app &>> \"$x\"",
        "»app &>/dev/null <in",
        ">& out »app",
        "{ »app; } >&'out x'",
        "a |& b; »app",
        "A=1; A+=2; »app",
        "A+=x »app",
        "»app ${!x} ${x/a/b} ${x^} ${x,,} ${x@Q} ${x[0]} ${x[@]}",
    ] {
        execs(Dialect::Bash, script);
        assert!(
            matches!(
                read(&unmark(script).0, Dialect::Posix).outcome,
                Outcome::Refused(_)
            ),
            "{script}"
        );
    }
}
