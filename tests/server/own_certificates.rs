//! Certificates of softstop's own making, where there is no API server: the flags, and a start in the dark.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::AMPLE;

const OWN: [&str; 4] = [
    "--ca-secret=softstop-ca",
    "--service=softstop",
    "--namespace=softstop-system",
    "--webhook-configuration=softstop",
];

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softstop"));
    command
        .args([
            "webhook",
            "--listen=127.0.0.1:0",
            "--admin-addr=127.0.0.1:0",
        ])
        .args(args)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

#[test]
fn exactly_one_source_is_accepted() {
    let [secret, service, namespace, configuration] = OWN;
    for (args, message) in [
        (&[][..], "the API server speaks only TLS: give --tls-cert"),
        (&["--dev", secret], "can come from one place only"),
        (
            &["--dev", "--tls-cert=a", "--tls-key=b"],
            "can come from one place only",
        ),
        (
            &["--tls-cert=a", "--tls-key=b", secret, service],
            "can come from one place only",
        ),
        (&["--tls-cert=a"], "--tls-cert is given without --tls-key"),
        (&["--tls-key=a"], "--tls-key is given without --tls-cert"),
        (
            &[service, namespace, configuration],
            "--ca-secret is missing",
        ),
        (&[secret, namespace, configuration], "--service is missing"),
        (&[secret, service, configuration], "--namespace is missing"),
        (
            &[secret, service, namespace],
            "--webhook-configuration is missing",
        ),
        (
            &[secret, "--service=a.b", namespace, configuration],
            "--service is \"a.b\", which is no name",
        ),
        (
            &[secret, service, "--namespace=", configuration],
            "--namespace is \"\", which is no name",
        ),
        // No KUBECONFIG, no service account.
        (
            &OWN[..],
            "cannot tell which API server to ask: give KUBECONFIG",
        ),
    ] {
        let output = command(args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(message), "{args:?}: {error}");
    }
    // The same by variables.
    let output = command(&["--dev"])
        .env("SOFTSTOP_CA_SECRET", "x")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("can come from one place only"));
}

#[test]
fn without_an_api_server_it_waits_unready() {
    let dir = tempfile::tempdir().unwrap();
    let kubeconfig = dir.path().join("kubeconfig");
    // Nothing listens on port 1.
    let config = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}"#;
    fs::write(&kubeconfig, config).unwrap();
    let ports = dir.path().join("ports");
    let port_file = format!("--port-file={}", ports.display());
    let args = [&OWN[..], &[&port_file, "--shutdown-delay=0"]].concat();
    let mut child = Killed(
        command(&args)
            .env("KUBECONFIG", &kubeconfig)
            .spawn()
            .unwrap(),
    );
    let started = Instant::now();
    let lines = loop {
        match fs::read_to_string(&ports) {
            Ok(lines) if lines.lines().count() == 2 => break lines,
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
        assert!(started.elapsed() < AMPLE, "it does not start");
    };
    let admin = lines
        .lines()
        .find_map(|line| line.strip_prefix("admin="))
        .unwrap();
    // Long enough for several tries.
    let looked = Instant::now();
    while looked.elapsed() < Duration::from_secs(2) {
        assert_eq!(status(admin, "/ready"), "503");
        assert_eq!(status(admin, "/live"), "200");
        std::thread::sleep(Duration::from_millis(100));
    }
    let pid = child.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let ended = child.0.wait().unwrap();
    let mut log = String::new();
    child
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(ended.success(), "{ended}: {log}");
    assert!(
        log.contains("not ready yet") && log.contains("Secret softstop-system/softstop-ca"),
        "{log}"
    );
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn status(admin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer[9..12].to_owned()
}
