//! What an interpreter runs: the script or module behind its own options.

use super::profile::is_named;
use crate::argv::Word;

/// The options of an interpreter, as far as they decide where the script begins.
pub(super) struct Interpreter {
    names: &'static [&'static str],
    /// Letters without a value.
    plain: &'static str,
    /// Letters whose value is the rest of the word, or the next word.
    valued: &'static str,
    /// Letters whose value, if any, is the rest of the word.
    attached: &'static str,
    /// Long options that are followed by source text. (A letter that is in no list may be one of those, or unknown:
    /// then no script is read.)
    code_long: &'static [&'static str],
    /// The letter that is followed by a module.
    module: Option<char>,
    /// Long options that take the next word as their value.
    valued_long: &'static [&'static str],
    /// Long options that are not listed are taken for options without a value; else for unknown.
    lenient: bool,
}

/// What an interpreter runs.
pub(super) struct Runs<'a> {
    /// The script as written, or the module.
    pub(super) name: &'a str,
    /// It is a module (`-m`).
    pub(super) is_module: bool,
    /// Index of the first word behind it.
    pub(super) words: usize,
}

static INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: &["python", "pypy"],
        plain: "bBdEhiIOPqRsSuvVx",
        valued: "WX",
        attached: "",
        code_long: &[],
        module: Some('m'),
        valued_long: &["--check-hash-based-pycs"],
        lenient: false,
    },
    Interpreter {
        names: &["ruby"],
        plain: "acdhlnpsSUvwy",
        valued: "CEIr",
        attached: "0FiKTWx",
        code_long: &[],
        module: None,
        valued_long: &[],
        lenient: true,
    },
    Interpreter {
        names: &["node", "nodejs"],
        plain: "chiv",
        valued: "Cr",
        attached: "",
        code_long: &["--eval", "--print"],
        module: None,
        valued_long: &[
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "--conditions",
            "--env-file",
            "--title",
        ],
        lenient: true,
    },
];

/// The interpreter of that base name, if it is one whose programs have profiles of their own.
pub(super) fn by_name(name: &str) -> Option<&'static Interpreter> {
    INTERPRETERS
        .iter()
        .find(|i| i.names.iter().any(|n| is_named(name, n)))
}

/// What one option word means for the words behind it.
enum Step<'a> {
    /// So many words are read.
    Skip(usize),
    /// A module follows: in this word, or (`None`) in the next.
    Module(Option<&'a str>),
}

impl Interpreter {
    /// The script or module among the words behind the interpreter; `None` where it runs source text, reads standard
    /// input, or has an option that is not known.
    pub(super) fn runs<'a>(&self, words: &'a [Word]) -> Option<Runs<'a>> {
        let mut at = 0;
        loop {
            let word = words.get(at)?;
            if word.text == "--" {
                at += 1;
                break;
            }
            if !word.text.starts_with('-') {
                break;
            }
            if !word.known {
                return None;
            }
            match self.step(&word.text)? {
                Step::Skip(count) => at += count,
                Step::Module(Some(name)) => {
                    return Some(Runs {
                        name,
                        is_module: true,
                        words: at + 1,
                    });
                }
                Step::Module(None) => {
                    let name = words.get(at + 1).filter(|word| word.known)?;
                    return Some(Runs {
                        name: &name.text,
                        is_module: true,
                        words: at + 2,
                    });
                }
            }
        }
        let name = words.get(at)?.program()?;
        Some(Runs {
            name,
            is_module: false,
            words: at + 1,
        })
    }

    fn step<'a>(&self, option: &'a str) -> Option<Step<'a>> {
        if option.starts_with("--") {
            let name = option.split_once('=').map_or(option, |(name, _)| name);
            if self.code_long.contains(&name) {
                return None;
            }
            let valued = self.valued_long.contains(&name);
            return (valued || self.lenient)
                .then_some(Step::Skip(1 + usize::from(valued && name == option)));
        }
        let letters = option
            .strip_prefix('-')
            .filter(|letters| !letters.is_empty())?;
        for (index, letter) in letters.char_indices() {
            let rest = letters
                .get(index + letter.len_utf8()..)
                .filter(|rest| !rest.is_empty());
            if self.module == Some(letter) {
                return Some(Step::Module(rest));
            }
            if self.valued.contains(letter) {
                return Some(Step::Skip(if rest.is_some() { 1 } else { 2 }));
            }
            if self.attached.contains(letter) {
                return Some(Step::Skip(1));
            }
            if !self.plain.contains(letter) {
                return None;
            }
        }
        Some(Step::Skip(1))
    }
}
