//! A whole Kubernetes node, running.

mod components;
mod detached;
mod network;
mod pods;
mod sandbox;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;

use crate::{DEADLINE, Image, NodeAssets, Process};
use components::{NAME, PAUSE, Starter, prepend_path};
pub use detached::DetachedNode;
pub use pods::{is_ready, processes};
use sandbox::{Sandbox, only_child};

/// A cluster of one node, with everything that runs pods, in namespaces of its own: its pods and Services can be reached from in
/// there only, and several nodes do not meet. Dropping it ends it with all of its pods.
///
/// No name server: Services are found by their address, or by the variables that the kubelet sets. No image registry: [`Node::import`].
#[derive(Debug)]
pub struct Node {
    // Dropped first: it ends all the others at once.
    sandbox: Sandbox,
    components: Vec<Process>,
    assets: NodeAssets,
}

impl Node {
    /// Starts it and waits until it takes pods: about six seconds.
    pub fn start(assets: &NodeAssets) -> anyhow::Result<Self> {
        let mut node = Self {
            sandbox: Sandbox::new()?,
            components: Vec::new(),
            assets: assets.clone(),
        };
        let pause = Image::new(PAUSE)
            .program(&assets.pause, "/pause")?
            .entrypoint(["/pause"]);
        node.starter().credentials()?;
        node.components.push(node.starter().etcd()?);
        node.components.push(node.starter().apiserver()?);
        node.components.push(node.starter().containerd()?);
        node.wait("the API server", |node| {
            Ok(node.kubectl(["get", "--raw=/readyz"])?.status.success())
        })?;
        node.components.push(node.starter().controller_manager()?);
        node.components.push(node.starter().scheduler()?);
        node.components.push(node.starter().proxy()?);
        node.wait("containerd", |node| {
            Ok(node.ctr(["version"])?.status.success())
        })?;
        node.import(&pause)?;
        node.components.push(node.starter().kubelet()?);
        node.wait("the node", |node| {
            let path = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
            let state = node.kubectl(["get", "node", NAME, "-o", path])?;
            // Pods are refused before their service account is there.
            let account = ["get", "serviceaccount", "default"];
            Ok(state.stdout == b"True" && node.kubectl(account)?.status.success())
        })?;
        Ok(node)
    }

    /// Its name, which its folder and its cgroups also have.
    pub fn name(&self) -> String {
        self.sandbox.name()
    }

    /// A folder that ends with the node; its logs are there.
    pub fn dir(&self) -> &Path {
        self.sandbox.dir()
    }

    /// The API server's address, in the node's network.
    pub fn url(&self) -> String {
        components::url()
    }

    /// A kubeconfig for a member of `system:masters`.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir().join("kubeconfig")
    }

    /// A command in the node's network, with kubectl and helm on `PATH` and `KUBECONFIG` set.
    pub fn command(&self, program: impl AsRef<OsStr>) -> anyhow::Result<Command> {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.sandbox.pid()))
            .arg("--")
            .arg(program)
            .env("KUBECONFIG", self.kubeconfig());
        prepend_path(&mut command, [&self.assets.kube, &self.assets.helm])?;
        Ok(command)
    }

    /// `kubectl ARGS...`, whatever comes of it.
    pub fn kubectl<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Output> {
        self.command("kubectl")?
            .args(args)
            .output()
            .context("cannot run kubectl")
    }

    /// `kubectl ARGS...`, which must succeed. Returns what it wrote.
    pub fn kubectl_ok<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<String> {
        let args: Vec<_> = args
            .into_iter()
            .map(|arg| arg.as_ref().to_owned())
            .collect();
        succeeded(&format!("kubectl {args:?}"), &self.kubectl(&args)?)
    }

    /// `kubectl apply` of one object, or a list of them.
    pub fn apply(&self, manifest: &Value) -> anyhow::Result<()> {
        let file = NamedTempFile::new_in(self.dir()).context("cannot make a file")?;
        serde_json::to_writer(&file, manifest)
            .with_context(|| format!("cannot write {}", file.path().display()))?;
        let path = file.path().as_os_str();
        self.kubectl_ok([OsStr::new("apply"), OsStr::new("-f"), path])?;
        Ok(())
    }

    /// Gives the node an image; pods that name it need `imagePullPolicy: Never` or `IfNotPresent`.
    pub fn import(&self, image: &Image) -> anyhow::Result<()> {
        let archive = self.dir().join("image.tar");
        image.write(&archive)?;
        self.import_archive(&archive)?;
        fs::remove_file(&archive).with_context(|| format!("cannot remove {}", archive.display()))
    }

    /// Gives the node the images of an OCI archive.
    pub fn import_archive(&self, archive: &Path) -> anyhow::Result<()> {
        // It is opened in the node.
        let path = std::path::absolute(archive).context("there is no current folder")?;
        let output = self.ctr([OsStr::new("images"), OsStr::new("import"), path.as_os_str()])?;
        succeeded(&format!("the import of {}", archive.display()), &output).map(drop)
    }

    /// Runs `job` on a thread in the node's network: it can reach pods, Services and the API server.
    pub fn inside<T: Send>(&self, job: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
        network::inside(self.sandbox.network(), job)
    }

    /// A runtime in the node's network. Its threads only are in there: what [`Runtime::block_on`] itself runs is not, what is spawned is.
    pub fn runtime(&self, threads: usize) -> anyhow::Result<Runtime> {
        network::runtime(self.sandbox.network(), threads)
    }

    /// Sends a signal to a component: "etcd", "kubelet", ...
    pub fn signal(&self, component: &str, signal: Signal) -> anyhow::Result<()> {
        let found = self.components.iter().find(|one| one.name() == component);
        let process = found.with_context(|| format!("the node has no {component}"))?;
        // What was started is nsenter, which started the component.
        let pid = only_child(process.id())?;
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        kill_process(pid.context("not a process id")?, signal)
            .with_context(|| format!("cannot send a signal to {component}"))
    }

    /// Kills the API server and starts it again. Returns when it is ready. (SIGTERM would take it a minute, as long as anything watches.)
    pub fn restart_apiserver(&mut self) -> anyhow::Result<()> {
        self.signal("kube-apiserver", Signal::KILL)?;
        let starter = Starter {
            assets: &self.assets,
            sandbox: &self.sandbox,
        };
        let mut components = self.components.iter_mut();
        let server = components.find(|one| one.name() == "kube-apiserver");
        let server = server.context("the node has no API server")?;
        server.wait()?;
        *server = starter.apiserver()?;
        self.wait("the API server", |node| {
            Ok(node.kubectl(["get", "--raw=/readyz"])?.status.success())
        })
    }

    /// Lets the node outlive this process. [`DetachedNode::stop`] ends it.
    pub fn detach(self) -> DetachedNode {
        let pid = self.sandbox.pid();
        for component in self.components {
            component.detach();
        }
        DetachedNode {
            dir: self.sandbox.detach(),
            pid,
            path: [self.assets.kube, self.assets.helm],
            ctr: self.assets.containerd.join("ctr"),
        }
    }

    fn starter(&self) -> Starter<'_> {
        Starter {
            assets: &self.assets,
            sandbox: &self.sandbox,
        }
    }

    /// Asks until the answer is yes, while all components live.
    fn wait(
        &mut self,
        what: &str,
        ready: impl Fn(&Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + DEADLINE;
        while !ready(self)? {
            for component in &mut self.components {
                component.check_alive()?;
            }
            if Instant::now() > deadline {
                let logs = self.components.iter().map(Process::log_tail);
                bail!(
                    "{what} is not ready after {DEADLINE:?}:\n{}",
                    logs.collect::<String>()
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn ctr<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> anyhow::Result<Output> {
        self.sandbox
            .command(&self.assets.containerd.join("ctr"))
            .args(["--address", components::CONTAINERD, "--namespace", "k8s.io"])
            .args(args)
            .output()
            .context("cannot run ctr")
    }
}

/// What a program wrote, or what it wrote about its failure.
fn succeeded(what: &str, output: &Output) -> anyhow::Result<String> {
    if !output.status.success() {
        bail!("{what} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
