//! Reviews per second over TLS, against a server of the same stack that does nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::json;
use softstop_rig::{Connection, Process, Webhook, review, samples, serve};
use tokio::runtime::{Builder, Runtime};

use crate::measure::{Figure, Spread, figure};

/// The argument that makes this program the server that does nothing.
pub(crate) const NOOP: &str = "--serve-noop";

/// Connections that are kept alive, as an API server's.
const CONNECTIONS: usize = 8;

/// How often each server is asked in turn, and for how long.
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(1);

pub(crate) fn figures() -> Vec<Figure> {
    let dir = tempfile::tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let namespaces = format!(
        "--namespace-file={}",
        examples.join("namespace.yaml").display()
    );
    // Neither of them writes a line for each request.
    let webhook = Webhook::start(
        Path::new(env!("CARGO_BIN_EXE_softstop")),
        dir.path(),
        [namespaces, "--log=warn".to_owned()],
    )
    .unwrap();
    let (noop, _process) = start_noop(dir.path());
    let pods = samples(&examples).unwrap();
    let pod = &pods
        .iter()
        .find(|sample| sample.file.ends_with("django-gunicorn-migrate.yaml"))
        .expect("an example")
        .pod;
    let body = Bytes::from(review(pod, "705ab4f5-6393-11e8-b7cc-42010a800002").to_string());

    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let softstop = Server::connect(&runtime, webhook.url(), webhook.ca());
    let noop = Server::connect(&runtime, &noop.0, &noop.1);
    let (mut rates, mut ratios) = (Vec::new(), Vec::new());
    let (mut softstop, mut noop) = (softstop, noop);
    for round in 0..=ROUNDS {
        let (base, rate) = (noop.load(&runtime, &body), softstop.load(&runtime, &body));
        // The first one warms up.
        if round > 0 {
            rates.push(rate);
            ratios.push(rate / base);
        }
    }
    vec![
        figure(
            "reviews per second over TLS, 8 connections, client on the same cores",
            Spread::of(rates),
            (1.0, ""),
            "",
            |_| true,
        ),
        figure(
            "the same, against a server of the same stack that does nothing",
            Spread::of(ratios),
            (1.0, "x"),
            ">= 0.8 x",
            |r| r >= 0.8,
        ),
    ]
}

struct Server(Vec<Connection>);

impl Server {
    fn connect(runtime: &Runtime, url: &str, ca: &str) -> Self {
        let open = async {
            let mut connections = Vec::new();
            for _ in 0..CONNECTIONS {
                connections.push(Connection::open(url, ca).await.unwrap());
            }
            connections
        };
        Self(runtime.block_on(open))
    }

    /// Answers per second, each connection asking again as soon as it is answered.
    fn load(&mut self, runtime: &Runtime, body: &Bytes) -> f64 {
        let start = Instant::now();
        let tasks: Vec<_> = self
            .0
            .drain(..)
            .map(|mut connection| {
                let body = body.clone();
                runtime.spawn(async move {
                    let mut answers = 0_u32;
                    while start.elapsed() < ROUND {
                        let (status, answer) = connection
                            .post("/mutate?timeout=2s", body.clone())
                            .await
                            .unwrap();
                        assert!(status.is_success() && !answer.is_empty());
                        answers += 1;
                    }
                    (connection, answers)
                })
            })
            .collect();
        let mut answers = 0;
        for task in tasks {
            let (connection, more) = runtime.block_on(task).unwrap();
            self.0.push(connection);
            answers += more;
        }
        f64::from(answers) / start.elapsed().as_secs_f64()
    }
}

/// This program again; its address is in the log that it writes.
fn start_noop(dir: &Path) -> ((String, String), Process) {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.arg(NOOP).arg(dir);
    let mut process = Process::start(
        "the server that does nothing",
        command,
        &dir.join("noop.log"),
    )
    .unwrap();
    let file = dir.join("noop.json");
    loop {
        process.check_alive().unwrap();
        if let Some(address) = std::fs::read(&file)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
        {
            return (address, process);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Reads the whole request, and answers what allows any pod.
pub(crate) fn serve_noop() {
    let dir = std::env::args().next_back().expect("a folder");
    let answer = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "allowed": true}});
    let answer = Bytes::from(answer.to_string());
    let router = Router::new().route(
        "/mutate",
        post(async move |body: Bytes| {
            std::hint::black_box(body.len());
            answer
        }),
    );
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = serve(router).await.unwrap();
        std::fs::write(
            Path::new(&dir).join("noop.json"),
            serde_json::to_vec(&address).unwrap(),
        )
        .unwrap();
        std::future::pending::<()>().await;
    });
}
