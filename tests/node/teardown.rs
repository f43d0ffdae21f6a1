//! What is left of a node: nothing, whatever ends the process that started it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use softstop_rig::Node;

use crate::fixture::{PATIENCE, namespace, node, pod, start};

/// One at a time: what belongs to whom is seen by looking at all processes while they come and go.
static LOOKING: Mutex<()> = Mutex::new(());

/// Tells [`a_second_node_runs_beside_the_first`] to stay, and to make this file when it is there.
const STAY: &str = "SOFTSTOP_TEST_STAY";

#[test]
fn a_second_node_runs_beside_the_first() {
    let second = start();
    run_pod(&second, "beside");
    if let Some(file) = std::env::var_os(STAY) {
        fs::write(file, "").unwrap();
        thread::sleep(Duration::from_secs(600));
    }
    // They have the same addresses, and each its own pods.
    let first = node();
    let names = |node: &Node| node.kubectl_ok(["get", "pods", "-n", "beside", "-o", "name"]);
    assert_eq!(names(&second).unwrap(), "pod/pod\n");
    assert_eq!(names(first).unwrap(), "");
    run_pod(first, "beside");

    let traces = Traces::of(second.dir());
    assert!(
        traces.namespaces.len() >= 3 && !traces.found().is_empty(),
        "{traces:?}"
    );
    drop(second);
    traces.assert_gone();
    assert_eq!(names(first).unwrap(), "pod/pod\n");
}

#[test]
fn a_node_leaves_the_folders_of_the_machine_alone() {
    const OF_A_NODE: [&str; 10] = [
        "/etc/cni",
        "/etc/kubernetes",
        "/opt/cni",
        "/opt/containerd",
        "/run/containerd",
        "/run/netns",
        "/usr/libexec/kubernetes",
        "/var/lib/cni",
        "/var/lib/kubelet",
        "/var/log/pods",
    ];
    let there = || OF_A_NODE.map(|dir| Path::new(dir).exists());
    let before = there();
    let node = start();
    run_pod(&node, "folders");
    // A machine that is a node itself had them all before.
    assert_eq!(there(), before, "{OF_A_NODE:?}");
}

#[test]
fn nothing_is_left_of_a_node_whose_owner_is_killed() {
    let _alone = LOOKING.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let up = dir.path().join("up");
    for signal in [Signal::KILL, Signal::INT] {
        let mut owner = owner(dir.path(), &up);
        wait_for(&up, &mut owner);
        let traces = Traces::of(&only_entry(dir.path(), &up).unwrap());
        assert!(
            traces.namespaces.len() >= 3 && !traces.found().is_empty(),
            "{traces:?}"
        );
        let pid = Pid::from_child(&owner);
        if signal == Signal::INT {
            // As a terminal does on Ctrl-C.
            kill_process_group(pid, signal).unwrap();
        } else {
            kill_process(pid, signal).unwrap();
        }
        assert_eq!(owner.wait().unwrap().signal(), Some(signal.as_raw()));
        traces.assert_gone();
        fs::remove_file(&up).unwrap();
    }
}

#[test]
fn nothing_is_left_of_a_node_whose_owner_is_killed_while_it_starts() {
    let _alone = LOOKING.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let up = dir.path().join("up");
    for milliseconds in [0, 5, 20, 100, 500, 1500, 3000] {
        let mut owner = owner(dir.path(), &up);
        let begun = Instant::now();
        let folder = loop {
            if let Some(folder) = only_entry(dir.path(), &up) {
                break folder;
            }
            assert!(begun.elapsed() < PATIENCE, "no node begins");
            thread::sleep(Duration::from_millis(1));
        };
        thread::sleep(Duration::from_millis(milliseconds));
        assert!(!up.exists(), "the node was up already");
        let traces = Traces::of(&folder);
        owner.kill().unwrap();
        owner.wait().unwrap();
        traces.assert_gone();
    }
}

/// A pod whose command line says whose it is.
fn run_pod(node: &Node, space: &str) {
    namespace(node, space);
    let script = format!("sleep 600; : {}", node.name());
    node.apply(&pod(space, "pod", &["sh", "-c", &script], 30))
        .unwrap();
    node.wait_ready(space, "pod", PATIENCE).unwrap();
}

/// A process that starts a node in `dir`.
fn owner(dir: &Path, up: &Path) -> Child {
    // A background job of a shell ignores SIGINT, and so does all that it starts: these tests, too, where they are one.
    Command::new("env")
        .arg("--default-signal")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "teardown::a_second_node_runs_beside_the_first"])
        .env("TMPDIR", dir)
        .env(STAY, up)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

fn wait_for(file: &Path, owner: &mut Child) {
    let deadline = Instant::now() + PATIENCE;
    while !file.exists() {
        assert!(owner.try_wait().unwrap().is_none(), "the owner ended");
        assert!(Instant::now() < deadline, "no node after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The node's folder.
fn only_entry(dir: &Path, but: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.find(|path| path != but)
}

/// By what a node can be found.
#[derive(Debug)]
struct Traces {
    dir: PathBuf,
    name: String,
    /// As links in /proc show them.
    namespaces: BTreeSet<PathBuf>,
}

impl Traces {
    fn of(dir: &Path) -> Self {
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let own = namespaces("self");
        let of_node = processes().filter(|id| mentions(id, &name));
        let namespaces: BTreeSet<_> = of_node.flat_map(|id| namespaces(&id)).collect();
        Self {
            dir: dir.to_owned(),
            name,
            namespaces: namespaces.difference(&own).cloned().collect(),
        }
    }

    /// What there is of it.
    fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        for id in processes() {
            let inside = !namespaces(&id).is_disjoint(&self.namespaces);
            if inside || mentions(&id, &self.name) {
                let line = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
                found.push(format!("process {id}: {}", line.replace('\0', " ")));
            }
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        found.extend(
            mounts
                .lines()
                .filter(|line| line.contains(&self.name))
                .map(str::to_owned),
        );
        let hierarchies = fs::read_dir("/sys/fs/cgroup")
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let roots = hierarchies.chain([PathBuf::from("/sys/fs/cgroup")]);
        let folders = roots
            .map(|root| root.join(&self.name))
            .chain([self.dir.clone()]);
        found.extend(
            folders
                .filter(|dir| dir.exists())
                .map(|dir| dir.display().to_string()),
        );
        found
    }

    fn assert_gone(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.found().is_empty() {
            assert!(Instant::now() < deadline, "left: {:#?}", self.found());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The ids of all processes.
fn processes() -> impl Iterator<Item = String> {
    let names = fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

fn mentions(id: &str, name: &str) -> bool {
    fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains(name))
}

fn namespaces(id: &str) -> BTreeSet<PathBuf> {
    let links = ["mnt", "net", "pid"].map(|kind| fs::read_link(format!("/proc/{id}/ns/{kind}")));
    links.into_iter().flatten().collect()
}
