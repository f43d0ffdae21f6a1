//! What a pod on the node can do.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use crate::fixture::{PATIENCE, namespace, node, pod};

const REQUEST: &[u8] = b"GET /index.html HTTP/1.0\r\n\r\n";

#[test]
fn a_pod_runs_and_ends() {
    let (node, space) = (node(), "runs");
    namespace(node, space);
    // PID 1 without a handler: SIGTERM is ignored, SIGKILL follows at the end of the grace.
    let script = "echo here; sleep 600; true";
    node.apply(&pod(space, "shell", &["sh", "-c", script], 3))
        .unwrap();
    node.wait_ready(space, "shell", PATIENCE).unwrap();
    assert_eq!(node.logs(space, "shell").unwrap(), "here\n");
    assert_eq!(node.exec(space, "shell", &["echo", "in"]).unwrap(), "in\n");

    let deleted = Instant::now();
    node.kubectl_ok(["delete", "pod", "shell", "-n", space, "--wait=false"])
        .unwrap();
    node.wait_gone(space, "shell", PATIENCE).unwrap();
    assert!(
        deleted.elapsed() >= Duration::from_secs(3),
        "{:?}",
        deleted.elapsed()
    );
}

#[test]
fn a_pod_can_be_reached_by_its_address_and_by_its_service() {
    let (node, space) = (node(), "reached");
    namespace(node, space);
    let script = "echo hello >/index.html; exec httpd -f -p 8080 -h /";
    node.apply(&pod(space, "web", &["sh", "-c", script], 1))
        .unwrap();
    node.apply(&json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": space},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }))
    .unwrap();
    let pod_address = node.wait_ready(space, "web", PATIENCE).unwrap()["status"]["podIP"].clone();
    let service = node.get("service", space, "web").unwrap().unwrap();
    let address =
        |ip: &serde_json::Value, port| SocketAddr::new(ip.as_str().unwrap().parse().unwrap(), port);
    let pod_address = address(&pod_address, 8080);
    let service = address(&service["spec"]["clusterIP"], 80);

    let fetch = |address| -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.write_all(REQUEST)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let deadline = Instant::now() + PATIENCE;
    for address in [pod_address, service] {
        let answer = loop {
            match node.inside(|| fetch(address)).unwrap() {
                Ok(answer) => break answer,
                // kube-proxy learns of an endpoint a moment after the pod is ready.
                Err(error) => assert!(Instant::now() < deadline, "{address}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(answer.ends_with("hello\n"), "{answer}");
    }
    // From another pod, through the Service.
    let url = format!("http://{service}/index.html");
    let script = format!("until wget -q -O - {url}; do sleep 0.1; done; sleep 600");
    node.apply(&pod(space, "client", &["sh", "-c", &script], 1))
        .unwrap();
    node.wait_ready(space, "client", PATIENCE).unwrap();
    while node.logs(space, "client").unwrap() != "hello\n" {
        assert!(Instant::now() < deadline, "no answer for the other pod");
        std::thread::sleep(Duration::from_millis(100));
    }

    // A load generator: a runtime in the node's network.
    let runtime = node.runtime(2).unwrap();
    let clients: Vec<_> = (0..8).map(|_| runtime.spawn(ask_often(service))).collect();
    let answers = node.inside(|| runtime.block_on(join_all(clients))).unwrap();
    assert_eq!(answers.concat(), vec!["hello\n"; 8 * 25]);
}

/// 25 requests on a connection each.
async fn ask_often(address: SocketAddr) -> Vec<String> {
    let mut answers = Vec::new();
    for _ in 0..25 {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        answers.push(body.to_owned());
    }
    answers
}

async fn join_all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}
