//! What an argv runs: launchers, then a program or a shell with its script.

mod opaque;

pub(crate) use opaque::Opaque;

use softstop_programs::base_name;
use softstop_programs::launcher::{Launcher, Passing};
use softstop_programs::profile::{Drain, Profile};
use softstop_programs::shell::{Dialect, Shell, by_name};

use super::argv::Argv;
use super::env::Env;
use super::{INIT, profile};
use crate::Runtime;
use crate::argv::{Peel, Peeled, Word, peel};
use crate::expand::Unreadable;
use crate::shell::invocation::{self, Invocation};
use crate::shell::{Command, Reading, SourcedFiles};

/// Environment variables with which a shell runs other code than its script shows.
const SHELL_ENV: [&str; 3] = crate::shell::invocation::ENVIRONMENT;

/// What the effective argv runs.
#[derive(Debug)]
pub(crate) enum Runs {
    /// The image decides, and no facts tell.
    Unknown,
    /// Nothing: neither `command` nor ENTRYPOINT nor CMD.
    Nothing,
    /// softstop-init is there already, and behind it this program, as far as it can be told.
    Init(Option<Box<Program>>),
    /// A program, without a shell.
    Program(Program),
    /// A shell with its script on the command line.
    Script(Box<Script>),
    /// A shell that is given a file.
    File {
        launchers: Vec<Peel>,
        shell: String,
        file: String,
    },
    /// A shell whose script cannot be read, and why.
    Opaque {
        launchers: Vec<Peel>,
        shell: String,
        arg: usize,
        why: Opaque,
    },
}

/// A program with its command line.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// What stands in front of it.
    pub(crate) launchers: Vec<Peel>,
    /// A launcher whose command line was not understood: the program behind it is not known.
    pub(crate) unread: Option<&'static Launcher>,
    /// Its command line, launchers left out.
    pub(crate) words: Vec<Word>,
    /// Base name of its first word.
    pub(crate) name: String,
    pub(crate) profile: Option<&'static Profile>,
    /// Variables set for it alone, in front of it.
    vars: Vec<(String, Option<String>)>,
}

impl Program {
    pub(super) fn read(
        words: &[Word],
        vars: &[(String, Option<String>)],
        runtime: Runtime,
    ) -> Self {
        let Peeled {
            launchers,
            rest,
            unread,
        } = peel(words);
        let mut vars = vars.to_vec();
        for peel in &launchers {
            for word in words
                .get(peel.assignments.0..peel.assignments.1)
                .unwrap_or_default()
            {
                if let Some((name, value)) = word.text.split_once('=') {
                    vars.push((name.to_owned(), word.known.then(|| value.to_owned())));
                }
            }
        }
        let words = words.get(rest..).unwrap_or_default().to_vec();
        let profile = match runtime {
            // An unread launcher is looked up too: `apache2ctl` says which server it starts.
            Runtime::Auto => profile::detect(&words),
            Runtime::Profile(profile) => Some(profile),
            Runtime::None => None,
        };
        Self {
            launchers,
            unread,
            name: super::process_name(words.first()),
            words,
            profile,
            vars,
        }
    }

    /// The value of a variable that is set for this program alone.
    pub(crate) fn env(&self, name: &str) -> Option<&str> {
        self.vars
            .iter()
            .rev()
            .find(|(key, _)| key == name)?
            .1
            .as_deref()
    }

    pub(crate) fn sets(&self, name: &str) -> bool {
        self.vars.iter().any(|(key, _)| key == name)
    }

    /// The launcher that keeps a stop signal from the program, if there is one.
    pub(crate) fn swallower(&self) -> Option<&'static Launcher> {
        swallower(&self.launchers).or(self
            .unread
            .filter(|launcher| launcher.passing == Passing::Swallows))
    }

    /// Whether its own words say which program it is, and not the setting `runtime` alone.
    pub(crate) fn names_itself(&self) -> bool {
        profile::detect(&self.words).is_some()
    }

    pub(crate) fn is_shell(&self) -> bool {
        match by_name(&self.name) {
            None => false,
            // Only some of its applets are.
            Some(Shell::Busybox) => invocation::read(&self.words).is_some(),
            Some(_) => true,
        }
    }

    fn rank(&self) -> u8 {
        match self.profile.map(|profile| profile.drain) {
            Some(Drain::On(_) | Drain::Never) => 3,
            Some(Drain::Application) => 2,
            None => 1,
            Some(Drain::NoHandler) => 0,
        }
    }
}

/// A shell's script, read.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) launchers: Vec<Peel>,
    /// Base name of the shell.
    pub(crate) shell: String,
    /// Index of the script in the argv.
    pub(crate) arg: usize,
    /// Index of the first word after the script, which the shell takes as `$0`.
    pub(crate) zero: Option<usize>,
    pub(crate) login: bool,
    pub(crate) dialect: Dialect,
    pub(crate) reading: Reading,
    /// The external programs in tail position, in order.
    pub(crate) tails: Vec<Program>,
    /// The program that does the work, as far as it can be told.
    main: Option<Program>,
}

impl Script {
    /// The script runs another program beside the one in tail position.
    pub(crate) fn runs_before_tail(&self) -> bool {
        external(&self.reading).any(|command| !command.tail)
    }

    /// Its known programs drain on different signals, or some on none.
    pub(crate) fn is_mixed(&self, runtime: Runtime) -> bool {
        let mut drains = external(&self.reading)
            .filter_map(|command| Program::read(&command.words, &[], runtime).profile)
            .map(|profile| profile.drain)
            .filter(|drain| matches!(drain, Drain::On(_) | Drain::Never));
        let first = drains.next();
        drains.any(|other| Some(other) != first)
    }
}

impl Runs {
    pub(crate) fn read(
        argv: &Argv<'_>,
        env: &Env<'_>,
        runtime: Runtime,
        sourced: SourcedFiles,
    ) -> Self {
        if argv.origin == super::argv::Origin::Unknown {
            return Self::Unknown;
        }
        let Some(first) = argv.words.first() else {
            return Self::Nothing;
        };
        if !(first.known && base_name(&first.text) == INIT) {
            return Self::read_from(argv, 0, env, runtime, sourced);
        }
        let behind = argv.words.iter().position(|word| word.text == "--");
        let program = match behind.map(|at| Self::read_from(argv, at + 1, env, runtime, sourced)) {
            Some(Self::Program(program)) => Some(program),
            Some(Self::Script(script)) => script.main,
            _ => None,
        };
        Self::Init(program.map(Box::new))
    }

    /// Reads the words from `start` on.
    fn read_from(
        argv: &Argv<'_>,
        start: usize,
        env: &Env<'_>,
        runtime: Runtime,
        sourced: SourcedFiles,
    ) -> Self {
        let words = &argv.words[start..];
        let mut peeled = peel(words);
        peeled.rest += start;
        let rest = argv.words.get(peeled.rest..).unwrap_or_default();
        let Some(invocation) = peeled
            .unread
            .is_none()
            .then(|| invocation::read(rest))
            .flatten()
        else {
            return Self::Program(Program::read(words, &[], runtime));
        };
        let launchers = peeled.launchers;
        let shell = super::process_name(rest.first());
        let opaque = |arg: usize, why| (peeled.rest + arg, why);
        let (arg, why) = match invocation {
            Invocation::Text {
                dialect,
                text,
                zero,
                login,
            } => {
                let arg = peeled.rest + text;
                let item = &argv.args[arg];
                match unreadable(item.unreadable(), env) {
                    None => {
                        let reading = crate::shell::read_with(item.text(), dialect, sourced);
                        let zero = zero.map(|zero| peeled.rest + zero);
                        let (tails, main) = programs(&reading, runtime);
                        return Self::Script(Box::new(Script {
                            launchers,
                            shell,
                            arg,
                            zero,
                            login,
                            dialect,
                            reading,
                            tails,
                            main,
                        }));
                    }
                    Some(why) => opaque(text, why),
                }
            }
            Invocation::File { file } => {
                let file = rest[file].text.clone();
                return Self::File {
                    launchers,
                    shell,
                    file,
                };
            }
            Invocation::NoScript => opaque(0, Opaque::NoScript),
            Invocation::Unsupported => opaque(0, Opaque::Shell),
            Invocation::Option(at) => opaque(at, Opaque::Option),
        };
        Self::Opaque {
            launchers,
            shell,
            arg,
            why,
        }
    }

    pub(crate) fn launchers(&self) -> &[Peel] {
        match self {
            Self::Unknown | Self::Nothing | Self::Init(_) => &[],
            Self::Program(program) => &program.launchers,
            Self::Script(script) => &script.launchers,
            Self::File { launchers, .. } | Self::Opaque { launchers, .. } => launchers,
        }
    }

    /// The launcher in front of it all that keeps a stop signal, if there is one.
    pub(crate) fn swallower(&self) -> Option<&'static Launcher> {
        swallower(self.launchers())
    }

    /// Whether something runs that the command does not show.
    pub(crate) fn hides_program(&self) -> bool {
        matches!(
            self,
            Self::Unknown | Self::File { .. } | Self::Opaque { .. }
        )
    }

    pub(crate) fn main_program(&self) -> Option<&Program> {
        match self {
            Self::Program(program) => Some(program),
            Self::Script(script) => script.main.as_ref(),
            Self::Init(program) => program.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn script(&self) -> Option<&Script> {
        match self {
            Self::Script(script) => Some(script),
            _ => None,
        }
    }
}

fn swallower(launchers: &[Peel]) -> Option<&'static Launcher> {
    let mut peels = launchers.iter();
    let peel = peels.find(|peel| peel.passing == Passing::Swallows)?;
    Some(peel.launcher)
}

fn unreadable(why: Option<Unreadable>, env: &Env<'_>) -> Option<Opaque> {
    match why {
        Some(Unreadable::HiddenVariable) => return Some(Opaque::HiddenVariable),
        Some(Unreadable::DollarBeforeNonAscii) => return Some(Opaque::Garbled),
        None => {}
    }
    env.names()
        .any(|name| SHELL_ENV.contains(&name) || (name.starts_with("BASH_FUNC_")))
        .then_some(Opaque::Environment)
}

/// The programs in tail position, and the one that does the work: of several, the one softstop knows best. A tail that
/// only idles (`julia app.jl; sleep 1`) leaves that to a known program before it.
fn programs(reading: &Reading, runtime: Runtime) -> (Vec<Program>, Option<Program>) {
    let read = |command: &Command| Program::read(&command.words, &command.assignments, runtime);
    let best = |programs: &[Program]| {
        programs
            .iter()
            .rev()
            .max_by_key(|program| program.rank())
            .cloned()
    };
    let tails: Vec<_> = external(reading)
        .filter(|command| command.tail)
        .map(read)
        .collect();
    let tail = best(&tails);
    if tail.as_ref().is_some_and(|tail| tail.rank() > 0) {
        return (tails, tail);
    }
    let all: Vec<_> = external(reading).map(read).collect();
    let known = best(&all).filter(|program| tail.is_none() || program.rank() > 1);
    (tails, known.or(tail))
}

/// The commands that are not the shell's own.
fn external(reading: &Reading) -> impl Iterator<Item = &Command> {
    reading.commands.iter().filter(|command| {
        let first = command.words.first();
        first.is_some_and(|word| !crate::shell::is_builtin(&word.text))
    })
}
