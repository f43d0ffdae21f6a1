//! Construct by construct: the rewritten script makes the program PID 1, which gets TERM once and exits by itself.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::bail;
use softstop_core::shell::{Dialect, Outcome, insert};

use super::pairs::{Verdict, compare};
use super::runner::{Program, Runner};
use super::shells::Shell;
use super::{in_parallel, read};

/// Scripts in every shell's grammar whose program is `app`, and that take exec.
const SCRIPTS: &[&str] = &[
    "app",
    "app x # run it",
    "app x;\n# done\n",
    "./local && \"app\" x",
    "'app'",
    "\\app",
    "ok && \\\napp x",
    "ok && \\\n  app \\\n  --flag\n",
    "FOO=bar app",
    "FOO=old; FOO=new app $FOO",
    "A=1 FOO=$A app",
    "FOO=$(ok) app",
    "PATH=$PATH:/opt app",
    "IFS=: app $x",
    "set -a; FOO=bar; app",
    "export FOO=b; app",
    ">out app x",
    "app <in >>out 2>&1",
    "2>err >|out app",
    "app 3>three 4<in 5>&3",
    "{ ok; app; } >out",
    "if ok; then app; fi 2>&1",
    "exec >out; app",
    "app <<E\nline $x\nE\n",
    "app <<'E'\nline $(\nE\n",
    "cat >cfg <<E && app\nline\nE\n",
    "cat >cfg <<-E\n\tline $(ok)\n\tE\napp",
    "ok && app",
    "fail || ok && app",
    "fail; app",
    "ok\nok\napp\n",
    "cd sub && app",
    "{ app; }",
    "{ ok; { app; }; }",
    "if fail; then ok; elif ok; then app; else ok; fi",
    "if ok; then app; else echo no; fi",
    "case $x in a) ok;; v*) app;; esac",
    "case $x in\n  (a|value)\n    ok\n    app\n    ;;\n  *) exit 1\nesac",
    "(cd sub && ok); app",
    "ok | cat; app",
    "for f in a b; do ok $f; done; app",
    "while fail; do ok; done; app",
    "f() { ok; }; f; f; app",
    "main() { app \"$@\"; }; main a 'b c'",
    "main() { ok; if ok; then app; fi; }; main >out",
    "run() { app; }; main() { run; }; main",
    "app; exit",
    "app; exit $?",
    "app\nexit \"$?\"\n",
    "app || exit $?",
    "ok && app || exit",
    "app; rc=$?; exit $rc",
    "ok && app\nrc=\"$?\"\nexit \"${rc}\"\n",
    "main() { app; rc=$?; exit ${rc}; }; main",
    "sh -c 'app x'",
    "sh -c \"ok; app\"",
    "exec sh -c 'ok; app'",
    "cd sub && sh -ec 'ok && app \"$@\"' name one \"$x\"",
    "FOO=new sh -c 'main() { app $FOO; }; main; exit $?' >out",
    "sh -c \"ok; sh -c 'ok; app'\"",
    "bash -c '[[ -n $x ]] && app &>out'",
    "if ok; then sh -c 'app'; else app2; fi",
    "set -e; ok; app",
    "set -eu; ok; app",
    "umask 077; app",
    "app $(fail 9) ${y:-d} $((1+2)) * ~ \"$1\" $$",
    "app `ok`",
    "$D/../bin/app",
    "\"$D/../bin/app\" x",
    "env FOO=b app",
    "nice -n 5 app",
    "nohup app",
    "stdbuf -oL app",
    "command app",
    ". ./venv/bin/activate && app",
    ". venv/bin/activate; app x",
    "set -e; cd sub; . ../venv/bin/activate\nexport A=b\nFOO=$A app \"$@\"\n",
    "[ -f in ] && . './venv/bin/activate'; if ok; then app; fi",
    "main() { app $FOO; }; . ./venv/bin/activate; main >out; exit $?",
    "ok; sh -c '. ./venv/bin/activate && app'",
];

/// The same, in the grammar of bash.
const BASH_SCRIPTS: &[&str] = &[
    "app &>out",
    "ok &>>out; app &>>out",
    "app >&out",
    ">& 'out x' app",
    "{ ok; app; } &> \"out $x\"",
    "[[ -f in && $x == v* ]] && app",
    "app <<<\"$x\"",
    "function main { app; }; main",
    "A=1; A+=2 app $'a\\tb' ${x^}",
    "ok |& cat; app",
    "source ./venv/bin/activate && app",
];

/// Runs every construct on every shell.
pub(super) fn run(shells: &[Shell], program: &Program) -> anyhow::Result<()> {
    let failures = AtomicUsize::new(0);
    let next = AtomicUsize::new(0);
    let rows: Vec<_> = SCRIPTS
        .iter()
        .map(|script| (script, false))
        .chain(BASH_SCRIPTS.iter().map(|script| (script, true)))
        .collect();
    in_parallel(program, |runner| {
        while let Some((script, bash)) = rows.get(next.fetch_add(1, Relaxed)) {
            for shell in shells {
                if *bash && shell.dialect != Dialect::Bash {
                    continue;
                }
                for problem in problems(runner, shell, script)? {
                    println!("{problem}");
                    failures.fetch_add(1, Relaxed);
                }
            }
        }
        Ok(())
    })?;
    let failures = failures.into_inner();
    println!(
        "prove-shell: {} constructs on {} shells: {failures} failures",
        rows.len(),
        shells.len()
    );
    if failures == 0 {
        Ok(())
    } else {
        bail!("{failures} failures")
    }
}

fn problems(runner: &Runner, shell: &Shell, script: &str) -> anyhow::Result<Vec<String>> {
    let Outcome::Exec(offsets) = read(script, shell.dialect).outcome else {
        return Ok(vec![format!("REFUSED  {}: {script:?}", shell.name)]);
    };
    let rewritten = insert(script, &offsets);
    let mut problems = Vec::new();
    if let Verdict::Differs(pair) = compare(runner, shell, script, &rewritten)? {
        let seen = pair.0.against(&pair.1);
        problems.push(format!("DIFFERS  {}: {script:?}\n{seen}", shell.name));
    }
    if let Some(problem) = stop(runner, shell, &rewritten)? {
        problems.push(format!("NO DRAIN {}: {rewritten:?}: {problem}", shell.name));
    }
    Ok(problems)
}

/// Starts a script, stops it as a kubelet would, and says what was not as it should be.
fn stop(runner: &Runner, shell: &Shell, script: &str) -> anyhow::Result<Option<String>> {
    let mut running = runner.start(shell, &[], script, true)?;
    let ready = runner.wait_for_log(|log| log.contains("ready"), Duration::from_secs(5));
    if !ready {
        running.kill()?;
        return Ok(Some("the program did not start".to_owned()));
    }
    let started = Instant::now();
    running.terminate()?;
    let status = running.wait(Duration::from_secs(3))?;
    let log = runner.log_text();
    let lines = |what: &str| log.lines().filter(|line| line.starts_with(what)).count();
    Ok(match status {
        None => Some(format!("killed after {:?}: {log:?}", started.elapsed())),
        Some(0) if lines("ready pid 1") == 1 && lines("term") == 1 => None,
        Some(status) => Some(format!("exit code {status}: {log:?}")),
    })
}
