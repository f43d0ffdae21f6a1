//! Programs that only start another one: wrappers, inits, package managers.

mod table;

pub use table::LAUNCHERS;

/// What a launcher does with the stop signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// It replaces itself by the program (`env`, `nice`, `gosu`): nothing stays in between.
    Replaces,
    /// It stays and hands SIGTERM on to its direct child (`timeout`, `sudo`, `uv run`).
    Forwards,
    /// An init: stays, reaps, hands the signal on to its child, ends when the child ends (`tini`).
    Init,
    /// Stays and signals the whole process group (`dumb-init`, `tini -g`, `timeout`): workers get the signal too.
    GroupInit,
    /// It stays and does not hand SIGTERM on, or kills the program soon after (`flock`, `su`, npm 9).
    Swallows,
    /// Another system's supervisor, which softstop leaves alone (Tekton's `entrypoint`, `argoexec`, `queue-proxy`).
    Foreign,
}

/// How the launcher's own words end and the program's begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// A word that has to come first (`bundle exec`, `poetry run`).
    pub subcommand: Option<&'static str>,
    /// Options that take a value: the following word, `--option=value`, or for one letter also `-n5`.
    pub valued: &'static [&'static str],
    /// Options without a value, and `--` where it ends the options. Any other word that starts with `-` means:
    /// not understood, do not peel.
    pub plain: &'static [&'static str],
    /// Of the valued options, those that translate signals (`dumb-init --rewrite 15:3`).
    pub rewrites: &'static [&'static str],
    /// Words before the program that are no options (`gosu USER`, `timeout DURATION`).
    pub operands: usize,
    /// `NAME=value` words may come before the program (`env`).
    pub assignments: bool,
}

/// One launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// Base name of the program; a whole path where the base name alone says too little (`/tekton/bin/entrypoint`).
    pub name: &'static str,
    /// What becomes of the signal.
    pub passing: Passing,
    /// What changes that.
    pub switch: Option<Switch>,
    /// How to find the program behind it; `None` where that cannot be read off the command line.
    pub grammar: Option<Grammar>,
}

/// An option or a variable that changes what a launcher does with the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Any of these options (they are in the grammar, too).
    pub flags: &'static [&'static str],
    /// A variable that does the same: its name, and the value it must have (`None`: any).
    pub env: Option<(&'static str, Option<&'static str>)>,
    /// What then becomes of the signal.
    pub passing: Passing,
}

/// The launcher that a command line starts, by its first word.
///
/// ```
/// use softstop_programs::launcher::by_name;
/// assert_eq!(by_name("/usr/bin/env").map(|l| l.name), Some("env"));
/// assert!(by_name("/tekton/bin/entrypoint").is_some());
/// assert!(by_name("/entrypoint").is_none());
/// ```
pub fn by_name(program: &str) -> Option<&'static Launcher> {
    let base = crate::base_name(program);
    LAUNCHERS
        .iter()
        .find(|l| l.name == base || l.name == program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_no_profile_has_them() {
        let unique: BTreeSet<_> = LAUNCHERS.iter().map(|l| l.name).collect();
        assert_eq!(unique.len(), LAUNCHERS.len());
        for launcher in LAUNCHERS {
            assert_eq!(by_name(launcher.name), Some(launcher));
            assert_eq!(crate::profile::by_name(launcher.name), None);
            assert_eq!(crate::shell::by_name(launcher.name), None);
        }
        assert_eq!(by_name(""), None);
    }

    #[test]
    fn options_are_options_and_stand_in_one_list() {
        for launcher in LAUNCHERS {
            let Some(grammar) = launcher.grammar else {
                continue;
            };
            for option in grammar.valued.iter().chain(grammar.plain) {
                assert!(option.starts_with('-'), "{} {option}", launcher.name);
            }
            assert!(
                !grammar.valued.iter().any(|o| grammar.plain.contains(o)),
                "{}",
                launcher.name
            );
        }
    }

    #[test]
    fn switches_can_be_read() {
        for launcher in LAUNCHERS {
            let Some(switch) = launcher.switch else {
                continue;
            };
            let grammar = launcher.grammar.unwrap();
            assert!(
                switch.flags.iter().all(|f| grammar.plain.contains(f)),
                "{}",
                launcher.name
            );
            assert_ne!(switch.passing, launcher.passing, "{}", launcher.name);
        }
    }

    #[test]
    fn what_another_system_supervises_is_never_looked_through() {
        for launcher in LAUNCHERS.iter().filter(|l| l.passing == Passing::Foreign) {
            assert_eq!(launcher.grammar, None, "{}", launcher.name);
        }
    }
}
