//! The programs of the rig: where they are, or how they are built.

mod tools;

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use tools::Tools;

use crate::cache::folder;

/// The variable by which controller-runtime's tests find these programs, too.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

const ETCD: Tools = Tools {
    module: "etcd",
    dependency: "go.etcd.io/etcd/server/v3",
    programs: &[("etcd", "go.etcd.io/etcd/server/v3")],
    version_package: None,
};

const KUBE: Tools = Tools {
    module: "kube",
    dependency: "k8s.io/kubernetes",
    programs: &[
        ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
    ],
    version_package: Some("k8s.io/component-base/version"),
};

/// What a node needs beside [`KUBE`], into the same folder.
const KUBE_NODE: Tools = Tools {
    programs: &[
        (
            "kube-controller-manager",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
        ),
        ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        ("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
        ("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
    ],
    ..KUBE
};

const CONTAINERD: Tools = Tools {
    module: "containerd",
    dependency: "github.com/containerd/containerd/v2",
    programs: &[
        (
            "containerd",
            "github.com/containerd/containerd/v2/cmd/containerd",
        ),
        (
            "containerd-shim-runc-v2",
            "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        ),
        ("ctr", "github.com/containerd/containerd/v2/cmd/ctr"),
    ],
    version_package: None,
};

const CNI: Tools = Tools {
    module: "cni",
    dependency: "github.com/containernetworking/plugins",
    programs: &[
        (
            "host-local",
            "github.com/containernetworking/plugins/plugins/ipam/host-local",
        ),
        (
            "loopback",
            "github.com/containernetworking/plugins/plugins/main/loopback",
        ),
        (
            "ptp",
            "github.com/containernetworking/plugins/plugins/main/ptp",
        ),
    ],
    version_package: None,
};

const HELM: Tools = Tools {
    module: "helm",
    dependency: "helm.sh/helm/v4",
    programs: &[("helm", "helm.sh/helm/v4/cmd/helm")],
    version_package: None,
};

/// A program of ours: its version is the `go` line.
const PAUSE: Tools = Tools {
    module: "pause",
    dependency: "go",
    programs: &[("pause", ".")],
    version_package: None,
};

/// Where etcd, kube-apiserver and kubectl are.
#[derive(Debug, Clone)]
pub struct Assets {
    /// etcd.
    pub etcd: PathBuf,
    /// kube-apiserver.
    pub apiserver: PathBuf,
    /// kubectl.
    pub kubectl: PathBuf,
}

impl Assets {
    /// Those that `KUBEBUILDER_ASSETS` names, else those in the cache; what the cache lacks is built first (about five minutes on
    /// two cores, once per version).
    pub fn find_or_build() -> anyhow::Result<Self> {
        if let Some(dir) = folder(ASSETS) {
            let find = |name: &str| {
                let path = dir.join(name);
                if path.is_file() {
                    Ok(path)
                } else {
                    bail!(
                        "{ASSETS} is {}, but there is no {name} in it",
                        dir.display()
                    )
                }
            };
            return Ok(Self {
                etcd: find("etcd")?,
                apiserver: find("kube-apiserver")?,
                kubectl: find("kubectl")?,
            });
        }
        Self::build().with_context(|| {
            format!(
                "cannot build etcd, kube-apiserver and kubectl (instead, {ASSETS} may name a folder with them)"
            )
        })
    }

    fn build() -> anyhow::Result<Self> {
        let (etcd, kube) = (ETCD.built()?, KUBE.built()?);
        Ok(Self {
            etcd: etcd.join("etcd"),
            apiserver: kube.join("kube-apiserver"),
            kubectl: kube.join("kubectl"),
        })
    }
}

/// The programs of a whole node. They are of one release: those that `KUBEBUILDER_ASSETS` names are not used.
#[derive(Debug, Clone)]
pub struct NodeAssets {
    /// The API server and what belongs to it.
    pub server: Assets,
    /// Folder of kubelet, kube-controller-manager, kube-scheduler, kube-proxy, kubectl.
    pub kube: PathBuf,
    /// Folder of containerd, its shim and ctr.
    pub containerd: PathBuf,
    /// Folder of the CNI plugins.
    pub cni: PathBuf,
    /// Folder of helm.
    pub helm: PathBuf,
    /// What holds a pod's namespaces open.
    pub pause: PathBuf,
}

impl NodeAssets {
    /// Those in the cache; what it lacks is built first (about ten minutes on two cores, once per version).
    pub fn find_or_build() -> anyhow::Result<Self> {
        Ok(Self {
            server: Assets::build()?,
            kube: KUBE_NODE.built()?,
            containerd: CONTAINERD.built()?,
            cni: CNI.built()?,
            helm: HELM.built()?,
            pause: PAUSE.built()?.join("pause"),
        })
    }
}

/// helm alone; built first where the cache lacks it.
pub fn helm() -> anyhow::Result<PathBuf> {
    Ok(HELM.built()?.join("helm"))
}
