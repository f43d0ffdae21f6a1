//! Which program names are shells, and in which dialect their scripts are read.

/// The language a script is read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `sh`, `ash`, `dash`, `busybox sh`: only what dash, bash, busybox, mksh and ksh93 all agree on.
    Posix,
    /// `bash`.
    Bash,
}

/// A shell, as its program name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// A shell whose scripts softstop can read.
    Reads(Dialect),
    /// A shell softstop does not read (zsh, ksh, fish, ...). It still is one: it may swallow a signal.
    Unsupported,
    /// `busybox`: a shell when its next word is `sh` or `ash`.
    Busybox,
}

/// The shell of that base name, if it is one.
pub fn by_name(base_name: &str) -> Option<Shell> {
    Some(match base_name {
        "sh" | "ash" | "dash" => Shell::Reads(Dialect::Posix),
        "bash" => Shell::Reads(Dialect::Bash),
        "busybox" => Shell::Busybox,
        "zsh" | "ksh" | "ksh93" | "mksh" | "lksh" | "yash" | "fish" | "csh" | "tcsh" | "pwsh"
        | "rbash" => Shell::Unsupported,
        _ => return None,
    })
}
