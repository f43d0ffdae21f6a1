//! The results as a page.

use std::fmt::Write as _;
use std::time::Duration;

use crate::load::Failure;
use crate::scenario::{Outcome, PER_SECOND, Promise, Scenario};

/// How long it may take from `helm install` to the first changed pod.
pub const INSTALLED: Duration = Duration::from_secs(30);

/// `docs/availability.md`.
pub fn page(installed: Duration, outcomes: &[(&Scenario, Outcome)]) -> String {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    // The last quarter of an hour.
    let load = load.split(' ').nth(2).unwrap_or("unknown");
    let mut page = format!(
        "# Does softstop ever stand in the way?

What becomes of pod creations while softstop, or something around it, fails. Written by `cargo xtask availability`: a Kubernetes node of the
test rig (`tests/rig`: etcd, API server, controllers, kubelet, containerd 2), softstop installed by its chart with three replicas, a client
that creates {PER_SECOND} pods each second all the while, without waiting for the one before. Each pod asks softstop for a change.

From `helm install` to the first changed pod: {:.1} s (goal: {} s). Besides, the machine ({processors} processors) was busy with other things: load {load}.

| what happens | failurePolicy | pods | refused because of softstop | API server not ready | API server not there | admitted unchanged | slowest | restarts | |
|---|---|---|---|---|---|---|---|---|---|
",
        installed.as_secs_f32(),
        INSTALLED.as_secs(),
    );
    for (scenario, outcome) in outcomes {
        let creations = &outcome.creations;
        let _ = writeln!(
            page,
            "| {} | {} | {} in {} s | {} | {} | {} | {} | {:.2} s | {} | {} |",
            scenario.what,
            scenario.failure_policy,
            creations.tried,
            creations.time.as_secs(),
            spread(times(&creations.refused)),
            spread(times(&creations.unready)),
            spread(times(&creations.unreachable)),
            spread(creations.unchanged.iter().copied()),
            creations.slowest.as_secs_f32(),
            outcome.restarts,
            [promised(scenario.promise), &outcome.seen].join(" "),
        );
    }
    page += "
\"Refused because of softstop\": the API server says that the webhook failed, or nothing else explains it. \"Not ready\": the API server answers that it, or etcd, cannot
take requests. \"Not there\": the connection to the API server itself is refused or breaks; such a creation fails with and without softstop. A number of seconds in brackets is
the time between the first and the last. \"Restarts\": of softstop's containers.

What softstop costs when nothing fails is in [benchmarks-latency.md](benchmarks-latency.md).
";
    page
}

fn times(failures: &[Failure]) -> impl Iterator<Item = Duration> {
    failures.iter().map(|failure| failure.at)
}

fn promised(promise: Promise) -> &'static str {
    match promise {
        Promise::AllChanged => "All must be changed.",
        Promise::AllAdmitted => "All must be admitted.",
        Promise::NoneRefused => "None must be refused for softstop's sake.",
        Promise::RefusedBriefly => "None must be refused for longer than 1 s.",
        Promise::Nothing => "No promise: this is the price of `Fail`.",
    }
}

fn spread(times: impl Iterator<Item = Duration>) -> String {
    let times: Vec<_> = times.collect();
    match (times.iter().min(), times.iter().max()) {
        (Some(first), Some(last)) => {
            format!(
                "{} ({:.1} s)",
                times.len(),
                last.saturating_sub(*first).as_secs_f32()
            )
        }
        _ => "0".to_owned(),
    }
}
