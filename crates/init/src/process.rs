//! One process as a row, and what kind of program it is.

use softstop_programs::signal::Signal;

use crate::proc::{base_name, is, number, words};
use crate::sys::{Zeroed, bit};

/// What a process is good for, as far as its names tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// It does the work, for all we know.
    #[default]
    Program,
    /// It holds no work: `sleep`, `tail -f`, `cat`. Ending it loses nothing.
    Idle,
    /// A shell whose habits are known: sh, dash, bash, busybox.
    Shell,
    /// Another shell: what its signal masks mean is not known.
    OtherShell,
    /// An init, or another launcher that relays nothing to its children: it can be ended before them, and must be, for
    /// it might start the next one.
    Init,
    /// It starts the program and stays, perhaps relaying its terminal, its lock or its output.
    Launcher,
    /// softstop-init, supervising.
    Softstop,
    /// softstop-init as a preStop hook.
    Drain,
    /// The same, left in the background when the hook has returned.
    Watch,
}

// The lists are plain text: as slices of slices they would take more room than all that is done with them. A test
// compares them with the tables of softstop-programs.
const SHELLS: &[u8] = b"ash bash dash sh";
const OTHER_SHELLS: &[u8] = b"csh fish ksh ksh93 lksh mksh pwsh rbash tcsh yash zsh";
/// Programs known to hold no work and to install no handler.
const IDLE: &[u8] = b"cat sleep tail tee yes";
const INITS: &[u8] = b"catatonit docker-init dumb-init runsvdir tini tini-static xargs";
const LAUNCHERS: &[u8] = b"apache2ctl apachectl daemonize entr flock ltrace make npm npx nsenter parallel pnpm pnpx \
    runuser script setsid start-stop-daemon strace su sudo time timeout unshare uv uvx watch watchmedo \
    yarn yarnpkg";
/// Scripts of these names make node a launcher.
const NODE_LAUNCHERS: &[u8] = b"npm npm-cli.js npx npx-cli.js pnpm pnpm.cjs pnpm.mjs yarn yarn.js";

/// Programs that drain on another signal than SIGTERM, which makes them drop their work, behind the number of that signal;
/// behind 0 those that drop it on every signal. uWSGI drains where a hook of its own says so, which nobody can see. Not
/// waitress: it has no handler for SIGTERM, so it keeps the time it had, and on SIGINT would only give its requests 5 s.
const SIGNALS: &[u8] =
    b"2 huey_consumer huey_consumer.py postgres 3 nginx nginx-debug unicorn unicorn_rails \
    10 haproxy 28 apache2 httpd 0 daphne envoy php-fpm uwsgi";

/// Programs that cut their work off after they are told to stop, behind the seconds that they give it.
const LIMITS: &[u8] =
    b"2 pm2-runtime 3 hypercorn 5 foreman 10 supervisord traefik 30 gunicorn 60 unicorn unicorn_rails";
/// Gunicorn and Hypercorn are told another limit by it.
const LIMIT_FLAG: &[u8] = b"--graceful-timeout";

/// This program's own name.
pub const SELF: &[u8] = b"softstop-init";
/// The name of a hook that stays in the background.
pub const WATCH: &[u8] = b"softstop-watch";

/// The kind of the process that calls itself `name`, runs the file `exe` (empty where that may not be read), and was
/// started with `cmdline`.
///
/// The file is the best witness: a script's `name` is the script's, not the shell's. A busybox applet is known by the
/// name it was called by.
#[inline(never)]
pub fn kind(name: &[u8], exe: &[u8], cmdline: &[u8]) -> Kind {
    let exe = base_name(exe.strip_suffix(b" (deleted)").unwrap_or(exe));
    let mut arguments = words(cmdline);
    let first = arguments.next().map(base_name).unwrap_or_default();
    let first = first.strip_prefix(b"-").unwrap_or(first); // a login shell
    let second = arguments.next().map(base_name).unwrap_or_default();
    if is(exe, SELF) || (exe.is_empty() && (is(name, SELF) || is(name, WATCH))) {
        return match (is(second, b"drain"), is(name, WATCH)) {
            (true, true) => Kind::Watch,
            (true, false) => Kind::Drain,
            (false, _) => Kind::Softstop,
        };
    }
    // Renamed by npm itself: "npm start".
    let name = name.split(|&b| b == b' ').next().unwrap_or(name);
    if is(exe, b"busybox") {
        let applet = if is(first, b"busybox") { second } else { first };
        return by_name(applet)
            .or_else(|| by_name(name))
            .unwrap_or(Kind::Program);
    }
    if let Some(kind) = by_name(exe) {
        return kind;
    }
    if (exe.is_empty() || is_one_of(exe, b"node nodejs"))
        && (is_one_of(name, NODE_LAUNCHERS) || is_one_of(second, NODE_LAUNCHERS))
    {
        return Kind::Launcher;
    }
    // A script in another language (perl's parallel), a file with many names (toybox), or one we may not look at.
    if let Some(kind) = by_name(name) {
        return kind;
    }
    // A script that may not be looked at closer: its name is its file's, the first word its interpreter.
    let script = exe.is_empty() && !name.is_empty() && second.starts_with(name);
    match by_name(first) {
        Some(kind @ (Kind::Shell | Kind::OtherShell)) if script => kind,
        _ => Kind::Program,
    }
}

/// How a program drains, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Drains {
    /// On SIGTERM, for all we know.
    #[default]
    OnTerm,
    /// On this signal, and not on SIGTERM.
    On(Signal),
    /// On none.
    Never,
}

/// How this program drains, and how many seconds it gives its work then, if that is a default of its own.
#[inline(never)]
pub fn drains(exe: &[u8], cmdline: &[u8]) -> (Drains, u8) {
    // It is known by its file, by the script or module that an interpreter was given, or by what it calls itself
    // (`unicorn master`).
    let mut arguments = words(cmdline);
    let first = arguments.next().unwrap_or_default();
    let second = arguments.next().unwrap_or_default();
    let title = first.split(|byte| b" :".contains(byte)).next();
    let script = match second {
        b"-m" => arguments.next(),
        _ => Some(second).filter(|path| path.contains(&b'/')),
    };
    let names = [Some(exe), title, script].map(|path| base_name(path.unwrap_or_default()));
    let drains = match entry(SIGNALS, names) {
        None => Drains::OnTerm,
        Some(signal) => Signal::from_number(signal).map_or(Drains::Never, Drains::On),
    };
    let limit = entry(LIMITS, names)
        .filter(|_| !words(cmdline).any(|word| word.starts_with(LIMIT_FLAG)))
        .unwrap_or(0);
    (drains, limit)
}

/// The number before one of these names, perhaps with a version (`php-fpm8.2`), in a table of words.
#[inline(never)]
fn entry(table: &[u8], names: [&[u8]; 3]) -> Option<u8> {
    let mut current = None;
    for word in table.split(|&byte| byte == b' ') {
        if let Some(next) = number(word) {
            current = u8::try_from(next).ok();
            continue;
        }
        let mut versions = names.iter().filter_map(|name| name.strip_prefix(word));
        if versions.any(|version| version.iter().all(|byte| b"0123456789.".contains(byte))) {
            return current;
        }
    }
    None
}

/// Whether `name` is one of the words of `list`.
pub fn is_one_of(name: &[u8], list: &[u8]) -> bool {
    !name.is_empty() && list.split(|&byte| byte == b' ').any(|word| word == name)
}

fn by_name(name: &[u8]) -> Option<Kind> {
    if is_one_of(name, SHELLS) {
        Some(Kind::Shell)
    } else if is_one_of(name, OTHER_SHELLS) {
        Some(Kind::OtherShell)
    } else if is_one_of(name, IDLE) {
        Some(Kind::Idle)
    } else if is_one_of(name, INITS) {
        Some(Kind::Init)
    } else if is_one_of(name, LAUNCHERS) {
        Some(Kind::Launcher)
    } else {
        None
    }
}

/// Where standard input comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Stdin {
    /// It may not be looked at, or is closed.
    #[default]
    Unknown,
    /// The container's own, whatever that is.
    Container,
    /// `/dev/null`, opened only to read: what every shell gives to a job it starts with `&`.
    Null,
    /// A pipe or socket: what a pipeline gives to its consumers.
    Pipe,
    /// Something else.
    Other,
}

/// One process of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// When it started: with `pid`, who it is.
    pub start: u64,
    /// Signals it has a handler for.
    pub caught: u64,
    /// Signals it blocks.
    pub blocked: u64,
    /// Signals it ignores.
    pub ignored: u64,
    /// What kind of program.
    pub kind: Kind,
    /// How it drains.
    pub drains: Drains,
    /// Seconds that it gives its work when it is told to stop; 0 if that is not known, or as long as it takes.
    pub limit: u8,
    /// Where its standard input comes from.
    pub stdin: Stdin,
    /// It leads the session of a terminal: its end hangs up on the programs there.
    pub hangs_up: bool,
    /// What stopping means for it; set by `judge`.
    pub role: crate::tree::Role,
}

// SAFETY: integers, a bool, and enums whose first variant is the default with discriminant zero.
unsafe impl Zeroed for Process {}

impl Process {
    /// Whether `signal` reaches code of its own: a handler, or `sigwait` and `signalfd`, which need it blocked.
    pub fn handles(&self, signal: u8) -> bool {
        (self.caught | self.blocked) & bit(signal) != 0
    }

    /// Whether a handler is installed for `signal`.
    pub fn catches(&self, signal: u8) -> bool {
        self.caught & bit(signal) != 0
    }

    /// Whether `signal` is ignored.
    pub fn ignores(&self, signal: u8) -> bool {
        self.ignored & bit(signal) != 0
    }

    /// Whether this is the same process as the one once seen with that id and start.
    pub fn is(&self, mark: Mark) -> bool {
        self.pid == mark.pid && self.start == mark.start
    }

    /// Who it is, to remember.
    pub fn mark(&self) -> Mark {
        Mark {
            pid: self.pid,
            start: self.start,
        }
    }
}

/// The identity of a process, which its id alone is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Its id.
    pub pid: u32,
    /// When it started.
    pub start: u64,
}

// SAFETY: integers.
unsafe impl Zeroed for Mark {}

#[cfg(test)]
mod tests;
