//! Reviews, good ones and a flood of the largest.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use softstop_rig::{Connection, Webhook, review, samples};

use crate::cluster::NAMESPACES;

pub(crate) const CONNECTIONS: usize = 8;
pub(crate) const FLOODING: usize = 64;

/// What softstop reads at most.
const LARGEST: usize = 8 * 1024 * 1024;

/// What became of good reviews.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) reviews: usize,
    pub(crate) failed: usize,
    pub(crate) slowest: Duration,
}

/// Sends the pods of examples/ on a few connections without a pause.
pub(crate) async fn good(webhook: &Webhook, time: Duration) -> Answered {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let pods = samples(&examples).unwrap();
    let until = Instant::now() + time;
    let connections = (0..CONNECTIONS).map(async |connection| {
        let mut client = open(webhook).await;
        let mut answered = Answered::default();
        while Instant::now() < until {
            let index = answered.reviews * CONNECTIONS + connection;
            let pod = &pods[index % pods.len()].pod;
            let review = review(pod, &format!("team-{:05}", index % NAMESPACES));
            // One that is old enough was closed with the last answer.
            if !client.is_open().await {
                client = open(webhook).await;
            }
            let sent = Instant::now();
            answered.failed += usize::from(client.review(&review).await.is_err());
            answered.slowest = answered.slowest.max(sent.elapsed());
            answered.reviews += 1;
        }
        answered
    });
    let all = join_all(connections).await;
    all.into_iter()
        .fold(Answered::default(), |sum, one| Answered {
            reviews: sum.reviews + one.reviews,
            failed: sum.failed + one.failed,
            slowest: sum.slowest.max(one.slowest),
        })
}

/// Sends the largest bodies on many connections without a pause. Returns how many were answered, whatever the answer was.
pub(crate) async fn flood(webhook: &Webhook, time: Duration) -> usize {
    let bodies: Arc<[String]> = bodies().into();
    let until = Instant::now() + time;
    let connections = (0..FLOODING).map(async |connection| {
        let (mut sent, mut answered) = (connection, 0);
        let mut client = open(webhook).await;
        while Instant::now() < until {
            let body = bodies[sent % bodies.len()].clone();
            sent += 1;
            if client.post("/mutate?timeout=2s", body).await.is_ok() {
                answered += 1;
            }
            if !client.is_open().await {
                client = open(webhook).await;
            }
        }
        answered
    });
    join_all(connections).await.iter().sum()
}

async fn open(webhook: &Webhook) -> Connection {
    Connection::open(webhook.url(), webhook.ca()).await.unwrap()
}

/// One long text, as many containers as go in, the same as no pod ever was, and a pod as heavy as is planned.
fn bodies() -> [String; 6] {
    let text = json!("x".repeat(LARGEST - 2048));
    let many = |item: &str| {
        let items = (LARGEST - 2048) / item.len();
        format!("[{}null]", item.repeat(items - 1))
    };
    [
        body(&text.to_string(), "[]"),
        body(
            "null",
            &many(
                r#"{"name":"a","command":["sh","-c","exec gunicorn app:app | tee log"],"ports":[{"containerPort":80}]},"#,
            ),
        ),
        body(&many(r#"{"":0},"#), "[]"),
        body(&many("0,"), "[]"),
        body("null", &many("[],")),
        body("null", &containers(120)),
    ]
}

/// The review of a pod that asks for softstop, with text in it that is written as it is.
fn body(annotation: &str, containers: &str) -> String {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "flood",
        "annotations": {"softstop.dev/mode": "enforce", "text": "ANNOTATION"}}, "spec": {"containers": "CONTAINERS"}});
    review(&pod, "team-00000")
        .to_string()
        .replace("\"ANNOTATION\"", annotation)
        .replace("\"CONTAINERS\"", containers)
}

fn containers(count: usize) -> String {
    let env: Vec<Value> = (0..20)
        .map(|index| json!({"name": format!("NAME_{index}"), "value": "of something"}))
        .collect();
    let container = |index| json!({"name": format!("app-{index}"), "image": "app:1", "command": ["sh", "-c", "gunicorn app:app"], "env": env});
    (0..count).map(container).collect::<Value>().to_string()
}
