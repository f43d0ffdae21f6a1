//! Construct by construct, what `softstop check` decides about a script and about a shell's command line.
//!
//! `»` marks where `exec ` is written.

use std::path::Path;

use serde_json::{Value, json};

use super::run_with;

/// What is decided: the verdict, with its reason.
type Decided = (&'static str, &'static str);

const EXEC: Decided = ("exec", "exec-proven");

const ALREADY: Decided = ("direct", "exec-present");

const fn hook(reason: &'static str) -> Decided {
    ("hook", reason)
}

/// What takes `exec` under any `sh`.
const PROVEN: &[&str] = &[
    // Simple commands, and what may stand around them.
    "»app x # run it",
    "# why\n»app x;\n",
    "»/usr/bin/app",
    "»./app",
    "»\"app\"",
    "»\\app",
    "ok && \\\n»app x",
    "»app \\\n  --flag \\\n  --other\n",
    // What cannot be run fails with the same code.
    "»nosuchcmd x",
    "»./plain",
    "»/",
    // Assignments.
    "FOO=bar »app",
    "A=1 B=2 »app",
    "FOO=old; FOO=new »app $FOO",
    "A=1 B=$A »app",
    "FOO=$(date) »app",
    "PATH=/opt/bin:$PATH »app",
    "IFS=: »app $X",
    "export FOO=old; FOO=new »app",
    "set -a; FOO=bar; »app",
    // Redirections.
    ">out »app x",
    "»app <in >>out 2>&1",
    "»app 3>f 4<g 9>&3 5<&-",
    "»app >nodir/f",
    "{ ok; »app; } >out",
    "if ok; then »app; fi 2>&1",
    "exec >f; »app",
    // Here-documents.
    "»app <<'E'\nline $(\nE\n",
    "»app <<E\nline $x\nE\n",
    "cat >cfg <<E && »app\nline\nE",
    "cat >cfg <<E\nline\nE\n»app",
    // Lists.
    "fail || ok && »app",
    "ok; »app",
    "ok\n»app\n",
    "cd x && »app",
    "{ »app; }",
    // Branches.
    "if ok; then »app; elif b; then »app2; else »app3; fi",
    "if ok; then »app; fi",
    "case $X in a) »app2;; *) »app;; esac",
    "case $X in a) »app2;; *) »app; esac",
    // After what has ended.
    "(cd d && ok); »app",
    "a | b; »app",
    "for f in a b; do ok $f; done; »app",
    "f() { ok; }; f; f; »app",
    // Functions.
    "main() { »app \"$@\"; }; main",
    "main() { local x=1; »app $x; }; main >out",
    // What hands the status on.
    "»app; exit",
    "»app; exit $?",
    "»app || exit $?",
    "»app; rc=$?; exit $rc",
    // Options.
    "set -e; ok; »app",
    "set -eux; »app",
    "set -f; »app *",
    "set -euo pipefail; »app",
    "umask 077; ulimit -n 100; »app",
    // Expansions.
    "»app $(fail 9) ${x:-} ${x:?} $((1+2)) * ~ {a,b} \"$1\"",
    "»$D/bin/app",
    "»\"$D/bin/app\"",
    // Launchers that replace themselves or pass the signal on, and files with an interpreter of their own.
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
    "»busybox httpd -f",
    "»./start.sh",
    // Shells that agree that it fails, or that it does not matter.
    "readonly V; V=2 »app",
    // A shell with a script of its own.
    "»sh -c \"»app\"",
];

/// What takes `exec` in bash, and what stands in its way where `sh` may be another shell.
const BASH_ONLY: &[(&str, &str)] = &[
    ("»app &>out", "redirect-both"),
    ("»app <<<x", "here-string"),
    ("V+=x »app", "append-assignment"),
    ("[[ -n x ]] && »app", "double-bracket"),
    ("function main { »app; }; main", "function-keyword"),
];

/// What takes none, in `sh` as in bash.
const NOT_PROVEN: &[(&str, Decided)] = &[
    // Shells disagree.
    ("app > >(cat)", hook("process-substitution")),
    ("((x)); app", hook("arithmetic-command")),
    ("case x in a) b;& *) app;; esac", hook("case-fallthrough")),
    ("( exec app )", hook("subshell")),
    ("a | exec app", hook("pipeline")),
    ("$CMD", hook("computed-name")),
    ("$(cmd)", hook("computed-name")),
    ("\"$@\"", hook("computed-name")),
    ("\"$0\" \"$@\"", hook("computed-name")),
    ("CMD=exec; exec $CMD app", ALREADY),
    ("exec $(false)", ALREADY),
    ("command exec app", ALREADY),
    ("command -p exec app", ALREADY),
    ("command -p app", hook("command-option")),
    ("time exec app", hook("reserved-word")),
    ("exec time app", hook("launcher-swallows")),
    ("exec echo x", ALREADY),
    ("f() { ok; }; exec f", ALREADY),
    ("app() { ok; }; app; app", hook("function-call")),
    ("alias app=x; app", hook("changes-shell")),
    ("trap 'echo bye' EXIT; app", hook("trap")),
    ("trap 'echo bye' 0; app", hook("trap")),
    ("trap 'echo bad' ERR; app", hook("trap")),
    ("set -m; app", hook("set-option")),
    ("app; fi", hook("syntax")),
    ("ok\r\napp\r\n", hook("control-character")),
    ("su -c app", hook("launcher-swallows")),
    ("runuser -u app -- app", hook("launcher-swallows")),
    // No shell may be replaced here.
    ("app || echo", hook("not-in-tail-position")),
    ("app || exit 1", hook("not-in-tail-position")),
    ("app || true", hook("not-in-tail-position")),
    ("app && echo done", hook("not-in-tail-position")),
    ("app; echo", hook("not-in-tail-position")),
    ("app; :", hook("not-in-tail-position")),
    ("app; exit 0", hook("not-in-tail-position")),
    ("app; sleep 1", hook("idle-after-daemons")),
    ("app &", hook("background-job")),
    ("app & wait", hook("background-job")),
    ("app & P=$!; wait $P", hook("background-job")),
    ("app & app2 & wait", hook("background-job")),
    ("bg2 & app", hook("background-job")),
    ("app | cat", hook("pipeline")),
    ("app 2>&1 | tee log", hook("pipeline")),
    ("in2 | app", hook("pipeline")),
    ("! app", hook("negated")),
    ("( app )", hook("subshell")),
    ("while :; do app; done", ("init", "loop")),
    ("until app; do :; done", ("init", "loop")),
    ("for i in 1 2; do app; done", ("init", "loop")),
    ("while :; do app; break; done", ("init", "loop")),
    ("if app; then :; fi", hook("not-in-tail-position")),
    ("f() { app; }; f; f", hook("function-call")),
    ("f() { app; }; f; echo", hook("not-in-tail-position")),
    ("f() { ok; }; f() { app; }; f", hook("function-call")),
    ("eval \"app\"", hook("eval")),
    (". ./run.sh", hook("sourced-unseen")),
    (". /venv/bin/activate && app", hook("sourced-file")),
    ("trap 'echo' TERM; app", hook("trap")),
    ("trap '' TERM; app", hook("trap")),
    ("trap '' HUP; app", hook("trap")),
    ("trap - TERM; app", hook("trap")),
    ("setsid app", hook("launcher-swallows")),
    ("setsid -w app", hook("launcher-swallows")),
    ("flock /lock app", hook("launcher-swallows")),
    ("xargs app", hook("launcher-swallows")),
    ("script -c app", hook("launcher-swallows")),
    ("watch app", hook("launcher-swallows")),
    ("/usr/bin/time app", hook("launcher-swallows")),
    ("set -r; app", hook("set-option")),
    // Nothing to do.
    ("exec app", ALREADY),
    ("exec gunicorn app", ("direct", "drains-on-term")),
    ("echo hello", ("leave", "only-builtins")),
    ("", ("leave", "empty-script")),
    ("# nothing", ("leave", "empty-script")),
    (" \n\t", ("leave", "empty-script")),
    ("sleep infinity", ("leave", "no-handler")),
];

/// Words in front of a script, and behind it.
const WITH_SCRIPT: &[(&str, &str)] = &[
    // Shells, by base name, and what stands in front of them.
    ("sh -c", ""),
    ("ash -c", ""),
    ("/bin/dash -c", ""),
    ("/usr/local/bin/bash -c", ""),
    ("busybox sh -c", ""),
    ("/bin/busybox ash -c", ""),
    ("tini -- sh -c", ""),
    ("/sbin/tini -g -p SIGTERM -- sh -c", ""),
    ("tini-static -- sh -c", ""),
    ("docker-init -- sh -c", ""),
    ("catatonit -- sh -c", ""),
    ("dumb-init -c -- sh -c", ""),
    ("dumb-init --rewrite 15:3 sh -c", ""),
    ("env A=b sh -c", ""),
    ("env -i A=b bash -c", ""),
    ("gosu user sh -c", ""),
    ("su-exec user sh -c", ""),
    ("nohup sh -c", ""),
    ("tini -- env A=b nohup gosu user bash -c", ""),
    // Options that leave the script as it is.
    ("sh -ec", ""),
    ("sh -e -u -x -c", ""),
    ("bash -euxo pipefail -c", ""),
    ("bash -ceuo pipefail", ""),
    ("bash -xec", ""),
    ("bash -c -e", ""),
    ("sh +e -c", ""),
    ("bash -fvahbCpBETm -c", ""),
    ("bash -O extglob -c", ""),
    ("bash --login -c", ""),
    ("bash -lc", ""),
    (
        "bash --noprofile --norc --posix --noediting --verbose -c",
        "",
    ),
    ("bash --rcfile f --init-file g -c", ""),
    ("sh -c --", ""),
    ("sh -c -", ""),
    // Words after it are its `$0`, `$1`, ...
    ("sh -c", "sh one two"),
];

/// Command lines with `app` as their script or program, and what is decided.
const COMMAND_LINES: &[(&str, Decided)] = &[
    ("env -u X sh -c app", hook("unknown-program")),
    ("zsh -c app", hook("unsupported-shell")),
    ("ksh -c app", hook("unsupported-shell")),
    ("ksh93 -c app", hook("unsupported-shell")),
    ("mksh -c app", hook("unsupported-shell")),
    ("lksh -c app", hook("unsupported-shell")),
    ("yash -c app", hook("unsupported-shell")),
    ("fish -c app", hook("unsupported-shell")),
    ("csh -c app", hook("unsupported-shell")),
    ("tcsh -c app", hook("unsupported-shell")),
    ("pwsh -c app", hook("unsupported-shell")),
    ("rbash -c app", hook("unsupported-shell")),
    ("sh -i -c app", hook("shell-option")),
    ("sh -s -c app", hook("shell-option")),
    ("sh -n -c app", hook("shell-option")),
    ("bash -r -c app", hook("shell-option")),
    ("bash -k -c app", hook("shell-option")),
    ("bash -t -c app", hook("shell-option")),
    ("bash -D -c app", hook("shell-option")),
    ("bash -Z -c app", hook("shell-option")),
    ("bash --restricted -c app", hook("shell-option")),
    ("bash --debugger -c app", hook("shell-option")),
    ("sh +c app", hook("shell-option")),
    ("sh -- -c app", hook("script-file")),
    ("sh /start.sh app", hook("script-file")),
    ("sh -e start.sh", hook("script-file")),
    ("sh -c", ("leave", "no-script")),
    ("sh -c -e", ("leave", "no-script")),
    ("sh", ("leave", "no-script")),
    ("bash -e", ("leave", "no-script")),
    ("busybox httpd -f", hook("unknown-program")),
    ("app -c app", hook("unknown-program")),
];

/// What `check` says of one container each, where softstop-init may be brought in: verdict and reason, and the words of
/// its patch.
fn decided(commands: &[Vec<String>]) -> Vec<(String, String, Option<Value>)> {
    let pod = |(index, command): (usize, &Vec<String>)| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("pod-{index}")},
            "spec": {"containers": [{"name": "main", "image": "example/app:1", "command": command}]}})
    };
    let list = json!({"apiVersion": "v1", "kind": "List", "items": commands.iter().enumerate().map(pod).collect::<Vec<_>>()});
    let args = [
        "check",
        "--format",
        "json",
        "--init-image",
        "example/softstop:1",
        "-",
    ];
    let run = run_with(Path::new("/"), &args, &list.to_string());
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let pods = report["pods"].as_array().expect("pods");
    assert_eq!(pods.len(), commands.len());
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let one = |pod: &Value| {
        let container = &pod["containers"][0];
        let mut edits = pod["patch"].as_array().expect("a patch").iter();
        let edit = edits.find(|op| text(&op["path"]).starts_with("/spec/containers/0/command/"));
        let value = edit.map(|op| op["value"].clone());
        (
            text(&container["verdict"]),
            text(&container["reason"]),
            value,
        )
    };
    pods.iter().map(one).collect()
}

fn shell(shell: &str, marked: &str) -> Vec<String> {
    [shell, "-c", &marked.replace('»', "")]
        .map(String::from)
        .to_vec()
}

#[track_caller]
fn all(rows: Vec<(Vec<String>, Decided, Option<String>)>) {
    let commands: Vec<_> = rows.iter().map(|(command, ..)| command.clone()).collect();
    for ((command, expected, edit), (verdict, reason, patch)) in
        rows.into_iter().zip(decided(&commands))
    {
        assert_eq!((verdict.as_str(), reason.as_str()), expected, "{command:?}");
        // softstop-init as PID 1 changes the words, too; the script is as it was.
        let edited = patch.filter(|_| verdict != "init");
        assert_eq!(edited, edit.map(Value::from), "{command:?}");
    }
}

#[test]
fn scripts_that_take_exec() {
    let mut rows = Vec::new();
    for marked in PROVEN {
        for name in ["sh", "dash", "/bin/bash"] {
            rows.push((
                shell(name, marked),
                EXEC,
                Some(marked.replace('»', "exec ")),
            ));
        }
    }
    for (marked, reason) in BASH_ONLY {
        rows.push((shell("sh", marked), hook(reason), None));
        rows.push((
            shell("bash", marked),
            EXEC,
            Some(marked.replace('»', "exec ")),
        ));
    }
    all(rows);
}

#[test]
fn scripts_that_take_none() {
    let rows = NOT_PROVEN.iter().flat_map(|(script, decided)| {
        ["sh", "bash"].map(|name| (shell(name, script), *decided, None))
    });
    all(rows.collect());
}

#[test]
fn command_lines() {
    let words = |line: &str| {
        line.split_whitespace()
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for (before, after) in WITH_SCRIPT {
        let command = [words(before), vec!["ok && app".to_owned()], words(after)].concat();
        rows.push((command, EXEC, Some("ok && exec app".to_owned())));
    }
    rows.extend(
        COMMAND_LINES
            .iter()
            .map(|(line, decided)| (words(line), *decided, None)),
    );
    all(rows);
}
