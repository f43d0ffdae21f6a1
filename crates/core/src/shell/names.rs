//! Names with a meaning of their own.

/// Builtins, and aliases set from the start (`r`), of any of dash, bash, busybox, mksh, ksh93, zsh and yash, sorted.
const BUILTINS: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "array",
    "autoload",
    "bg",
    "bgctl",
    "bind",
    "bindkey",
    "break",
    "builtin",
    "caller",
    "cd",
    "chdir",
    "command",
    "compgen",
    "complete",
    "compopt",
    "compound",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "emulate",
    "enable",
    "enum",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "float",
    "functions",
    "getopts",
    "global",
    "hash",
    "help",
    "hist",
    "history",
    "inlib",
    "integer",
    "jobs",
    "kill",
    "let",
    "local",
    "login",
    "logout",
    "mapfile",
    "nameref",
    "newgrp",
    "nocorrect",
    "noglob",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "r",
    "read",
    "readarray",
    "readonly",
    "redirect",
    "rehash",
    "rename",
    "repeat",
    "return",
    "set",
    "setopt",
    "shift",
    "shopt",
    "source",
    "stop",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unhash",
    "unset",
    "unsetopt",
    "vared",
    "wait",
    "whence",
    "where",
    "which",
    "zmodload",
];

/// Words the grammar reserves where a command name may stand.
const RESERVED: &[&str] = &[
    "!", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function",
    "if", "in", "select", "then", "time", "until", "while", "{", "}",
];

/// Reserved words that end a list.
const CLOSING: &[&str] = &["do", "done", "elif", "else", "esac", "fi", "then", "}"];

/// Whether some shell runs that name without a program.
pub fn is_builtin(name: &str) -> bool {
    BUILTINS.binary_search(&name).is_ok()
}

/// Whether the grammar reserves the word.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

/// Whether the reserved word ends a list.
pub(super) fn is_closing(word: &str) -> bool {
    CLOSING.binary_search(&word).is_ok()
}

/// Length of the variable name that the text starts with; 0 if it starts with none.
pub(super) fn identifier(text: &[u8]) -> usize {
    match text.first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'_' => text
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
            .unwrap_or(text.len()),
        _ => 0,
    }
}

/// Whether every shell takes the word, after quote removal, for the name of a program.
pub(super) fn is_program_name(name: &str, pattern: bool) -> bool {
    let path = ["/", "./", "~/"]
        .iter()
        .any(|start| name.starts_with(start));
    let rest = |c: char| continues_name(c) || (pattern && "*?[]".contains(c));
    // ksh93 takes `name:` for a label and runs what follows, and `.a=` for an assignment.
    name.starts_with(starts_name)
        && name.chars().all(rest)
        && !name.ends_with(':')
        && (!pattern || path)
}

/// The same for a word that is computed, as it is written but for its quotes: whatever its variables hold. They may hold nothing, so
/// that what stands behind them starts the name: `$x-/` is an option then.
pub(super) fn is_computed_program_name(word: &str) -> bool {
    let mut rest = word;
    let mut begun = false;
    while let Some(c) = rest.chars().next() {
        let length = if c == '$' {
            variable(rest)
        } else {
            let known = if begun {
                continues_name(c)
            } else {
                starts_name(c)
            };
            begun = true;
            known.then(|| c.len_utf8())
        };
        match length.and_then(|length| rest.get(length..)) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    !word.ends_with(':')
}

/// Length of the `$name`, `$1` or `${...}` that the text starts with.
fn variable(text: &str) -> Option<usize> {
    let behind = &text[1..];
    match identifier(behind.as_bytes()) {
        0 => {}
        length => return Some(1 + length),
    }
    let mut depth = 0;
    for (at, c) in behind.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if at == 0 => return (c.is_ascii_digit() || "@*#?-$!".contains(c)).then_some(2),
            _ => {}
        }
        if depth == 0 {
            return Some(1 + at + 1);
        }
    }
    None
}

/// `%1` is a job, `-x` and `+x` are options.
fn starts_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./~".contains(c)
}

/// yash has variables with other letters than ASCII's, so `é=` is an assignment there.
fn continues_name(c: char) -> bool {
    starts_name(c) || "+-@:,".contains(c) || !c.is_ascii()
}

/// Builtins that give variables attributes.
pub(super) const ATTRIBUTES: &[&str] = &[
    "compound", "declare", "enum", "float", "integer", "local", "nameref", "readonly", "typeset",
];

/// Whether ksh93 reads subscripts behind a builtin, also behind `command`.
pub(super) fn reads_subscripts(builtin: &str) -> bool {
    ATTRIBUTES.contains(&builtin) || matches!(builtin, "alias" | "command" | "export")
}

/// `name[` without a `]`: in a redirection, and behind [some builtins](reads_subscripts), ksh93 takes it for the start of a
/// subscript and reads on through blanks and operators to the `]`.
pub(super) fn opens_subscript(raw: &str) -> bool {
    let name = identifier(raw.as_bytes());
    name > 0 && raw[name..].starts_with('[') && raw.rfind('[') > raw.rfind(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        for table in [BUILTINS, RESERVED, CLOSING] {
            assert!(table.is_sorted(), "{table:?}");
        }
    }

    #[test]
    fn computed_names_are_names_whatever_the_variables_hold() {
        for name in [
            "$HOME/bin/app",
            "${VENV:-/venv}/bin/python3.11",
            "$x$y/a-b@1",
            "${a:-${b}}/app",
            "/opt/$1/é",
        ] {
            assert!(is_computed_program_name(name), "{name}");
        }
        for name in [
            "$x-/", "${x}+/", "%$x/", "$x%/", "$x:/", "$x=/", "Aé=$x/", "$((1))/", "$(x)/",
            "$x/a b", "${x/", "$", "$/",
        ] {
            assert!(!is_computed_program_name(name), "{name}");
        }
    }

    #[test]
    fn identifiers_end_where_they_should() {
        for (text, length) in [
            ("", 0),
            ("a", 1),
            ("_x9=1", 3),
            ("9a", 0),
            ("a-b", 1),
            ("é", 0),
            ("aé", 1),
        ] {
            assert_eq!(identifier(text.as_bytes()), length, "{text}");
        }
    }
}
