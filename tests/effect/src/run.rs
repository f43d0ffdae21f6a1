//! One run: pods start, work, are deleted; what was lost is counted.

use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use softstop_rig::Node;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::journal::{Journal, Notes};
use crate::load::{self, Sent};
use crate::manifest;
use crate::outcome::Outcome;
use crate::pods::{Namespace, Pod};
use crate::row::{End, Mode, Protocol, Row, Work};

/// Load before the deletion, so that requests are under way.
const WARM_UP: Duration = Duration::from_secs(2);

/// How long clients that bypass the Service, as external load balancers do, go on sending to a pod after its deletion.
const LAGS: [Duration; 2] = [Duration::from_millis(1500), Duration::from_secs(4)];

/// Tasks in the queue: more than two workers do within the grace period, so that one that does not hear the signal is killed at work.
const TASKS: u32 = 24;

/// A queue in which nothing has moved for so long is stuck.
const QUIET: Duration = Duration::from_secs(15);

/// A run never takes longer than the longest grace period, and this.
const PATIENCE: Duration = Duration::from_secs(120);

/// Everything that a run needs.
pub(crate) struct Site<'n> {
    pub(crate) node: &'n Node,
    pub(crate) runtime: &'n Runtime,
}

impl Site<'_> {
    /// Starts the row's pods, and ends one of them (or all) at work.
    pub(crate) fn run(&self, row: &Row, mode: Mode, number: u32) -> anyhow::Result<Outcome> {
        let journal =
            TempDir::with_prefix_in("journal-", self.node.dir()).context("cannot make a folder")?;
        // Pods of any user write into it.
        open_to_all(journal.path())?;
        let objects = manifest::objects(row, mode, number, journal.path());
        let namespace = Namespace::create(self.node, &objects)?;
        if !namespace.is_up()? {
            return Ok(dead());
        }
        match row.server.work {
            Work::Requests(protocol) => self.requests(row, protocol, &namespace, journal.path()),
            Work::Tasks(module) => tasks(module, row, &namespace, journal.path()),
            Work::Jobs(_) => jobs(row, &namespace, journal.path()),
        }
    }

    fn requests(
        &self,
        row: &Row,
        protocol: Protocol,
        namespace: &Namespace<'_>,
        journal: &Path,
    ) -> anyhow::Result<Outcome> {
        let service = namespace.service("app", 8000)?;
        let victim = victim(namespace)?;
        let answers = self.runtime.spawn(load::answers(service, protocol));
        if !self
            .runtime
            .block_on(answers)
            .context("a request panicked")?
        {
            return Ok(dead());
        }
        let deleted = Arc::new(OnceLock::new());
        let gone = Arc::new(OnceLock::new());
        let since = |moment: &Arc<OnceLock<Instant>>, lag: Duration| {
            let moment = Arc::clone(moment);
            move |now: Instant| moment.get().is_some_and(|&then| now > then + lag)
        };
        let mut streams = vec![self.runtime.spawn(load::stream(
            service,
            protocol,
            since(&gone, Duration::from_secs(1)),
        ))];
        if row.end == End::Deleted {
            let direct =
                LAGS.map(|lag| load::stream(victim.address, protocol, since(&deleted, lag)));
            streams.extend(direct.map(|stream| self.runtime.spawn(stream)));
        }
        thread::sleep(WARM_UP);

        let follow = namespace.follow(&victim.name)?;
        let begin = *deleted.get_or_init(Instant::now);
        match row.end {
            End::Deleted => namespace.delete(&victim.name)?,
            End::RollingUpdate => namespace.restart()?,
        }
        let mut outcome = ended(follow.end()?, begin);
        gone.get_or_init(Instant::now);
        for stream in streams {
            let sent = self
                .runtime
                .block_on(stream)
                .context("a stream of requests panicked")?;
            count(&mut outcome, &sent, begin);
        }
        let notes = Journal::read(journal)?;
        noted(&mut outcome, row, &notes, &victim.name);
        Ok(outcome)
    }
}

fn count(outcome: &mut Outcome, sent: &[Sent], deleted: Instant) {
    for request in sent {
        outcome.begun += 1;
        match (request.served, request.at < deleted) {
            (true, _) => {}
            (false, true) => outcome.in_flight += 1,
            (false, false) => outcome.late += 1,
        }
    }
}

fn tasks(
    module: &str,
    row: &Row,
    namespace: &Namespace<'_>,
    journal: &Path,
) -> anyhow::Result<Outcome> {
    let enqueue =
        format!("import {module}\nfor number in range({TASKS}): {module}.enqueue(number, 1.5)");
    namespace.wait_ready("redis")?;
    namespace.exec("redis", &["python3", "-c", &enqueue])?;
    let old = namespace.pods()?;
    let victim = busy(&old, journal)?;
    let follow = namespace.follow(&victim.name)?;
    let begin = Instant::now();
    match row.end {
        End::Deleted => namespace.delete(&victim.name)?,
        End::RollingUpdate => namespace.restart()?,
    }
    let mut outcome = ended(follow.end()?, begin);

    let notes = settled(journal)?;
    let done = notes.done();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    outcome.begun = TASKS;
    outcome.duplicated = done.values().map(|times| times - 1).sum();
    outcome.interrupted = notes.pods.values().map(Notes::interrupted).sum();
    let started = |id: &String| notes.pods.values().any(|notes| notes.started.contains(id));
    let never = (0..TASKS)
        .map(|number| number.to_string())
        .filter(|id| !started(id));
    outcome.stuck = count(never.count());
    noted(&mut outcome, row, &notes, &victim.name);
    Ok(outcome)
}

fn jobs(row: &Row, namespace: &Namespace<'_>, journal: &Path) -> anyhow::Result<Outcome> {
    let pods = namespace.pods()?;
    let Ok(victim) = busy(&pods, journal) else {
        return Ok(dead());
    };
    let follow = namespace.follow(&victim.name)?;
    let begin = Instant::now();
    namespace.delete(&victim.name)?;
    let mut outcome = ended(follow.end()?, begin);
    let journal = Journal::read(journal)?;
    let notes = journal
        .pods
        .get(&victim.name)
        .context("the pod wrote nothing down")?;
    outcome.begun = u32::try_from(notes.started.len()).unwrap_or(u32::MAX);
    outcome.interrupted = notes.interrupted();
    noted(&mut outcome, row, &journal, &victim.name);
    Ok(outcome)
}

/// What the program says of its own end.
fn noted(outcome: &mut Outcome, row: &Row, journal: &Journal, pod: &str) {
    outcome.cleaned = journal.cleaned(pod, row.server.cleans).map(u32::from);
    let notes = journal.pods.get(pod).into_iter();
    for name in notes.flat_map(|notes| &notes.signals) {
        *outcome.signals.entry(name.clone()).or_default() += 1;
    }
}

/// The pod that will be deleted.
fn victim(namespace: &Namespace<'_>) -> anyhow::Result<Pod> {
    namespace
        .pods()?
        .into_iter()
        .next()
        .context("there is no pod")
}

/// A pod that has just begun a piece of work.
fn busy<'p>(pods: &'p [Pod], journal: &Path) -> anyhow::Result<&'p Pod> {
    let deadline = Instant::now() + PATIENCE / 2;
    let mut before = Journal::read(journal)?;
    while Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
        let now = Journal::read(journal)?;
        let begun = |pod: &&Pod| {
            let (Some(now), before) = (now.pods.get(&pod.name), before.pods.get(&pod.name)) else {
                return false;
            };
            now.is_busy() && now.started.len() > before.map_or(0, |notes| notes.started.len())
        };
        if let Some(pod) = pods.iter().find(begun) {
            return Ok(pod);
        }
        before = now;
    }
    bail!("no pod began any work");
}

/// The notes, once all tasks are done or nothing moves any more.
fn settled(journal: &Path) -> anyhow::Result<Journal> {
    let deadline = Instant::now() + PATIENCE;
    let mut moved = Instant::now();
    let mut lines = 0;
    loop {
        let notes = Journal::read(journal)?;
        let all = notes.pods.values();
        let now: usize = all
            .map(|notes| notes.started.len() + notes.ended.len())
            .sum();
        if now > lines {
            (lines, moved) = (now, Instant::now());
        }
        let whole = notes.done().len() == TASKS as usize;
        if whole || moved.elapsed() > QUIET || Instant::now() > deadline {
            return Ok(notes);
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn ended(exit: Option<i32>, begin: Instant) -> Outcome {
    Outcome {
        runs: 1,
        exits: exit.map(|code| (code, 1)).into_iter().collect(),
        took: vec![u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)],
        ..Outcome::default()
    }
}

fn dead() -> Outcome {
    Outcome {
        runs: 1,
        dead: 1,
        ..Outcome::default()
    }
}

fn open_to_all(dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o777))
        .with_context(|| format!("cannot open {} to all users", dir.display()))
}
