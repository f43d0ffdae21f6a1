//! Reads the processes of this moment from `/proc`.

use softstop_programs::signal::Signal;

use crate::proc::{Masks, Stat, base_name, is, number, open_flags, words};
use crate::process::{Drains, Kind, Process, Stdin, drains, is_one_of, kind};
use crate::sys::{self, Errno, File, Open, bit};
use crate::text::{Text, decimal};
use crate::tree::{Role, Table};

const TERM: u8 = Signal::TERM.number();

/// Where standard input of the container leads, to tell it from a pipeline's.
#[derive(Debug)]
pub struct Container {
    stdin: [u8; 64],
    length: usize,
}

impl Container {
    /// The container whose standard input `pid` has.
    pub fn of(pid: u32) -> Self {
        let mut stdin = [0; 64];
        let length = target(pid, b"fd/0", &mut stdin).len();
        Self { stdin, length }
    }

    fn stdin(&self) -> &[u8] {
        self.stdin.get(..self.length).unwrap_or_default()
    }
}

/// Fills `table` with all processes of the PID namespace that have not ended.
///
/// # Errors
/// If `/proc` is not there, or shows another PID namespace.
pub fn snapshot(table: &mut Table, container: &Container) -> sys::Result<()> {
    check_namespace()?;
    table.clear();
    let directory = File::open(c"/proc", Open::Directory)?;
    let mut buffer = [0; 2048];
    loop {
        let length = directory.entries(&mut buffer)?;
        if length == 0 {
            break;
        }
        let mut rest = buffer.get(..length).unwrap_or_default();
        while let Some((name, next)) = first_entry(rest) {
            if let Some(process) = number(name)
                .and_then(|pid| u32::try_from(pid).ok())
                .and_then(|pid| read(pid, container))
            {
                table.push(process);
            }
            rest = next;
        }
    }
    table.sort();
    Ok(())
}

fn check_namespace() -> sys::Result<()> {
    let mut buffer = [0; 16];
    let itself = sys::read_link(c"/proc/self", &mut buffer)?;
    if itself == decimal(sys::pid()).as_bytes() {
        Ok(())
    } else {
        Err(Errno::SRCH)
    }
}

/// The name in the first `struct linux_dirent64` (inode 8, offset 8, length 2, type 1, name), and what follows it.
fn first_entry(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_ne_bytes([*entries.get(16)?, *entries.get(17)?]));
    let name = entries.get(19..length)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some((name.get(..end)?, entries.get(length..)?))
}

/// Whether the process that `process` was is still the one with its id.
pub fn is_still(process: &Process) -> bool {
    let mut buffer = [0; 512];
    Stat::parse(content(process.pid, b"stat", &mut buffer))
        .is_some_and(|stat| stat.start == process.start)
}

/// One process; `None` if it has ended, or is about to.
#[inline(never)]
pub fn read(pid: u32, container: &Container) -> Option<Process> {
    let mut stat = [0; 512];
    let stat = Stat::parse(content(pid, b"stat", &mut stat))?;
    if matches!(stat.state, b'Z' | b'X' | b'x') {
        return None;
    }
    let masks = masks(pid)?;
    let mut exe = [0; 256];
    let exe = target(pid, b"exe", &mut exe);
    let mut cmdline = [0; 256];
    let cmdline = content(pid, b"cmdline", &mut cmdline);
    let kind = kind(stat.name, exe, cmdline);
    let (drains, limit) = match kind {
        Kind::Program => drains(exe, cmdline),
        // A launcher's words are another program's.
        _ => (Drains::OnTerm, 0),
    };
    let waits = kind == Kind::Softstop
        || ((masks.caught | masks.blocked) & bit(TERM) == 0 && waits_for_signals(pid));
    Some(Process {
        pid,
        parent: stat.parent,
        start: stat.start,
        caught: masks.caught,
        blocked: if waits { u64::MAX } else { masks.blocked },
        ignored: masks.ignored,
        kind,
        drains,
        limit,
        stdin: stdin(pid, container),
        hangs_up: stat.terminal && stat.session == pid,
        role: Role::Away,
    })
}

#[inline(never)] // its buffer is large: the list of groups comes before the masks
fn masks(pid: u32) -> Option<Masks> {
    let mut buffer = [0; 4096];
    Masks::parse(content(pid, b"status", &mut buffer))
}

/// Whether the process is in `sigwait` at this moment. It blocks the signals it waits for, but not while it waits, so its
/// masks look as if they would end it.
fn waits_for_signals(pid: u32) -> bool {
    let mut buffer = [0; 64];
    content(pid, b"wchan", &mut buffer).starts_with(b"do_sigtimedwait")
}

fn stdin(pid: u32, container: &Container) -> Stdin {
    const ACCESS_MODE: u64 = 3;
    let mut buffer = [0; 64];
    let link = target(pid, b"fd/0", &mut buffer);
    if link.is_empty() {
        return Stdin::Unknown;
    }
    if is(link, b"/dev/null") {
        let mut buffer = [0; 64];
        let info = content(pid, b"fdinfo/0", &mut buffer);
        if open_flags(info).is_some_and(|flags| flags & ACCESS_MODE == 0) {
            return Stdin::Null;
        }
    }
    if is(link, container.stdin()) {
        Stdin::Container
    } else if link.starts_with(b"pipe:") || link.starts_with(b"socket:") {
        Stdin::Pipe
    } else {
        Stdin::Other
    }
}

/// Whether a process that the container runtime started beside PID 1 (an exec: a hook, a probe, a debugging shell) is
/// still there: its parent lives outside.
pub fn has_guests(table: &Table) -> bool {
    table
        .rows()
        .iter()
        .any(|row| row.parent == 0 && row.pid != 1)
}

/// Whether another drain hook, started before the one that is `own`, is at work.
pub fn older_drain<'t>(table: &'t Table, own: u32) -> Option<&'t Process> {
    let start = table.get(own).map_or(0, |row| row.start);
    table.rows().iter().find(|row| {
        matches!(row.kind, Kind::Drain | Kind::Watch)
            && row.pid != own
            && (row.start, row.pid) < (start, own)
    })
}

/// Whether PID 1 is of this container. In a pod that shares its processes it is the pause container's, with `hostPID` the
/// node's: both see the same files only by their own mount namespace.
pub fn first_is_of_this_container() -> bool {
    let (mut first, mut own) = ([0; 32], [0; 32]);
    let (first, own) = (
        target(1, b"ns/mnt", &mut first),
        target(sys::pid(), b"ns/mnt", &mut own),
    );
    !first.is_empty() && is(first, own)
}

/// Whether the init `pid` hands a signal on to its child alone, not to the whole process group: that would interrupt
/// the workers of a pool. Only tini and its likes can tell us.
pub fn forwards_to_child_only(pid: u32) -> bool {
    let mut buffer = [0; 256];
    let cmdline = content(pid, b"cmdline", &mut buffer);
    let mut words = words(cmdline);
    let name = words.next().map(base_name).unwrap_or_default();
    let mut options = words.take_while(|word| word.starts_with(b"-") && *word != b"--");
    let mut environment = [0; 4096];
    let environment = content(pid, b"environ", &mut environment);
    let by_environment =
        crate::proc::words(environment).any(|word| word.starts_with(b"TINI_KILL_PROCESS_GROUP="));
    is_one_of(name, b"catatonit docker-init tini tini-static")
        && !by_environment
        && !options.any(|word| word.split(|&byte| byte == b'g').nth(1).is_some())
}

/// `/proc/PID/NAME`.
fn entry(pid: u32, name: &[u8]) -> Text<40> {
    Text::of(&[b"/proc/", decimal(pid).as_bytes(), b"/", name])
}

/// What `/proc/PID/NAME` holds, as much as fits; nothing if it cannot be read.
#[inline(never)]
fn content<'b>(pid: u32, name: &[u8], buffer: &'b mut [u8]) -> &'b [u8] {
    let path = entry(pid, name);
    path.as_c_str()
        .and_then(|path| File::open(path, Open::Read))
        .and_then(|file| file.read_up_to(buffer))
        .unwrap_or_default()
}

/// Where `/proc/PID/NAME` leads, as much as fits; nothing if that cannot be read.
fn target<'b>(pid: u32, name: &[u8], buffer: &'b mut [u8]) -> &'b [u8] {
    let path = entry(pid, name);
    path.as_c_str()
        .and_then(|path| sys::read_link(path, buffer))
        .unwrap_or_default()
}
