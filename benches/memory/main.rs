//! How much memory `softstop webhook --cluster` takes: with many namespaces and policies, at rest, under load, and while all
//! of them change; and under a flood of the largest bodies. On a real kube-apiserver; the figures are the kernel's.
//!
//! `cargo xtask bench memory` runs this and writes what it prints to docs/benchmarks-memory.md.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot go on ends"
)]

mod cluster;
mod load;

use std::env;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use softstop_rig::{Assets, Rig, Webhook};

use cluster::{NAMESPACES, POLICIES, change, client, fill};
use load::{CONNECTIONS, FLOODING, flood, good};

const LOAD: Duration = Duration::from_secs(20);

/// In MiB, under load and under the flood.
const BOUNDS: [f64; 2] = [32.0, 64.0];

#[tokio::main]
async fn main() -> ExitCode {
    let rig = Rig::start(&Assets::find_or_build().unwrap()).unwrap();
    let client = client(&rig).await;
    let empty = start(&rig, "empty");
    settle(&empty, 0).await;
    let base = resident(&empty);
    drop(empty);

    fill(&client).await;
    let webhook = start(&rig, "full");
    settle(&webhook, NAMESPACES).await;
    let rest = resident(&webhook);
    let load = good(&webhook, LOAD).await;
    let loaded = resident(&webhook);
    let (changed, more) = tokio::join!(change(&client), good(&webhook, LOAD));
    let (after, peak) = (resident(&webhook), peak(&webhook));
    forget_peak(&webhook);
    let (beside, flooded) = tokio::join!(good(&webhook, LOAD), flood(&webhook, LOAD));
    let flood_peak = self::peak(&webhook);
    let (end, idle) = (resident(&webhook), idle(&webhook).await);

    let failed = load.failed + more.failed + beside.failed;
    let holds = [peak, flood_peak]
        .iter()
        .zip(BOUNDS)
        .all(|(peak, bound)| *peak <= bound)
        && failed == 0;
    let verdict = |peak: f64, bound: f64| {
        if peak <= bound {
            format!("**{peak:.1}** (bound {bound}: holds)")
        } else {
            format!("**{peak:.1}** (bound {bound}: does **not** hold)")
        }
    };
    let page = format!(
        "# Memory\n\n\
         Written by `cargo xtask bench memory`: {}, a real kube-apiserver, {NAMESPACES} namespaces with 5 labels and 4 \
         annotations each (1 of them softstop's), {POLICIES} policies, {CONNECTIONS} connections that send reviews of the pods of \
         examples/ without a pause, on {} processors that everything shares. Resident set as the kernel has it.\n\n\
         | when | MiB |\n|---|---|\n\
         | started, nothing to know | {base:.1} |\n\
         | everything listed, status of every policy written | {rest:.1} |\n\
         | after {seconds} s under load ({} reviews) | {loaded:.1} |\n\
         | after every namespace was changed under load ({changed:.0} s, {} reviews) | {after:.1} |\n\
         | the most at any time until then | {} |\n\
         | the most during {seconds} s of flood and the same load | {} |\n\
         | afterwards | {end:.1} |\n\n\
         The flood: {FLOODING} connections that send bodies of 8 MiB without a pause (one long text, a hundred thousand containers, a million empty \
         objects or lists, four million numbers) and the heaviest pods that softstop plans; {flooded} of them were answered. Beside it, \
         {} reviews of the examples were answered, the slowest after {:.2} s. Good reviews that failed, of all of these: **{failed}**.\n\n\
         Processor time at rest, with all of this known: {idle:.2} % of one processor.\n",
        program().1,
        std::thread::available_parallelism().map_or(0, usize::from),
        load.reviews,
        more.reviews,
        verdict(peak, BOUNDS[0]),
        verdict(flood_peak, BOUNDS[1]),
        beside.reviews,
        beside.slowest.as_secs_f64(),
        seconds = LOAD.as_secs(),
    );
    print!("{page}");
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What is measured, and what it is.
fn program() -> (String, &'static str) {
    match env::args().find_map(|arg| arg.strip_prefix("--program=").map(str::to_owned)) {
        Some(program) => (program, "the program of the image"),
        None if cfg!(debug_assertions) => (
            env!("CARGO_BIN_EXE_softstop").to_owned(),
            "a **debug** build",
        ),
        None => (env!("CARGO_BIN_EXE_softstop").to_owned(), "a release build"),
    }
}

fn start(rig: &Rig, name: &str) -> Webhook {
    let mut command = Command::new(program().0);
    command.env("KUBECONFIG", rig.kubeconfig());
    Webhook::start_command(command, &rig.dir().join(name), ["--cluster"]).unwrap()
}

/// Waits until everything is known, and every status is written.
async fn settle(webhook: &Webhook, namespaces: usize) {
    let policies = if namespaces == 0 { 0 } else { POLICIES };
    let figure = |metrics: &str, name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |line| line.trim().parse::<usize>().unwrap())
    };
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let metrics = webhook.admin("/metrics").unwrap();
        let known = figure(
            &metrics,
            "softstop_watched_objects{resource=\"namespaces\"}",
        );
        let written = figure(
            &metrics,
            "softstop_policy_status_writes_total{result=\"written\"}",
        );
        if webhook.admin("/ready").unwrap() == "ready\n"
            && known >= namespaces
            && written >= policies
        {
            return;
        }
    }
}

/// In MiB.
fn resident(webhook: &Webhook) -> f64 {
    memory(webhook, "VmRSS")
}

/// The most since the start, or since it was forgotten.
fn peak(webhook: &Webhook) -> f64 {
    memory(webhook, "VmHWM")
}

fn forget_peak(webhook: &Webhook) {
    fs::write(format!("/proc/{}/clear_refs", webhook.id()), "5").unwrap();
}

/// How much of a processor it takes while nobody asks it anything.
async fn idle(webhook: &Webhook) -> f64 {
    const TIME: Duration = Duration::from_secs(10);
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", webhook.id())).unwrap();
        // After the name, which is in brackets: the 12th and the 13th.
        let fields: Vec<_> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
    };
    // What was begun comes to its end.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = ticks();
    tokio::time::sleep(TIME).await;
    // A hundred ticks are a second.
    (ticks() - before) / TIME.as_secs_f64()
}

fn memory(webhook: &Webhook, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", webhook.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .unwrap();
    let kib: f64 = line
        .trim_matches([':', ' ', '\t'])
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .unwrap();
    kib / 1024.0
}
