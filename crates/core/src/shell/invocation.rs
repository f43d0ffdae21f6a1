//! The command line of a shell: where its script stands.

use softstop_programs::base_name;
use softstop_programs::shell::{Dialect, Shell, by_name};

use crate::argv::Word;

/// What a shell's command line says. Indices count from the first word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// `sh -c TEXT [ZERO [ARGUMENT...]]`
    Text {
        dialect: Dialect,
        text: usize,
        zero: Option<usize>,
        login: bool,
    },
    /// `sh FILE`
    File { file: usize },
    /// Reads its commands from standard input, or `-c` without a text.
    NoScript,
    /// A shell softstop does not read.
    Unsupported,
    /// An option that changes what the shell does with the script, or that is not known.
    Option(usize),
}

/// Variables that make a shell do something before its script, or read it in another way.
pub(crate) const ENVIRONMENT: [&str; 3] = ["BASH_ENV", "SHELLOPTS", "BASHOPTS"];

/// Letters that leave the meaning of the script as it is. `o` and `O` take one following word each.
const LETTERS: &str = "cefhlmuvxabBCEpToO";
const LONG: [&str; 6] = [
    "--login",
    "--noprofile",
    "--norc",
    "--posix",
    "--noediting",
    "--verbose",
];
const LONG_VALUED: [&str; 2] = ["--rcfile", "--init-file"];

/// Reads a shell's command line; `None` if its first word is no shell.
pub(crate) fn read(words: &[Word]) -> Option<Invocation> {
    let first = words.first()?;
    let (dialect, start) = match by_name(base_name(&first.text))? {
        _ if !first.known => return None,
        Shell::Reads(dialect) => (dialect, 1),
        Shell::Unsupported => return Some(Invocation::Unsupported),
        Shell::Busybox => match words.get(1).map(|word| word.text.as_str()) {
            Some("sh" | "ash") => (Dialect::Posix, 2),
            _ => return None,
        },
    };
    Some(options(words, dialect, start))
}

fn options(words: &[Word], dialect: Dialect, start: usize) -> Invocation {
    let (mut string, mut login, mut next) = (false, false, start);
    while let Some(word) = words.get(next) {
        if !word.known && !string {
            return Invocation::Option(next);
        }
        let text = word.text.as_str();
        if !text.starts_with(['-', '+']) || text == "+" {
            break;
        }
        next += 1;
        if matches!(text, "-" | "--") {
            break;
        }
        if LONG_VALUED.contains(&text) {
            next += 1;
        } else if LONG.contains(&text) {
            login |= text == "--login";
        } else if text.starts_with("--")
            || !text[1..].chars().all(|letter| LETTERS.contains(letter))
        {
            return Invocation::Option(next - 1);
        } else {
            for letter in text[1..].chars() {
                match letter {
                    'c' if text.starts_with('+') => return Invocation::Option(next - 1),
                    'c' => string = true,
                    'l' => login = true,
                    'o' | 'O' => next += 1,
                    _ => {}
                }
            }
        }
    }
    match (words.get(next), string) {
        (Some(_), true) => {
            let zero = (next + 1 < words.len()).then_some(next + 1);
            Invocation::Text {
                dialect,
                text: next,
                zero,
                login,
            }
        }
        (Some(_), false) => Invocation::File { file: next },
        (None, _) => Invocation::NoScript,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(words: &[&str]) -> Option<Invocation> {
        let words: Vec<_> = words
            .iter()
            .map(|w| Word {
                text: (*w).into(),
                known: true,
            })
            .collect();
        read(&words)
    }

    #[allow(clippy::unnecessary_wraps, reason = "what read_all returns")]
    fn text(dialect: Dialect, text: usize, zero: Option<usize>, login: bool) -> Option<Invocation> {
        Some(Invocation::Text {
            dialect,
            text,
            zero,
            login,
        })
    }

    #[test]
    fn command_strings() {
        use Dialect::{Bash, Posix};
        assert_eq!(read_all(&["sh", "-c", "x"]), text(Posix, 2, None, false));
        assert_eq!(
            read_all(&["/bin/bash", "-lc", "x"]),
            text(Bash, 2, None, true)
        );
        assert_eq!(
            read_all(&["bash", "-euxo", "pipefail", "-c", "x"]),
            text(Bash, 4, None, false)
        );
        assert_eq!(
            read_all(&["bash", "-ceuo", "pipefail", "x"]),
            text(Bash, 3, None, false)
        );
        assert_eq!(
            read_all(&["sh", "-c", "-e", "x"]),
            text(Posix, 3, None, false)
        );
        assert_eq!(
            read_all(&["sh", "-c", "--", "x"]),
            text(Posix, 3, None, false)
        );
        assert_eq!(
            read_all(&["sh", "-c", "x", "zero", "one"]),
            text(Posix, 2, Some(3), false)
        );
        assert_eq!(
            read_all(&["busybox", "sh", "-c", "x"]),
            text(Posix, 3, None, false)
        );
        assert_eq!(
            read_all(&["bash", "--rcfile", "f", "-c", "x"]),
            text(Bash, 4, None, false)
        );
        assert_eq!(
            read_all(&["sh", "+e", "-c", "x"]),
            text(Posix, 3, None, false)
        );
    }

    #[test]
    fn everything_else() {
        assert_eq!(
            read_all(&["sh", "/start.sh", "-c"]),
            Some(Invocation::File { file: 1 })
        );
        assert_eq!(
            read_all(&["sh", "--", "-c", "x"]),
            Some(Invocation::File { file: 2 })
        );
        assert_eq!(read_all(&["sh"]), Some(Invocation::NoScript));
        assert_eq!(read_all(&["sh", "-c"]), Some(Invocation::NoScript));
        assert_eq!(
            read_all(&["bash", "-r", "-c", "x"]),
            Some(Invocation::Option(1))
        );
        assert_eq!(read_all(&["bash", "-ic", "x"]), Some(Invocation::Option(1)));
        assert_eq!(
            read_all(&["bash", "--restricted", "-c", "x"]),
            Some(Invocation::Option(1))
        );
        assert_eq!(read_all(&["sh", "+c", "x"]), Some(Invocation::Option(1)));
        assert_eq!(read_all(&["zsh", "-c", "x"]), Some(Invocation::Unsupported));
        assert_eq!(read_all(&["busybox", "httpd"]), None);
        assert_eq!(read_all(&["python", "-c", "x"]), None);
        assert_eq!(read_all(&[]), None);
    }
}
