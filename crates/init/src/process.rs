//! One process as a row, and what kind of program it is.

use softstop_programs::signal::Signal;

use crate::proc::{base_name, is, words};
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

/// Programs that drain on another signal than SIGTERM, which makes them drop their work. Not waitress: it has no handler for SIGTERM, so it keeps
/// the time it had, and on SIGINT would only give its requests 5 s.
const DRAINS: [(&[u8], Signal); 4] = [
    (b"huey_consumer huey_consumer.py postgres", Signal::INT),
    (b"nginx nginx-debug unicorn unicorn_rails", Signal::QUIT),
    (b"haproxy", Signal::USR1),
    (b"apache2 httpd", Signal::WINCH),
];

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

/// The signal that drains this program, if that is known not to be SIGTERM; else 0. It is known by its file, by the script that an interpreter was
/// given by its path, or by what it calls itself ("unicorn master").
#[inline(never)]
pub fn drain_signal(exe: &[u8], cmdline: &[u8]) -> u8 {
    let mut arguments = words(cmdline);
    let first = arguments.next().unwrap_or_default();
    let title = first.split(|&byte| byte == b' ').next().unwrap_or(first);
    let second = arguments.next().unwrap_or_default();
    let script = if second.contains(&b'/') { second } else { b"" };
    let names = [exe, base_name(script), title].map(base_name);
    let found = DRAINS
        .iter()
        .find(|(list, _)| names.iter().any(|name| is_one_of(name, list)));
    found.map_or(0, |(_, signal)| signal.number())
}

/// Whether `name` is one of the words of `list`.
pub fn is_one_of(name: &[u8], list: &[u8]) -> bool {
    !name.is_empty() && list.split(|&byte| byte == b' ').any(|word| word == name)
}

fn by_name(name: &[u8]) -> Option<Kind> {
    match () {
        () if is_one_of(name, SHELLS) => Some(Kind::Shell),
        () if is_one_of(name, OTHER_SHELLS) => Some(Kind::OtherShell),
        () if is_one_of(name, IDLE) => Some(Kind::Idle),
        () if is_one_of(name, INITS) => Some(Kind::Init),
        () if is_one_of(name, LAUNCHERS) => Some(Kind::Launcher),
        () => None,
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
    /// The signal that drains it, if that is known not to be SIGTERM; else 0.
    pub drain: u8,
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
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_its_file_first() {
        for (name, exe, cmdline, expected) in [
            ("sh", "/usr/bin/dash", "sh\0-c\0app\0", Kind::Shell),
            (
                "start.sh",
                "/bin/bash",
                "/bin/sh\0./start.sh\0",
                Kind::Shell,
            ),
            ("bash", "/usr/bin/bash (deleted)", "-bash\0", Kind::Shell),
            ("zsh", "/bin/zsh", "zsh\0", Kind::OtherShell),
            ("sh", "/bin/busybox", "sh\0-c\0app\0", Kind::Shell),
            (
                "busybox",
                "/bin/busybox",
                "busybox\0sh\0-c\0x\0",
                Kind::Shell,
            ),
            (
                "start.sh",
                "/bin/busybox",
                "/bin/sh\0./start.sh\0",
                Kind::Shell,
            ),
            ("httpd", "/bin/busybox", "httpd\0-f\0", Kind::Program),
            ("sleep", "/bin/busybox", "sleep\x0010\0", Kind::Idle),
            ("tail", "/usr/bin/tail", "tail\0-f\0/x\0", Kind::Idle),
            ("tini", "/usr/bin/tini", "tini\0--\0app\0", Kind::Init),
            ("flock", "/usr/bin/flock", "flock\0l\0app\0", Kind::Launcher),
            ("npm start", "/usr/bin/node", "npm start\0", Kind::Launcher),
            (
                "node",
                "/usr/bin/node",
                "node\0/usr/bin/npm\0start\0",
                Kind::Launcher,
            ),
            (
                "MainThread",
                "/usr/bin/node",
                "node\0/x/yarn.js\0start\0",
                Kind::Launcher,
            ),
            ("node", "/usr/bin/node", "node\0server.js\0", Kind::Program),
            (
                "parallel",
                "/usr/bin/perl",
                "perl\0/usr/bin/parallel\0",
                Kind::Launcher,
            ),
            (
                "gunicorn: maste",
                "/usr/bin/python3",
                "gunicorn: master [app]\0",
                Kind::Program,
            ),
            // One file with many names (toybox), or an emulator.
            ("sh", "/app/server", "sh\0", Kind::Shell),
            // Where the file may not be looked at, the rest must do.
            ("sh", "", "sh\0-c\0app\0", Kind::Shell),
            ("start.sh", "", "/bin/bash\0/x/start.sh\0", Kind::Shell),
            (
                "a-very-long-nam",
                "",
                "/bin/sh\0./a-very-long-name.sh\0",
                Kind::Shell,
            ),
            ("app", "", "sh\0-c\0app\0", Kind::Program),
            ("npm start", "", "npm start\0", Kind::Launcher),
            ("app", "", "", Kind::Program),
            (
                "softstop-init",
                "/x/softstop-init",
                "/x/softstop-init\0drain\0",
                Kind::Drain,
            ),
            (
                "softstop-watch",
                "/x/softstop-init",
                "/x/softstop-init\0drain\0",
                Kind::Watch,
            ),
            (
                "softstop-init",
                "/x/softstop-init",
                "/x/softstop-init\0--\0drain\0",
                Kind::Softstop,
            ),
            ("", "", "\0\0\0", Kind::Program),
            (" ", "/", "-\0", Kind::Program),
        ] {
            assert_eq!(
                kind(name.as_bytes(), exe.as_bytes(), cmdline.as_bytes()),
                expected,
                "{name} {exe} {cmdline:?}"
            );
        }
    }

    #[test]
    fn a_program_that_drains_on_another_signal_is_known_by_file_script_or_title() {
        for (exe, cmdline, expected) in [
            (
                "/usr/sbin/nginx",
                "nginx: master process nginx\0",
                Signal::QUIT,
            ),
            (
                "/usr/bin/python3.13",
                "/opt/venv/bin/python3\0/opt/venv/bin/huey_consumer\0app.huey\0",
                Signal::INT,
            ),
            (
                "/usr/bin/ruby3.3",
                "unicorn master -c unicorn.rb\0",
                Signal::QUIT,
            ),
            ("/usr/sbin/haproxy", "haproxy\0-W\0", Signal::USR1),
            (
                "/usr/sbin/apache2",
                "apache2\0-DFOREGROUND\0",
                Signal::WINCH,
            ),
        ] {
            let found = drain_signal(exe.as_bytes(), cmdline.as_bytes());
            assert_eq!(found, expected.number(), "{exe} {cmdline:?}");
        }
        for (exe, cmdline) in [
            ("/usr/bin/python3", "python3\0app.py\0nginx\0"),
            ("/usr/bin/app", "app\0nginx\0"),
            ("", ""),
        ] {
            let found = drain_signal(exe.as_bytes(), cmdline.as_bytes());
            assert_eq!(found, 0, "{exe} {cmdline:?}");
        }
    }

    #[test]
    fn the_drain_signals_are_those_of_the_profiles() {
        use softstop_programs::profile::{Detect, Drain, PROFILES};
        for (list, signal) in DRAINS {
            for name in std::str::from_utf8(list).unwrap().split(' ') {
                let known = PROFILES.iter().any(|profile| {
                    profile.drain == Drain::On(signal)
                        && profile.detect.iter().any(
                            |detect| matches!(detect, Detect::Program(known) if *known == name),
                        )
                });
                assert!(known, "{name}");
            }
        }
    }

    #[test]
    fn it_agrees_with_the_tables() {
        use softstop_programs::launcher::{self, LAUNCHERS, Passing};
        use softstop_programs::profile::{Detect, Drain, PROFILES};
        for launcher in LAUNCHERS {
            let exe = format!("/usr/bin/{}", launcher.name);
            let found = kind(launcher.name.as_bytes(), exe.as_bytes(), exe.as_bytes());
            let expected: &[Kind] = match launcher.passing {
                Passing::Init => &[Kind::Init],
                Passing::GroupInit => &[Kind::Init, Kind::Launcher],
                Passing::Forwards | Passing::Swallows => &[Kind::Launcher, Kind::Init],
                Passing::Replaces | Passing::Foreign => &[Kind::Program, Kind::Launcher],
            };
            assert!(expected.contains(&found), "{launcher:?}: {found:?}");
        }
        for list in [SHELLS, OTHER_SHELLS] {
            for name in std::str::from_utf8(list).unwrap().split(' ') {
                use softstop_programs::shell::{Shell, by_name};
                let known = by_name(name);
                assert_eq!(
                    known == Some(Shell::Unsupported),
                    list == OTHER_SHELLS,
                    "{name}: {known:?}"
                );
            }
        }
        for profile in PROFILES {
            for detect in profile.detect {
                if let Detect::Program(name) = detect {
                    let found = kind(name.as_bytes(), name.as_bytes(), b"");
                    let idle = profile.drain == Drain::NoHandler;
                    assert!(
                        found == Kind::Program
                            || (idle && found == Kind::Idle)
                            || launcher::by_name(name).is_some(),
                        "{name}: {found:?}"
                    );
                }
            }
        }
    }
}
