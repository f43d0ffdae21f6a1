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
    let rest = |c: char| {
        starts_name(c) || "+-@:,".contains(c) || !c.is_ascii() || (pattern && "*?[]".contains(c))
    };
    // ksh93 takes `name:` for a label and runs what follows, and `.a=` for an assignment.
    name.starts_with(starts_name)
        && name.chars().all(rest)
        && !name.ends_with(':')
        && (!pattern || path)
}

/// `%1` is a job, `-x` and `+x` are options.
pub(super) fn starts_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./~".contains(c)
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
