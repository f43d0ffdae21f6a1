//! etcd and kube-apiserver, running.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value, json};
use tempfile::{NamedTempFile, TempDir};

use crate::process::Guard;
use crate::{Assets, Process, free_port, pki};

/// How long a server may take to become ready. It takes one second on an idle machine.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A running API server with nothing behind it: no controllers, no scheduler, no node. Dropping it stops it.
#[derive(Debug)]
pub struct Rig {
    // In the order in which they are dropped.
    apiserver: Process,
    etcd: Process,
    sweeper: Guard,
    dir: TempDir,
    assets: Assets,
    etcd_url: String,
    port: u16,
    url: String,
}

impl Rig {
    /// Starts the servers on free loopback ports and waits until they are ready.
    pub fn start(assets: &Assets) -> anyhow::Result<Self> {
        let dir =
            TempDir::with_prefix("softstop-rig-").context("cannot make a temporary folder")?;
        // The servers have been killed by their own guards by then.
        let sweeper = Guard::new(
            "sleep 1; rm -rf -- \"$1\"",
            &[&dir.path().display().to_string()],
        )?;
        let (etcd, etcd_url) = start_etcd(assets, dir.path())?;
        let port = free_port()?;
        let url = format!("https://127.0.0.1:{port}");
        pki::write_server_files(dir.path(), &url, &[])?;
        let apiserver = start_apiserver(assets, dir.path(), &etcd_url, port)?;
        let mut rig = Self {
            apiserver,
            etcd,
            sweeper,
            dir,
            assets: assets.clone(),
            etcd_url,
            port,
            url,
        };
        rig.wait_ready()?;
        Ok(rig)
    }

    /// The API server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A kubeconfig for a member of `system:masters`.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// What the audit log says of the creation (no dry run) of the pod of that name, under keys such as `pods.softstop.dev/verdicts`.
    ///
    /// The log is written a little later than the answer, and does not know names that are made up by `generateName`.
    pub fn audit_annotations(
        &self,
        namespace: &str,
        pod: &str,
    ) -> anyhow::Result<Map<String, Value>> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let log = fs::read_to_string(self.dir.path().join("audit.log")).unwrap_or_default();
            let events = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let about = |event: &Value| {
                let target = &event["objectRef"];
                let dry_run = event["requestURI"]
                    .as_str()
                    .is_some_and(|uri| uri.contains("dryRun="));
                target["namespace"] == namespace && target["name"] == pod && !dry_run
            };
            if let Some(mut event) = events.into_iter().find(about) {
                return Ok(event["annotations"]
                    .as_object_mut()
                    .map(std::mem::take)
                    .unwrap_or_default());
            }
            if Instant::now() > deadline {
                bail!("the audit log has no word of the pod {namespace}/{pod}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A folder that ends with the rig.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `kubectl ARGS...`, whatever comes of it.
    pub fn kubectl<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Output> {
        Command::new(&self.assets.kubectl)
            .args(args)
            .env("KUBECONFIG", self.kubeconfig())
            .output()
            .with_context(|| format!("cannot run {}", self.assets.kubectl.display()))
    }

    /// The programs' folder first on `PATH`, and `KUBECONFIG` set.
    pub fn environment(&self, command: &mut Command) -> anyhow::Result<()> {
        let tools = self
            .assets
            .kubectl
            .parent()
            .context("kubectl is in no folder")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path)),
        )
        .context("cannot add a folder to PATH")?;
        command
            .env("PATH", path)
            .env("KUBECONFIG", self.kubeconfig());
        Ok(())
    }

    /// Makes a namespace that pods can be created in: with the service account that admission gives each of them, which a controller
    /// makes elsewhere.
    pub fn create_namespace(&self, manifest: &Value) -> anyhow::Result<()> {
        let name = manifest["metadata"]["name"]
            .as_str()
            .context("the namespace has no name")?;
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": name}});
        self.create(manifest)?;
        self.create(&account)
    }

    /// `kubectl create` of one object.
    pub fn create(&self, manifest: &Value) -> anyhow::Result<()> {
        let file = NamedTempFile::new_in(self.dir.path()).context("cannot make a file")?;
        serde_json::to_writer(&file, manifest)
            .with_context(|| format!("cannot write {}", file.path().display()))?;
        let output = self.kubectl([
            OsStr::new("create"),
            OsStr::new("-f"),
            file.path().as_os_str(),
        ])?;
        if !output.status.success() {
            bail!(
                "kubectl create failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// Kills the API server, which would take a minute to say goodbye to its watches, and starts it again, on the same port and the same data; waits until it is ready.
    pub fn restart_apiserver(&mut self) -> anyhow::Result<()> {
        self.apiserver.kill()?;
        self.apiserver = start_apiserver(&self.assets, self.dir.path(), &self.etcd_url, self.port)?;
        self.wait_ready()
    }

    /// Lets the servers outlive this process. [`Detached::stop`] stops them.
    pub fn detach(self) -> Detached {
        let kubeconfig = self.kubeconfig();
        let Self {
            apiserver,
            etcd,
            sweeper,
            dir,
            ..
        } = self;
        drop(sweeper);
        Detached {
            processes: vec![apiserver.detach(), etcd.detach()],
            dir: dir.keep(),
            kubeconfig,
        }
    }

    fn wait_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.etcd.check_alive()?;
            self.apiserver.check_alive()?;
            if self.kubectl(["get", "--raw=/readyz"])?.status.success() {
                break;
            }
            if Instant::now() > deadline {
                bail!(
                    "kube-apiserver is not ready after {DEADLINE:?}:\n{}",
                    self.apiserver.log_tail()
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
        // Ready comes a little before the namespace "default" and its neighbours are there.
        while !self
            .kubectl(["get", "namespace", "default"])?
            .status
            .success()
        {
            if Instant::now() > deadline {
                bail!("kube-apiserver has not made the namespace \"default\" within {DEADLINE:?}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn start_etcd(assets: &Assets, dir: &Path) -> anyhow::Result<(Process, String)> {
    let url = format!("http://127.0.0.1:{}", free_port()?);
    let mut command = Command::new(&assets.etcd);
    command
        .arg(format!("--data-dir={}", dir.join("etcd").display()))
        .arg(format!("--listen-client-urls={url}"))
        .arg(format!("--advertise-client-urls={url}"))
        .arg("--listen-peer-urls=http://127.0.0.1:0")
        // Nothing here has to survive a power cut.
        .arg("--unsafe-no-fsync=true");
    Ok((Process::start("etcd", command, &dir.join("etcd.log"))?, url))
}

fn start_apiserver(
    assets: &Assets,
    dir: &Path,
    etcd_url: &str,
    port: u16,
) -> anyhow::Result<Process> {
    let mut command = Command::new(&assets.apiserver);
    command
        .args(apiserver_flags(
            dir,
            etcd_url,
            &format!("https://127.0.0.1:{port}"),
            port,
        ))
        .args(["--bind-address=127.0.0.1", "--authorization-mode=RBAC"]);
    Process::start("kube-apiserver", command, &dir.join("apiserver.log"))
}

/// What every API server of ours is told, its files in `dir` as [`pki::write_server_files`] leaves them.
pub(crate) fn apiserver_flags(dir: &Path, etcd_url: &str, url: &str, port: u16) -> Vec<String> {
    let file = |name: &str| dir.join(name).display().to_string();
    let flags = [
        ("etcd-servers", etcd_url.to_owned()),
        ("secure-port", port.to_string()),
        ("tls-cert-file", file("apiserver.crt")),
        ("tls-private-key-file", file("apiserver.key")),
        ("client-ca-file", file("client-ca.crt")),
        ("service-account-issuer", format!("{url}/")),
        ("service-account-key-file", file("service-account.crt")),
        (
            "service-account-signing-key-file",
            file("service-account.key"),
        ),
        ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
        ("allow-privileged", "true".to_owned()),
        ("audit-policy-file", file("audit-policy.json")),
        ("audit-log-path", file("audit.log")),
    ];
    flags
        .into_iter()
        .map(|(flag, value)| format!("--{flag}={value}"))
        .collect()
}

/// A rig that this process has let go, as a file can keep it.
#[derive(Debug)]
pub struct Detached {
    /// Process ids.
    pub processes: Vec<u32>,
    /// Its folder.
    pub dir: PathBuf,
    /// For kubectl.
    pub kubeconfig: PathBuf,
}

impl Detached {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({"processes": self.processes, "dir": self.dir, "kubeconfig": self.kubeconfig})
    }

    /// Back from JSON.
    pub fn from_json(value: &Value) -> anyhow::Result<Self> {
        let path = |key: &str| {
            value[key]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("no \"{key}\" in the rig's state"))
        };
        let processes = value["processes"]
            .as_array()
            .context("no \"processes\" in the rig's state")?;
        Ok(Self {
            processes: processes
                .iter()
                .filter_map(Value::as_u64)
                .filter_map(|id| u32::try_from(id).ok())
                .collect(),
            dir: path("dir")?,
            kubeconfig: path("kubeconfig")?,
        })
    }

    /// Whether any of its servers runs.
    pub fn is_running(&self) -> bool {
        self.processes.iter().any(|&id| self.owns(id))
    }

    /// Kills the servers and removes the folder.
    pub fn stop(&self) -> anyhow::Result<()> {
        for &id in self.processes.iter().filter(|&&id| self.owns(id)) {
            let pid = i32::try_from(id)
                .ok()
                .and_then(Pid::from_raw)
                .context("not a process id")?;
            kill_process(pid, Signal::KILL)
                .with_context(|| format!("cannot kill the rig's process {id}"))?;
        }
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.dir.display()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the process with this id is ours still: ids are reused, but nobody else has our folder in the command line.
    fn owns(&self, id: u32) -> bool {
        let dir = self.dir.as_os_str().as_encoded_bytes();
        fs::read(format!("/proc/{id}/cmdline"))
            .is_ok_and(|line| line.windows(dir.len()).any(|window| window == dir))
    }
}
