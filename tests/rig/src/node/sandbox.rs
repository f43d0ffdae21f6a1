//! Namespaces for a node's processes, network and mounts, which all end with one process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::Process;
use crate::process::Guard;

/// The node's address.
pub(super) const ADDRESS: &str = "10.250.0.1";

/// How long the namespaces may take, and how long their end may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// PID 1 of the node. `$1`: its folder.
///
/// * The network: both ends of a veth pair, one of which carries the node's address and the default route (kernels without a
///   dummy device have veth).
/// * What a node keeps in standard places is kept in its folder instead, and seen in there only.
/// * The kubelet sets some kernel parameters that no namespace has; it finds the values that it wants, and leaves the real ones alone.
/// * `wait` reaps what is orphaned, shims of containerd above all.
const INIT: &str = r#"set -e
ip link set lo up
ip link add node0 type veth peer name node1
ip address add 10.250.0.1/24 dev node0
ip link set node0 up
ip link set node1 up
ip route add default dev node0
echo 1 >/proc/sys/net/ipv4/ip_forward
mount -t tmpfs tmpfs /run
mount --bind "$1/lib" /var/lib
mount --bind "$1/log" /var/log
mkdir /run/sysctl
while read -r name value; do
    [ -e "/proc/sys/$name" ] || continue
    file=/run/sysctl/$(basename "$name")
    echo "$value" >"$file"
    mount --bind "$file" "/proc/sys/$name"
done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END
: >"$1/up"
sleep infinity &
wait
"#;

/// Ends the node in the folder `$1` and removes what it leaves: cgroups of the name `$2`, and the folder.
///
/// A shell script, as it must also run when this process is gone. When `unshare` is killed, the kernel kills PID 1 of the
/// namespaces, then all processes in there, then drops the mounts and the network.
const SWEEP: &str = r#"for process in /proc/[0-9]*; do
    line=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
    case $line in "unshare "*" $1 ") kill -KILL "${process#/proc/}" ;; esac
done
tries=0
while [ "$tries" -lt 300 ]; do
    left=
    for group in /sys/fs/cgroup/"$2" /sys/fs/cgroup/*/"$2"; do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + || left=1
    done
    [ -n "$left" ] || rm -rf -- "$1" || left=1
    [ -n "$left" ] || exit 0
    sleep 0.1
    tries=$((tries + 1))
done 2>/dev/null
exit 1
"#;

/// The namespaces. Dropping them ends every process, mount and network device in them, and removes cgroups and folder.
#[derive(Debug)]
pub(super) struct Sandbox {
    // In the order in which they are dropped.
    init: Process,
    swept: Swept,
    guard: Guard,
    pid: u32,
    network: File,
}

impl Sandbox {
    /// Makes the namespaces, and a cgroup of the same name as the folder.
    pub(super) fn new() -> anyhow::Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "a node needs namespaces, mounts and cgroups: run it as root"
        );
        let dir =
            TempDir::with_prefix("softstop-node-").context("cannot make a temporary folder")?;
        let [path, name] = sweep_arguments(dir.path());
        let guard = Guard::new(SWEEP, &[&path, &name])?;
        // From here on the folder goes with the cgroups, also if something fails.
        let swept = Swept(dir.keep());
        let dir = &swept.0;
        for part in ["lib", "log"] {
            fs::create_dir(dir.join(part))
                .with_context(|| format!("cannot make {}", dir.join(part).display()))?;
        }
        make_cgroups(&name)?;
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--net", "--pid", "--mount-proc", "--fork"])
            .args(["--kill-child", "sh", "-c", INIT, "node"])
            .arg(dir)
            .current_dir("/");
        let mut init = Process::start("unshare", command, &dir.join("init.log"))?;
        let deadline = Instant::now() + DEADLINE;
        while !dir.join("up").exists() {
            init.check_alive()?;
            if Instant::now() > deadline {
                bail!("the node's namespaces are not there after {DEADLINE:?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        let pid = only_child(init.id())?;
        let path = format!("/proc/{pid}/ns/net");
        let network = File::open(&path).with_context(|| format!("cannot open {path}"))?;
        Ok(Self {
            init,
            swept,
            guard,
            pid,
            network,
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.swept.0
    }

    /// The cgroup's name.
    pub(super) fn name(&self) -> String {
        name(self.dir())
    }

    /// PID 1, as it is called out here.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The network namespace.
    pub(super) fn network(&self) -> &File {
        &self.network
    }

    /// A command in all of its namespaces.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.pid))
            .args(["--mount", "--net", "--pid", "--"])
            .arg(program);
        command
    }

    /// Lets the namespaces outlive this process; [`sweep`] ends them. Returns the folder.
    pub(super) fn detach(self) -> PathBuf {
        let Self {
            init, swept, guard, ..
        } = self;
        // It would take the closing of its pipe for our death.
        drop(guard);
        init.detach();
        let dir = swept.0.clone();
        std::mem::forget(swept);
        dir
    }
}

/// What is swept when this is dropped.
#[derive(Debug)]
struct Swept(PathBuf);

impl Drop for Swept {
    fn drop(&mut self) {
        if let Err(error) = sweep(&self.0) {
            eprintln!("rig: {error:#}");
        }
    }
}

/// Ends the node in this folder, and removes its cgroups and the folder.
pub(super) fn sweep(dir: &Path) -> anyhow::Result<()> {
    let status = Command::new("sh")
        .args(["-c", SWEEP, "sweep"])
        .args(sweep_arguments(dir))
        .stdin(Stdio::null())
        .status()
        .context("cannot run sh, which removes the node")?;
    ensure!(
        status.success(),
        "something holds the folder {} or the cgroups of the same name: remove them by hand",
        dir.display()
    );
    Ok(())
}

fn sweep_arguments(dir: &Path) -> [String; 2] {
    [dir.display().to_string(), name(dir)]
}

fn name(dir: &Path) -> String {
    dir.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The kubelet wants its cgroup to be there, in every hierarchy.
fn make_cgroups(name: &str) -> anyhow::Result<()> {
    let root = Path::new("/sys/fs/cgroup");
    let make = |dir: PathBuf| {
        fs::create_dir(&dir).with_context(|| format!("cannot make the cgroup {}", dir.display()))
    };
    if let Ok(controllers) = fs::read_to_string(root.join("cgroup.controllers")) {
        for controller in controllers.split_whitespace() {
            // Most are handed on already. One that cannot be is missed by the kubelet, which says so.
            let _ = fs::write(
                root.join("cgroup.subtree_control"),
                format!("+{controller}"),
            );
        }
        return make(root.join(name));
    }
    for entry in fs::read_dir(root).context("cannot list /sys/fs/cgroup")? {
        let hierarchy = entry.context("cannot list /sys/fs/cgroup")?;
        // Links lead to hierarchies that have two names: cpu and cpuacct are one on many machines.
        if hierarchy.file_type().is_ok_and(|kind| kind.is_dir()) {
            let dir = hierarchy.path().join(name);
            make(dir.clone())?;
            // A cpuset without CPUs takes no process.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if dir.join(file).exists() {
                    let value = fs::read(hierarchy.path().join(file))
                        .with_context(|| format!("cannot read the root's {file}"))?;
                    fs::write(dir.join(file), value)
                        .with_context(|| format!("cannot write {}", dir.join(file).display()))?;
                }
            }
        }
    }
    Ok(())
}

/// The process that this one started.
pub(super) fn only_child(id: u32) -> anyhow::Result<u32> {
    let path = format!("/proc/{id}/task/{id}/children");
    let children = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    children
        .trim()
        .parse()
        .with_context(|| format!("process {id} has not one child but \"{children}\""))
}
