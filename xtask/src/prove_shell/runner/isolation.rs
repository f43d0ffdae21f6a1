//! Namespaces for one script after the other, made by the thread itself: starting `unshare` and `setpriv` for each run
//! takes longer than the run.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::Context as _;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use rustix::thread::{
    LinkNameSpaceType, UnshareFlags, move_into_link_name_space, set_no_new_privs,
};

/// Without privileges of any kind.
pub(super) const NOBODY: u32 = 65_534;

/// What no script needs, but a broken one may take: seconds of processor, bytes of a file, processes.
const LIMITS: [(Resource, u64); 3] = [
    (Resource::Cpu, 20),
    (Resource::Fsize, 64 << 20),
    (Resource::Nproc, 1000),
];

/// The thread's mount, network and IPC namespaces, and a PID namespace for whatever it starts next.
pub(super) struct Isolation {
    own: File,
    /// Scripts run as nobody. Without root there is nothing to drop but what the user namespace gave.
    pub(super) drops_privileges: bool,
}

impl Isolation {
    /// For this thread, and for good.
    pub(super) fn new() -> anyhow::Result<Self> {
        let own = File::open("/proc/thread-self/ns/pid")?;
        unshare(UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC)?;
        set_no_new_privs(true)?;
        Ok(Self {
            own,
            drops_privileges: fs::metadata("/proc/self")?.uid() == 0 && maps_everybody(),
        })
    }

    /// The next process that this thread starts is PID 1 of a new namespace.
    pub(super) fn renew(&self) -> anyhow::Result<()> {
        // Only from its own namespace a thread may leave for a new one.
        move_into_link_name_space(self.own.as_fd(), Some(LinkNameSpaceType::ProcessID))
            .context("setns")?;
        unshare(UnshareFlags::NEWPID)
    }

    pub(super) fn drop_privileges(&self, command: &mut Command) {
        if self.drops_privileges {
            command.uid(NOBODY).gid(NOBODY);
        }
    }
}

fn unshare(flags: UnshareFlags) -> anyhow::Result<()> {
    #[expect(
        deprecated,
        reason = "unsafe only where threads get file tables of their own"
    )]
    rustix::thread::unshare(flags).context("unshare")
}

/// In a user namespace of a single user there is nobody else to become.
fn maps_everybody() -> bool {
    fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.trim().ends_with("4294967295"))
}

/// Limits a process that was just started, and what it starts.
pub(super) fn limit(id: u32) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    for (resource, most) in LIMITS {
        let most = Some(most);
        let limit = Rlimit {
            current: most,
            maximum: most,
        };
        // It may have ended already.
        let _ = id.map(|id| prlimit(Some(id), resource, limit));
    }
}
