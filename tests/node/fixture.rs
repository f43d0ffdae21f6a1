//! The node that all tests share.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use softstop_rig::{Image, Node, NodeAssets};

/// How long a pod may take to start or to end, beyond what the test itself makes it wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A small system: busybox, with its programs as links.
pub(crate) const BUSYBOX: &str = "localhost/busybox:1";

/// Statics are never dropped: the node ends with this process, by its guards.
static NODE: LazyLock<Node> = LazyLock::new(start);

pub(crate) fn node() -> &'static Node {
    &NODE
}

/// A node with the image [`BUSYBOX`].
pub(crate) fn start() -> Node {
    let assets = NodeAssets::find_or_build().expect("the programs of the node");
    let node = Node::start(&assets).expect("a running node");
    node.import(&busybox()).expect("an image on the node");
    node
}

/// `sh` and the others are busybox by another name.
fn busybox() -> Image {
    let image = Image::new(BUSYBOX)
        .program(Path::new("/bin/busybox"), "/bin/busybox")
        .expect("busybox on this machine (Debian package busybox)");
    let names = ["sh", "sleep", "echo", "httpd", "true", "wget"];
    names
        .iter()
        .fold(image, |image, name| {
            image.link(&format!("/bin/{name}"), "busybox")
        })
        .env(["PATH=/bin"])
        .cmd(["sh"])
}

/// A namespace of the test's own, in which pods can be made.
pub(crate) fn namespace(node: &Node, name: &str) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    node.apply(&namespace).expect("a namespace");
    node.wait_account(name, PATIENCE)
        .expect("its service account");
}

/// A pod of one container, [`BUSYBOX`].
pub(crate) fn pod(namespace: &str, name: &str, command: &[&str], grace: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": grace,
            "containers": [{"name": "main", "image": BUSYBOX, "imagePullPolicy": "Never", "command": command}],
        },
    })
}

/// softstop's image in that repository, as the project's own command builds it: a file of the caller's own, as tests run side by side.
pub(crate) fn image(repository: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("softstop-{count}.tar"));
    let name = format!("{repository}/softstop:{}", env!("CARGO_PKG_VERSION"));
    let status = Command::new(env!("CARGO"))
        .args(["xtask", "image", "--name", &name, "--output"])
        .arg(&file)
        .current_dir(root())
        .status()
        .unwrap();
    assert!(status.success(), "cargo xtask image: {status}");
    file
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
