//! Programs that only start another one: wrappers, inits, package managers.

/// What a launcher does with the stop signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// It replaces itself by the program (`env`, `nice`, `gosu`): nothing stays in between.
    Replaces,
    /// It stays and hands SIGTERM on to its direct child (`timeout`, `sudo`, `uv run`).
    Forwards,
    /// An init: stays, reaps, hands the signal on to its child, ends when the child ends (`tini`).
    Init,
    /// An init that signals the whole process group (`dumb-init`, `tini -g`): workers get the signal too.
    GroupInit,
    /// It stays and does not hand SIGTERM on, or kills the program soon after (`flock`, `su`, npm 9).
    Swallows,
    /// Another system's supervisor, which softstop leaves alone (Tekton's `entrypoint`, `argoexec`, `queue-proxy`).
    Foreign,
}

/// How the launcher's own words end and the program's begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// Options that take a following word as their value.
    pub valued: &'static [&'static str],
    /// Options without a value. Any other word that starts with `-` means: not understood, do not peel.
    pub plain: &'static [&'static str],
    /// Words before the program that are no options (`gosu USER`, `timeout DURATION`).
    pub operands: usize,
    /// `NAME=value` words may come before the program (`env`).
    pub assignments: bool,
}

/// One launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// Base name of the program.
    pub name: &'static str,
    /// What becomes of the signal.
    pub passing: Passing,
    /// How to find the program behind it; `None` where that cannot be read off the command line.
    pub grammar: Option<Grammar>,
}
