//! `cargo xtask bench init`: softstop-init beside the inits of the distribution, on the same machine, in the same run.
//!
//! Needs root (PID namespaces), util-linux, dash, bash and busybox. An init that is not installed is left out.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

const OTHERS: [&str; 5] = ["tini-static", "tini", "tini -g", "dumb-init", "catatonit"];
const SHELLS: [&str; 3] = ["dash", "bash", "busybox sh"];
/// The same table that the tests of softstop-init use.
const SHAPES: &str = include_str!("../../crates/init/tests/shapes.txt");
const STARTS: usize = 400;
const GRACE: Duration = Duration::from_secs(3);

/// Measures, and writes `docs/benchmarks-init.md`.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = &crate::root()?;
    cargo(root, &["build-init", "--quiet"])?;
    cargo(
        root,
        &[
            "build",
            "--quiet",
            "--package",
            "softstop-init",
            "--example",
            "drainer",
        ],
    )?;
    let bench = Bench {
        own: root.join("target/tiny/softstop-init"),
        drainer: root.join("target/debug/examples/drainer"),
        scratch: root.join("target/bench-init"),
    };
    let page = bench.page()?;
    print!("{page}");
    crate::write("docs/benchmarks-init.md", &page)
}

fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

struct Bench {
    own: PathBuf,
    drainer: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    fn page(&self) -> anyhow::Result<String> {
        let own = self.own.display().to_string();
        let others = OTHERS
            .iter()
            .filter(|init| find(init).is_some())
            .map(|init| (*init, (*init).to_owned()));
        let inits: Vec<(&str, String)> = std::iter::once(("**softstop-init**", own))
            .chain(others)
            .collect();
        let mut page = String::from(HEAD);
        for (title, init) in &inits {
            eprintln!("measuring {init}");
            let (right, all) = self.graceful(Some(init))?;
            writeln!(
                page,
                "| {title} | {:.1} KiB | {} KiB | {:+.2} ms | {} | {right}/{all} |",
                self.size(init)?,
                self.resident(init)?,
                self.start(init)?,
                self.wakeups(init)?,
            )?;
        }
        let (right, all) = self.graceful(None)?;
        writeln!(page, "| no init | | | | | {right}/{all} |")?;
        page += TAIL;
        Ok(page)
    }

    #[allow(clippy::cast_precision_loss, reason = "files are small")]
    fn size(&self, init: &str) -> anyhow::Result<f64> {
        let path = if init.starts_with('/') {
            self.own.clone()
        } else {
            find(init).context("not installed")?
        };
        Ok(fs::metadata(path)?.len() as f64 / 1024.0)
    }

    fn idle(&self, init: &str) -> anyhow::Result<Child> {
        let mut words = init.split(' ');
        let mut command = Command::new(words.next().context("no program")?);
        command
            .args(words)
            .arg("--")
            .arg(&self.own)
            .args(["sleep", "6"]);
        let child = command
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {init}"))?;
        sleep(Duration::from_millis(500));
        Ok(child)
    }

    /// Resident memory while the child sleeps, in KiB.
    fn resident(&self, init: &str) -> anyhow::Result<String> {
        let mut child = self.idle(init)?;
        let maps = fs::read_to_string(format!("/proc/{}/smaps_rollup", child.id()))?;
        let line = maps
            .lines()
            .find_map(|line| line.strip_prefix("Rss:"))
            .context("no Rss")?;
        child.kill()?;
        child.wait()?;
        Ok(line.trim().trim_end_matches(" kB").to_owned())
    }

    /// How often it wakes up in three idle seconds.
    fn wakeups(&self, init: &str) -> anyhow::Result<u64> {
        let mut child = self.idle(init)?;
        let switches = || -> anyhow::Result<u64> {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            Ok(line.context("no switches")?.trim().parse()?)
        };
        let before = switches()?;
        sleep(Duration::from_secs(3));
        let count = switches()? - before;
        child.kill()?;
        child.wait()?;
        Ok(count)
    }

    /// Milliseconds from start to end of the smallest program there is, more than without the init: the median of pairs.
    fn start(&self, init: &str) -> anyhow::Result<f64> {
        let mut differences = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            let mut words = init.split(' ');
            let mut command = Command::new(words.next().context("no program")?);
            command
                .args(words)
                .arg("--")
                .arg(&self.own)
                .args(["sleep", "0"])
                .stderr(Stdio::null());
            let with = time(&mut command)?;
            differences.push(with - time(Command::new(&self.own).args(["sleep", "0"]))?);
        }
        differences.sort_by(f64::total_cmp);
        differences
            .get(STARTS / 2)
            .copied()
            .context("nothing measured")
    }

    /// In how many script shapes and shells every program finishes its work and is told to stop once; and of how many.
    fn graceful(&self, init: Option<&str>) -> anyhow::Result<(usize, usize)> {
        let shapes = SHAPES
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut fields = line.splitn(4, '|').map(str::trim);
                Some((fields.next()?.parse::<usize>().ok()?, fields.nth(2)?))
            });
        let cases: Vec<_> = shapes
            .filter(|(programs, _)| *programs > 0)
            .flat_map(|shape| SHELLS.iter().map(move |shell| (shape, *shell)))
            .collect();
        let right = thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|worker| {
                    let mine = cases.iter().skip(worker).step_by(4);
                    scope.spawn(move || -> anyhow::Result<usize> {
                        let mut right = 0;
                        for ((programs, script), shell) in mine {
                            right +=
                                usize::from(self.shape(init, shell, script, *programs, worker)?);
                        }
                        Ok(right)
                    })
                })
                .collect();
            let results = workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|_| Ok(0)));
            results.sum::<anyhow::Result<usize>>()
        })?;
        Ok((right, cases.len()))
    }

    fn shape(
        &self,
        init: Option<&str>,
        shell: &str,
        script: &str,
        programs: usize,
        worker: usize,
    ) -> anyhow::Result<bool> {
        let directory = self.scratch.join(worker.to_string());
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory)?;
        for name in ["app", "app2"] {
            std::os::unix::fs::symlink(&self.drainer, directory.join(name))?;
        }
        let log = directory.join("log");
        File::create(&log)?;
        let mut command = Command::new("unshare");
        command.args([
            "--pid",
            "--mount",
            "--mount-proc",
            "--fork",
            "--kill-child",
            "setsid",
        ]);
        if let Some(init) = init {
            command.args(init.split(' ')).arg("--");
        }
        command
            .args(shell.split(' '))
            .args(["-c", script])
            .current_dir(&directory);
        let path = std::env::var("PATH").context("PATH is not set")?;
        command.env("PATH", format!("{}:{path}", directory.display()));
        command
            .env("DRAINER_LOG", &log)
            .env("DRAINER_ARGS", "drain=300");
        let null = File::options().read(true).write(true).open("/dev/null")?;
        let mut runtime = command
            .stdin(null)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("unshare")?;
        let result = stop(&mut runtime, &log, programs);
        let _ = runtime.kill(); // --kill-child takes PID 1 along
        runtime.wait()?;
        result
    }
}

/// Stops the container when its programs run; whether all of them finished, told once each.
fn stop(runtime: &mut Child, log: &Path, programs: usize) -> anyhow::Result<bool> {
    let count = |what: &str| -> anyhow::Result<usize> {
        Ok(fs::read_to_string(log)?.matches(what).count())
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while count("start")? < programs {
        ensure!(Instant::now() < deadline, "the programs did not start");
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(60));
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", runtime.id()))?;
    let first = children.split_whitespace().next().context("no PID 1")?;
    ensure!(
        Command::new("kill")
            .args(["-TERM", first])
            .status()?
            .success(),
        "cannot signal PID 1"
    );
    let end = Instant::now() + GRACE;
    while runtime.try_wait()?.is_none() && Instant::now() < end {
        sleep(Duration::from_millis(5));
    }
    Ok(count("graceful")? == programs && count("signal")? == programs)
}

fn time(command: &mut Command) -> anyhow::Result<f64> {
    let begun = Instant::now();
    command.status().context("cannot start a program")?;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

fn find(init: &str) -> Option<PathBuf> {
    let name = init.split(' ').next()?;
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|file| file.exists())
}

const HEAD: &str = "\
# softstop-init, measured

By `cargo xtask bench init`, beside the inits of the distribution, on the same machine, in the same run.

| init | size | resident | start | wake-ups in 3 s | graceful scripts |
|---|---|---|---|---|---|
";

const TAIL: &str = "
- *size*: of the file; shared libraries come on top where it is not static (tini, dumb-init, catatonit).
- *resident*: `Rss` of `smaps_rollup` while the program sleeps.
- *start*: what the init adds to starting and ending the smallest program there is; the median of 400 pairs.
- *graceful scripts*: script shapes (`crates/init/tests/shapes.txt`) x dash, bash and busybox as the command of a
  container; SIGTERM to PID 1, SIGKILL 3 s later. Counted are those in which every program finished its 0.3 s of work
  and was told to stop exactly once.
";
