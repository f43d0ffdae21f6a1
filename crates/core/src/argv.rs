//! Words of a command line as far as they are known, and the launchers in front of the program.

use softstop_programs::{
    launcher::{self, Grammar, Launcher, Passing},
    signal::Signal,
};

/// One word of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word after quote removal. Parts that only run time knows stand as written (`$D/bin/app`).
    pub(crate) text: String,
    /// All of it is known.
    pub(crate) known: bool,
}

/// Launchers peeled off the front of a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peeled {
    /// What stands in front of the program, outermost first.
    pub(crate) launchers: Vec<Peel>,
    /// Index of the first word of the program; the length of the command line where nothing is left.
    pub(crate) rest: usize,
    /// The outermost launcher whose command line was not understood; peeling stopped there and `rest` points at it.
    pub(crate) unread: Option<&'static Launcher>,
}

/// One launcher that was peeled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peel {
    /// Which.
    pub(crate) launcher: &'static Launcher,
    /// What it does with SIGTERM, with the options it was given (`tini -g` is a group init, `dumb-init -c` is not).
    pub(crate) passing: Passing,
    /// Index of its own word.
    pub(crate) at: usize,
    /// `NAME=value` words it sets for the program (`env`): indices, the end excluded.
    pub(crate) assignments: (usize, usize),
    /// What it sends instead of SIGTERM (`dumb-init --rewrite 15:3`).
    pub(crate) term_becomes: Option<Signal>,
}

impl Word {
    /// The program this word names: all of it where it is known; the base name where run time
    /// knows only the directory (`$VENV/bin/gunicorn`).
    pub(crate) fn program(&self) -> Option<&str> {
        if self.known {
            return Some(&self.text);
        }
        let (_, base) = self.text.rsplit_once('/')?;
        (!base.contains(['$', '`'])).then_some(base)
    }
}

impl Peel {
    /// What it does with SIGTERM in a container with this environment (`TINI_KILL_PROCESS_GROUP`,
    /// `DUMB_INIT_SETSID`). `env` gives the literal value of a variable.
    pub(crate) fn passing_in<'a>(&self, env: impl Fn(&str) -> Option<&'a str>) -> Passing {
        let by_option = self.passing != self.launcher.passing;
        match self.launcher.switch {
            Some(switch)
                if !by_option
                    && switch.env.is_some_and(|(name, wanted)| {
                        env(name).is_some_and(|value| wanted.is_none_or(|w| w == value))
                    }) =>
            {
                switch.passing
            }
            _ => self.passing,
        }
    }
}

/// Peels launchers, in any order, repeatedly.
///
/// It is strict: a launcher with an option that its table row does not name is not peeled, because
/// where the program begins would be a guess.
pub(crate) fn peel(argv: &[Word]) -> Peeled {
    let mut peeled = Peeled::default();
    while let Some(launcher) = argv
        .get(peeled.rest)
        .and_then(Word::program)
        .and_then(launcher::by_name)
    {
        let Some((peel, rest)) = read(launcher, argv, peeled.rest) else {
            peeled.unread = Some(launcher);
            break;
        };
        peeled.launchers.push(peel);
        peeled.rest = rest;
    }
    peeled
}

/// Reads the words of the launcher at `at`; gives the index of the first word behind them.
fn read(launcher: &'static Launcher, argv: &[Word], at: usize) -> Option<(Peel, usize)> {
    let grammar = launcher.grammar?;
    let mut peel = Peel {
        launcher,
        passing: launcher.passing,
        at,
        assignments: (0, 0),
        term_becomes: None,
    };
    let mut next = at + 1;
    if let Some(subcommand) = grammar.subcommand {
        argv.get(next)
            .filter(|word| word.known && word.text == subcommand)?;
        next += 1;
    }

    while let Some(word) = argv.get(next).filter(|word| word.text.starts_with('-')) {
        next += 1;
        if word.text == "--" {
            grammar.plain.contains(&"--").then_some(())?;
            break;
        }
        match option(&grammar, word)? {
            Reading::Plain => {
                if let Some(switch) = launcher
                    .switch
                    .filter(|s| s.flags.iter().any(|f| has(&word.text, f)))
                {
                    peel.passing = switch.passing;
                }
            }
            Reading::Valued { option, value } => {
                let value = if let Some(value) = value {
                    value
                } else {
                    next += 1;
                    &argv.get(next - 1)?.text
                };
                if grammar.rewrites.contains(&option) {
                    rewrite(&mut peel, value)?;
                }
            }
        }
    }

    next += grammar.operands;
    if next > argv.len() {
        return None;
    }
    if grammar.assignments {
        let count = argv[next..]
            .iter()
            .take_while(|word| is_assignment(word))
            .count();
        peel.assignments = (next, next + count);
        next += count;
    }
    // An option after the operands belongs to nobody the table knows.
    let option_follows = argv
        .get(next)
        .is_some_and(|word| word.text.starts_with('-'));
    (!option_follows).then_some((peel, next))
}

/// What one option word says.
enum Reading<'a> {
    /// Options without a value; `-sg` is two of them.
    Plain,
    /// An option and its value, where that is in the same word.
    Valued {
        option: &'a str,
        value: Option<&'a str>,
    },
}

fn option<'a>(grammar: &Grammar, word: &'a Word) -> Option<Reading<'a>> {
    let text = word.text.as_str();
    if let Some((option, value)) = text.split_once('=')
        && option.starts_with("--")
        && grammar.valued.contains(&option)
    {
        return Some(Reading::Valued {
            option,
            value: Some(value),
        });
    }
    if !word.known {
        return None;
    }
    if grammar.valued.contains(&text) {
        return Some(Reading::Valued {
            option: text,
            value: None,
        });
    }
    if grammar.plain.contains(&text) {
        return Some(Reading::Plain);
    }
    if text.starts_with("--") {
        return None;
    }
    if let Some((option, value)) = text.split_at_checked(2)
        && grammar.valued.contains(&option)
    {
        return Some(Reading::Valued {
            option,
            value: Some(value),
        });
    }
    let mut letters = text.chars().skip(1);
    let plain = |letter: char| grammar.plain.iter().any(|option| is_letter(option, letter));
    (text.len() > 1 && letters.all(plain)).then_some(Reading::Plain)
}

/// Whether an understood option word is, or as a cluster of letters contains, this option.
fn has(text: &str, option: &str) -> bool {
    text == option
        || !text.starts_with("--") && text.chars().skip(1).any(|letter| is_letter(option, letter))
}

fn is_letter(option: &str, letter: char) -> bool {
    option
        .strip_prefix('-')
        .is_some_and(|rest| rest.chars().eq([letter]) && letter != '-')
}

/// Notes `15:3`, the only rewriting that matters for a stop. Signal 0 means that SIGTERM is dropped.
fn rewrite(peel: &mut Peel, value: &str) -> Option<()> {
    let (from, to) = value.split_once(':')?;
    let (from, to): (u8, u8) = (from.parse().ok()?, to.parse().ok()?);
    if from == Signal::TERM.number() {
        peel.term_becomes = Signal::from_number(to);
        if to == 0 {
            peel.passing = Passing::Swallows;
        }
    }
    Some(())
}

/// `NAME=value` with a name that is written out; the value may be anything.
fn is_assignment(word: &Word) -> bool {
    let name = word.text.split_once('=').map(|(name, _)| name);
    name.is_some_and(|n| !n.is_empty() && !n.contains(['$', '`', '/', '-']))
}

#[cfg(test)]
mod tests;
