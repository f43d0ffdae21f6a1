//! `softstop webhook`, running, and how the API server is told of it.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{Chart, DEADLINE, Process};

/// A `softstop webhook --dev` process on free loopback ports, with a certificate of its own making. Dropping it kills it.
#[derive(Debug)]
pub struct Webhook {
    process: Process,
    url: String,
    admin_url: String,
    ca: String,
}

impl Webhook {
    /// Starts `program` with `args` added, its files in `dir` (one webhook each), and waits until it listens.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        dir: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Self> {
        Self::start_command(Command::new(program), dir, args)
    }

    /// The same for a command that has an environment of its own.
    pub fn start_command<A: AsRef<OsStr>>(
        mut command: Command,
        dir: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let (ca_file, port_file) = (dir.join("ca.pem"), dir.join("ports"));
        command
            .args([
                "webhook",
                "--dev",
                "--listen",
                "127.0.0.1:0",
                "--admin-addr",
                "127.0.0.1:0",
            ])
            .arg("--dev-ca-file")
            .arg(&ca_file)
            .arg("--port-file")
            .arg(&port_file)
            .args(args);
        let mut process = Process::start("softstop webhook", command, &dir.join("webhook.log"))?;
        let deadline = Instant::now() + DEADLINE;
        let (https, admin) = loop {
            process.check_alive()?;
            if let Some(addresses) = fs::read_to_string(&port_file)
                .ok()
                .as_deref()
                .and_then(addresses)
            {
                break addresses;
            }
            if Instant::now() > deadline {
                bail!(
                    "softstop webhook does not listen after {DEADLINE:?}:\n{}",
                    process.log_tail()
                );
            }
            thread::sleep(Duration::from_millis(10));
        };
        // It was written before the sockets were bound.
        let ca = fs::read_to_string(&ca_file)
            .with_context(|| format!("cannot read {}", ca_file.display()))?;
        Ok(Self {
            process,
            url: format!("https://{https}"),
            admin_url: format!("http://{admin}"),
            ca,
        })
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `http://127.0.0.1:PORT`, for `/live`, `/ready` and `/metrics`.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// `GET` on the admin port: the body, whatever the status is.
    pub fn admin(&self, path: &str) -> anyhow::Result<String> {
        let addr = self.admin_url.trim_start_matches("http://");
        let mut stream =
            TcpStream::connect(addr).with_context(|| format!("cannot connect to {addr}"))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"
        )
        .context("cannot send a request")?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .context("cannot read the answer")?;
        let (_, body) = answer
            .split_once("\r\n\r\n")
            .context("the answer has no body")?;
        Ok(body.to_owned())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The CA that signed its certificate, PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// What it wrote.
    pub fn log_tail(&self) -> String {
        self.process.log_tail()
    }

    /// Sends SIGTERM and waits for its end.
    pub fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        self.process.terminate()?;
        self.process.wait()
    }
}

/// The lines `https=ADDR` and `admin=ADDR`, once both are written.
fn addresses(text: &str) -> Option<(String, String)> {
    let mut lines = text.strip_suffix('\n')?.lines();
    let mut next = |key: &str| Some(lines.next()?.strip_prefix(key)?.to_owned());
    Some((next("https=")?, next("admin=")?))
}

/// The configuration of `deploy/softstop.yaml`, for a webhook by URL in place of a Service.
pub fn configuration(name: &str, url: &str, ca: &str) -> anyhow::Result<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/softstop.yaml");
    by_url(
        crate::documents(&file)?,
        "MutatingWebhookConfiguration",
        (name, url, ca),
    )
}

/// The validating one, which only the chart has, likewise.
pub fn validating_configuration(name: &str, url: &str, ca: &str) -> anyhow::Result<Value> {
    let objects = Chart::find()?.objects(&["--set", "validation.enabled=true"])?;
    by_url(objects, "ValidatingWebhookConfiguration", (name, url, ca))
}

fn by_url(
    objects: Vec<Value>,
    kind: &str,
    (name, url, ca): (&str, &str, &str),
) -> anyhow::Result<Value> {
    let mut configuration = objects
        .into_iter()
        .find(|object| object["kind"] == kind)
        .with_context(|| format!("there is no {kind}"))?;
    configuration["metadata"]["name"] = name.into();
    let client = &mut configuration["webhooks"][0]["clientConfig"];
    let path = client["service"]["path"]
        .as_str()
        .context("the configuration has no service path")?;
    *client = serde_json::json!({ "url": format!("{url}{path}"), "caBundle": base64(ca) });
    Ok(configuration)
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_file_counts_once_it_is_whole() {
        let whole = "https=127.0.0.1:1\nadmin=127.0.0.1:2\n";
        assert_eq!(
            addresses(whole),
            Some(("127.0.0.1:1".into(), "127.0.0.1:2".into()))
        );
        for end in 0..whole.len() {
            assert_eq!(addresses(&whole[..end]), None, "{:?}", &whole[..end]);
        }
    }

    #[test]
    fn the_configuration_names_a_url() {
        let configuration = configuration("test", "https://127.0.0.1:1", "CA").unwrap();
        let webhook = &configuration["webhooks"][0];
        assert_eq!(webhook["clientConfig"]["url"], "https://127.0.0.1:1/mutate");
        assert_eq!(webhook["clientConfig"]["caBundle"], "Q0E=");
        assert_eq!(webhook["failurePolicy"], "Ignore");
    }
}
