//! How much memory `softstop webhook --cluster` takes: with many namespaces and policies, at rest, under load, and while all
//! of them change. On a real kube-apiserver; the figures are the kernel's.
//!
//! `cargo xtask bench memory` runs this and writes docs/benchmarks-memory.md.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot go on ends"
)]

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use http::Request;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use softstop_rig::{Assets, Connection, Rig, Webhook, review, samples};

const NAMESPACES: usize = 10_000;
const POLICIES: usize = 1_000;
const CONNECTIONS: usize = 8;
const LOAD: Duration = Duration::from_secs(20);
const BOUND: f64 = 32.0;

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
    let (reviews, load) = load(&webhook).await;
    let (change, (more, _)) = tokio::join!(change(&client), load_for(&webhook, LOAD));
    let after = resident(&webhook);
    let peak = memory(&webhook, "VmHWM");

    let holds = peak <= BOUND;
    let page = format!(
        "# Memory\n\n\
         Written by `cargo xtask bench memory`: {} build, a real kube-apiserver, {NAMESPACES} namespaces with 5 labels and 4 \
         annotations each (1 of them softstop's), {POLICIES} policies, {CONNECTIONS} connections that send reviews of the pods of \
         examples/ without a pause. Resident set as the kernel has it, in MiB.\n\n\
         | when | MiB |\n|---|---|\n\
         | started, nothing to know | {base:.1} |\n\
         | everything listed, status of every policy written | {rest:.1} |\n\
         | after {} s under load ({reviews} reviews) | {load:.1} |\n\
         | after every namespace was changed under load ({change:.0} s, {more} reviews) | {after:.1} |\n\
         | the most at any time; bound <= {BOUND} | **{peak:.1}** {} |\n",
        if cfg!(debug_assertions) {
            "**debug**"
        } else {
            "release"
        },
        LOAD.as_secs(),
        if holds {
            "(holds)"
        } else {
            "(does **not** hold)"
        },
    );
    println!("{page}");
    if let Some(file) = env::args().find_map(|arg| arg.strip_prefix("--write=").map(str::to_owned))
    {
        fs::write(file, page).expect("the page can be written");
    }
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn client(rig: &Rig) -> Client {
    let kubeconfig = Kubeconfig::read_from(rig.kubeconfig()).unwrap();
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.unwrap()).unwrap()
}

fn start(rig: &Rig, name: &str) -> Webhook {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softstop"));
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

fn namespace(index: usize, round: usize) -> Value {
    let name = format!("team-{index:05}");
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": name,
        "labels": {"team": format!("team-{}", index % POLICIES), "stage": "production", "region": "eu-central-1",
            "app.kubernetes.io/managed-by": "platform", "round": round.to_string()},
        "annotations": {"softstop.dev/drain-delay": "5", "owner": format!("{name}@example.com"),
            "description": "What the team of this namespace does, in a sentence as people write them.",
            "cost-center": format!("{index}")},
    }})
}

fn policy(index: usize) -> Value {
    json!({"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy", "metadata": {"name": format!("policy-{index:04}")},
        "spec": {"mode": "enforce", "priority": index, "namespaceSelector": {"matchLabels": {"team": format!("team-{index}")}},
            "podSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["batch", "test"]}]},
            "drainDelay": "10s", "drainTime": "1m", "bounds": {"gracePeriod": {"min": 30, "max": "10m"}, "drainDelay": {"max": "30s"}},
            "locked": ["mode", "drainDelay"], "violations": "Warn"}})
}

async fn fill(client: &Client) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let definition = fs::read_to_string(root.join("deploy/chart/files/crd.yaml")).unwrap();
    let definition: Value = serde_saphyr::from_str(&definition).unwrap();
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    send(client, Request::post(path), "json", &definition)
        .await
        .unwrap();
    let policies = "/apis/softstop.dev/v1alpha1/shutdownpolicies";
    while client
        .request_text(Request::get(policies).body(vec![]).unwrap())
        .await
        .is_err()
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let namespaces = (0..NAMESPACES).map(|index| ("/api/v1/namespaces", namespace(index, 0)));
    let all = namespaces.chain((0..POLICIES).map(|index| (policies, policy(index))));
    stream::iter(all)
        .for_each_concurrent(16, async |(path, object)| {
            send(client, Request::post(path), "json", &object)
                .await
                .unwrap();
        })
        .await;
}

/// Seconds until every namespace has another label.
async fn change(client: &Client) -> f64 {
    let started = Instant::now();
    stream::iter(0..NAMESPACES)
        .for_each_concurrent(16, async |index| {
            let path = format!("/api/v1/namespaces/team-{index:05}");
            send(
                client,
                Request::patch(path),
                "merge-patch+json",
                &namespace(index, 1),
            )
            .await
            .unwrap();
        })
        .await;
    started.elapsed().as_secs_f64()
}

async fn send(
    client: &Client,
    request: http::request::Builder,
    kind: &str,
    body: &Value,
) -> kube::Result<String> {
    let request = request.header("Content-Type", format!("application/{kind}"));
    client
        .request_text(request.body(body.to_string().into_bytes()).unwrap())
        .await
}

/// Reviews answered, and the resident set at the end.
async fn load(webhook: &Webhook) -> (usize, f64) {
    load_for(webhook, LOAD).await
}

async fn load_for(webhook: &Webhook, time: Duration) -> (usize, f64) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let pods = samples(&examples).unwrap();
    let until = Instant::now() + time;
    let answered = join_all((0..CONNECTIONS).map(async |connection| {
        let mut client = Connection::open(webhook.url(), webhook.ca()).await.unwrap();
        let mut answered = 0;
        while Instant::now() < until {
            let index = answered * CONNECTIONS + connection;
            let pod = &pods[index % pods.len()].pod;
            let namespace = format!("team-{:05}", index % NAMESPACES);
            // A connection that is old enough is closed with an answer.
            if client.review(&review(pod, &namespace)).await.is_err() {
                client = Connection::open(webhook.url(), webhook.ca()).await.unwrap();
                continue;
            }
            answered += 1;
        }
        answered
    }))
    .await;
    (answered.iter().sum(), resident(webhook))
}
