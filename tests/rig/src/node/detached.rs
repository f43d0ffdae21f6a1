//! A node that has no owner.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{components, sandbox};

/// A node that its process has let go, as a file can keep it.
#[derive(Debug)]
pub struct DetachedNode {
    /// Its folder.
    pub dir: PathBuf,
    /// Its PID 1, as it is called outside.
    pub(super) pid: u32,
    /// Folders with kubectl and helm.
    pub(super) path: [PathBuf; 2],
    /// ctr.
    pub(super) ctr: PathBuf,
}

impl DetachedNode {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({"dir": self.dir, "pid": self.pid, "path": self.path, "ctr": self.ctr})
    }

    /// Back from JSON.
    pub fn from_json(value: &Value) -> anyhow::Result<Self> {
        let path = |value: &Value| value.as_str().map(PathBuf::from);
        let read = || {
            Some(Self {
                dir: path(&value["dir"])?,
                pid: value["pid"].as_u64()?.try_into().ok()?,
                path: [path(&value["path"][0])?, path(&value["path"][1])?],
                ctr: path(&value["ctr"])?,
            })
        };
        read().context("the node's state is not what was written")
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        // Ids are reused, but nobody else has our folder in the command line.
        fs::read_to_string(format!("/proc/{}/cmdline", self.pid))
            .is_ok_and(|line| line.contains(&*self.dir.to_string_lossy()))
    }

    /// The command line of a shell in the node's network.
    pub fn shell(&self) -> String {
        let [kube, helm] = self.path.each_ref().map(|dir| dir.display());
        format!(
            "nsenter --net=/proc/{}/ns/net env KUBECONFIG={} PATH={kube}:{helm}:$PATH ${{SHELL:-sh}}",
            self.pid,
            self.dir.join("kubeconfig").display()
        )
    }

    /// The command line of ctr for the node's containerd, without its arguments.
    pub fn ctr(&self) -> String {
        format!(
            "{} --address /proc/{}/root{} --namespace k8s.io",
            self.ctr.display(),
            self.pid,
            components::CONTAINERD
        )
    }

    /// Ends it, and removes what it leaves.
    pub fn stop(&self) -> anyhow::Result<()> {
        sandbox::sweep(&self.dir)
    }
}
