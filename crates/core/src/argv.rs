//! Words of a command line as far as they are known, and the launchers in front of the program.

/// One word of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word after quote removal. Parts that only run time knows stand as written (`$D/bin/app`).
    pub text: String,
    /// All of it is known.
    pub known: bool,
}

/// Launchers peeled off the front of a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peeled {
    /// What stands in front of the program, outermost first.
    pub launchers: Vec<Peel>,
    /// Index of the first word of the program; the length of the command line where nothing is left.
    pub rest: usize,
    /// The outermost launcher whose command line was not understood; peeling stopped there and `rest` points at it.
    pub unread: Option<&'static softstop_programs::launcher::Launcher>,
}

/// One launcher that was peeled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peel {
    /// Which.
    pub launcher: &'static softstop_programs::launcher::Launcher,
    /// What it does with SIGTERM, with the options it was given (`tini -g` is a group init, `dumb-init -c` is not).
    pub passing: softstop_programs::launcher::Passing,
    /// Index of its own word.
    pub at: usize,
    /// `NAME=value` words it sets for the program (`env`): indices.
    pub assignments: (usize, usize),
}

/// Peels launchers, in any order, repeatedly.
pub fn peel(_argv: &[Word]) -> Peeled {
    todo!()
}
