//! The programs that make a node, and what they are told.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::sandbox::{ADDRESS, Sandbox};
use crate::pki::{write_server_files, write_text, write_user};
use crate::rig::apiserver_flags;
use crate::{NodeAssets, Process};

/// What the API server calls the node.
pub(super) const NAME: &str = "node";

/// What holds a pod's namespaces open.
pub(super) const PAUSE: &str = "localhost/pause:rig";

/// Where containerd listens, in the node.
pub(super) const CONTAINERD: &str = "/run/containerd/containerd.sock";

/// Nothing is in there.
const VOLUME_PLUGINS: &str = "/var/lib/kubelet/volume-plugins";

/// In the node no port is ever taken by somebody else.
const PORT: u16 = 6443;
const ETCD: &str = "http://127.0.0.1:2379";

/// The clients of the API server: what each is called, and its user and group, to which the API server's own roles are bound.
const CLIENTS: [(&str, (&str, &str)); 4] = [
    ("kubelet", ("system:node:node", "system:nodes")),
    (
        "kube-controller-manager",
        ("system:kube-controller-manager", "rig"),
    ),
    ("kube-scheduler", ("system:kube-scheduler", "rig")),
    ("kube-proxy", ("system:kube-proxy", "rig")),
];

pub(super) fn url() -> String {
    format!("https://{ADDRESS}:{PORT}")
}

/// Starts programs in the sandbox, the log and what configures them in the node's folder.
pub(super) struct Starter<'a> {
    pub(super) assets: &'a NodeAssets,
    pub(super) sandbox: &'a Sandbox,
}

impl Starter<'_> {
    pub(super) fn etcd(&self) -> anyhow::Result<Process> {
        let flags = [
            format!("--data-dir={}", self.file("etcd")),
            format!("--listen-client-urls={ETCD}"),
            format!("--advertise-client-urls={ETCD}"),
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
            // Nothing here has to survive a power cut.
            "--unsafe-no-fsync=true".to_owned(),
        ];
        self.start(&self.assets.server.etcd, flags)
    }

    /// Certificates and kubeconfigs, for all.
    pub(super) fn credentials(&self) -> anyhow::Result<()> {
        let names = [
            ADDRESS, // The Service "kubernetes".
            "10.0.0.1",
        ];
        let authority = write_server_files(self.sandbox.dir(), &url(), &names)?;
        for (name, user) in CLIENTS {
            write_user(&authority, self.sandbox.dir(), &url(), name, user)?;
        }
        Ok(())
    }

    pub(super) fn apiserver(&self) -> anyhow::Result<Process> {
        let mut flags = apiserver_flags(self.sandbox.dir(), ETCD, &url(), PORT);
        flags.extend([
            "--bind-address=0.0.0.0".to_owned(),
            format!("--advertise-address={ADDRESS}"),
            "--authorization-mode=Node,RBAC".to_owned(),
            // How it reaches the kubelet, for logs and exec.
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--kubelet-client-certificate={}", self.file("admin.crt")),
            format!("--kubelet-client-key={}", self.file("admin.key")),
        ]);
        self.start(&self.assets.server.apiserver, flags)
    }

    pub(super) fn containerd(&self) -> anyhow::Result<Process> {
        let cni = self.sandbox.dir().join("cni");
        std::fs::create_dir(&cni).with_context(|| format!("cannot make {}", cni.display()))?;
        write_text(&cni, "10-node.conflist", &cni_config().to_string())?;
        let config = containerd_config(&self.assets.cni, &cni);
        write_text(self.sandbox.dir(), "containerd.toml", &config)?;
        let flags = [format!("--config={}", self.file("containerd.toml"))];
        self.start(&self.assets.containerd.join("containerd"), flags)
    }

    pub(super) fn controller_manager(&self) -> anyhow::Result<Process> {
        let flags = [
            self.kubeconfig_of("kube-controller-manager"),
            format!("--root-ca-file={}", self.file("client-ca.crt")),
            format!(
                "--service-account-private-key-file={}",
                self.file("service-account.key")
            ),
            "--use-service-account-credentials=true".to_owned(),
            // It makes this folder; the one by default is the machine's.
            format!("--flex-volume-plugin-dir={VOLUME_PLUGINS}"),
            "--leader-elect=false".to_owned(),
        ];
        self.start(&self.assets.kube.join("kube-controller-manager"), flags)
    }

    pub(super) fn scheduler(&self) -> anyhow::Result<Process> {
        let flags = [
            self.kubeconfig_of("kube-scheduler"),
            "--leader-elect=false".to_owned(),
        ];
        self.start(&self.assets.kube.join("kube-scheduler"), flags)
    }

    pub(super) fn proxy(&self) -> anyhow::Result<Process> {
        let config = json!({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": self.file("kube-proxy.kubeconfig")},
            "hostnameOverride": NAME,
            "mode": "nftables",
            "nodePortAddresses": ["127.0.0.0/8"],
            // These parameters are the whole machine's.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        });
        let flags = [self.config("kube-proxy", &config)?];
        self.start(&self.assets.kube.join("kube-proxy"), flags)
    }

    pub(super) fn kubelet(&self) -> anyhow::Result<Process> {
        // Pods have no name server: a name that is looked up fails at once.
        write_text(self.sandbox.dir(), "resolv.conf", "")?;
        let config = kubelet_config(
            &self.sandbox.name(),
            &self.file("client-ca.crt"),
            &self.file("resolv.conf"),
        );
        let flags = [
            self.config("kubelet", &config)?,
            self.kubeconfig_of("kubelet"),
            format!("--hostname-override={NAME}"),
            format!("--node-ip={ADDRESS}"),
        ];
        self.start(&self.assets.kube.join("kubelet"), flags)
    }

    fn start(
        &self,
        program: &Path,
        flags: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<Process> {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let mut command = self.sandbox.command(program);
        command.args(flags);
        // containerd finds its shim there.
        prepend_path(&mut command, [&self.assets.containerd])?;
        let log = self.sandbox.dir().join(format!("{name}.log"));
        Process::start(&name, command, &log)
    }

    fn config(&self, name: &str, config: &Value) -> anyhow::Result<String> {
        let file = format!("{name}.json");
        write_text(self.sandbox.dir(), &file, &config.to_string())?;
        Ok(format!("--config={}", self.file(&file)))
    }

    fn kubeconfig_of(&self, name: &str) -> String {
        format!("--kubeconfig={}", self.file(&format!("{name}.kubeconfig")))
    }

    fn file(&self, name: &str) -> String {
        self.sandbox.dir().join(name).display().to_string()
    }
}

/// Puts folders first on `PATH`.
pub(super) fn prepend_path<'a>(
    command: &mut Command,
    folders: impl IntoIterator<Item = &'a std::path::PathBuf>,
) -> anyhow::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.into_iter().cloned();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&path)))
        .context("cannot add a folder to PATH")?;
    command.env("PATH", path);
    Ok(())
}

fn containerd_config(plugins: &Path, networks: &Path) -> String {
    format!(
        r#"version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
# It makes /opt/containerd on the machine.
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = "{CONTAINERD}"

[plugins."io.containerd.nri.v1.nri"]
disable = true

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{PAUSE}"

[plugins."io.containerd.cri.v1.runtime"]
# Where CAP_SYS_RESOURCE is missing, no process can be made less likely to be killed.
restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ['{}']
conf_dir = '{}'
"#,
        plugins.display(),
        networks.display(),
    )
}

/// Each pod has a cable of its own to the node (ptp): between pods on one bridge, answers from a Service's address would bypass the
/// node, which alone can translate them back.
fn cni_config() -> Value {
    json!({
        "cniVersion": "1.0.0", "name": "node",
        "plugins": [{
            "type": "ptp",
            "ipam": {
                "type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "10.244.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
}

fn kubelet_config(cgroup: &str, ca: &str, resolv_conf: &str) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}, "x509": {"clientCAFile": ca}},
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD}"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{cgroup}"),
        "failCgroupV1": false,
        "failSwapOn": false,
        "resolvConf": resolv_conf,
        "volumePluginDir": VOLUME_PLUGINS,
        // A full disk of a developer's machine is no reason to evict pods or remove images.
        "evictionHard": {"imagefs.available": "0%", "imagefs.inodesFree": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%"},
        "imageGCHighThresholdPercent": 100,
        "oomScoreAdj": 0,
    })
}
