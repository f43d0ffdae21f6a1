//! The program itself, from its start to its end by signals.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::{AMPLE, Reply, connector, http1, pod, review};

/// A running `softstop webhook`, killed when the test is over.
struct Process {
    child: Child,
    https: SocketAddr,
    admin: SocketAddr,
    ca: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softstop"));
    command
        .arg("webhook")
        .env_clear()
        .env("SOFTSTOP_LISTEN", "127.0.0.1:0")
        .env("SOFTSTOP_ADMIN_ADDR", "127.0.0.1:0")
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

impl Process {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let (ports, ca) = (dir.join("ports"), dir.join("ca.crt"));
        let child = command()
            .arg("--dev")
            .args(["--dev-san", "softstop.softstop.svc"])
            .arg("--dev-ca-file")
            .arg(&ca)
            .arg("--port-file")
            .arg(&ports)
            .args(args)
            .spawn()
            .expect("to start");
        let started = Instant::now();
        let lines = loop {
            match std::fs::read_to_string(&ports) {
                Ok(lines) if lines.ends_with('\n') => break lines,
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
            assert!(started.elapsed() < AMPLE, "it does not start");
        };
        let addr = |name| {
            lines
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|addr| addr.parse().ok())
        };
        let (https, admin) = (
            addr("https=").expect("https"),
            addr("admin=").expect("admin"),
        );
        Self {
            child,
            https,
            admin,
            ca: std::fs::read_to_string(ca).expect("the CA bundle"),
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .expect("kill")
                .success()
        );
    }

    async fn review(&self) -> Reply {
        let stream = TcpStream::connect(self.https).await.expect("a connection");
        // The name under which the API server would call.
        let name = ServerName::try_from("softstop.softstop.svc").expect("a name");
        let mut stream = connector(&self.ca, &["http/1.1"])
            .connect(name, stream)
            .await
            .expect("a handshake");
        stream
            .write_all(&http1(&review(&pod())))
            .await
            .expect("to write");
        Reply::read(&mut stream).await.expect("an answer")
    }

    async fn ready(&self) -> u16 {
        let mut stream = TcpStream::connect(self.admin).await.expect("a connection");
        stream
            .write_all(b"GET /ready HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .expect("to write");
        Reply::read(&mut stream).await.expect("an answer").status
    }

    /// Waits for the end: exit status and log.
    fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .expect("piped")
            .read_to_string(&mut log)
            .expect("UTF-8");
        (self.child.wait().expect("the end").code(), log)
    }
}

#[tokio::test]
async fn sigterm_ends_it_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(
        dir.path(),
        &["--shutdown-delay", "2s", "--log-format", "json"],
    );
    assert_eq!(process.ready().await, 200);
    assert_eq!(process.review().await.status, 200);

    let started = Instant::now();
    process.signal("TERM");
    while process.ready().await == 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let reply = process.review().await;
    assert_eq!(
        (reply.status, reply.headers["connection"].as_str()),
        (200, "close")
    );
    let (status, log) = process.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    let messages: Vec<_> = log
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect(line)["message"].to_string()
        })
        .collect();
    for message in ["listening", "reviewed", "stopping", "stopped"] {
        assert!(
            messages.iter().any(|found| found.contains(message)),
            "{message}: {log}"
        );
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_now() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &["--shutdown-delay", "1h"]);
    process.signal("TERM");
    while process.ready().await == 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    process.signal("INT");
    let (status, log) = process.end();
    assert_eq!(status, Some(2), "{log}");
    assert!(log.contains("second signal"), "{log}");
}

#[test]
fn it_does_not_start_with_what_it_does_not_understand() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let policy = file(
        "policy.yaml",
        "apiVersion: softstop.dev/v1alpha1\nkind: ShutdownPolicy\nmetadata: {name: a}\nspec: {mod: off}\n",
    );
    let text = file("tls.crt", "not PEM");
    let policy_error = format!("{policy}:4:8: spec.mod: there is no such field");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (args, message) in [
        (&[][..], "give --tls-cert and --tls-key"),
        (&["--tls-cert", &text][..], "--tls-key"),
        (
            &["--tls-cert", &text, "--tls-key", &text],
            "holds no certificate in PEM form",
        ),
        (
            &["--tls-cert", &text, "--tls-key", &text, "--dev"],
            "can come from one place only",
        ),
        (&["--dev-san", "a"], "--dev"),
        (&["--dev", "--policy-file", &policy], &policy_error),
        (
            &["--dev", "--policy-file", "/nonexistent"],
            "cannot read /nonexistent",
        ),
        (
            &["--dev", "--namespace-file", &policy],
            "this is no Namespace",
        ),
        (
            &["--dev", "--facts-file", &policy],
            "these are no image facts",
        ),
        (&["--dev", "--shutdown-delay", "soon"], "accepted: seconds"),
        (&["--dev", "--listen", &taken], "cannot listen on"),
    ] {
        let output = command().args(args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(message), "{args:?}: {error}");
    }
}
