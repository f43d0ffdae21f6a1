//! Scripts that cannot be read.

/// Why a shell's script cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opaque {
    /// zsh, ksh, fish and their like.
    Shell,
    /// An option that changes what the shell does with the script.
    Option,
    /// No script: it reads standard input.
    NoScript,
    /// A `$(VAR)` whose value cannot be seen.
    HiddenVariable,
    /// `$` before a non-ASCII character, which the kubelet garbles.
    Garbled,
    /// `BASH_ENV`, `SHELLOPTS` or an exported function changes what the script means.
    Environment,
}

impl Opaque {
    /// Stable reason code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Shell => "unsupported-shell",
            Self::Option => "shell-option",
            Self::NoScript => "no-script",
            Self::HiddenVariable => "hidden-variable",
            Self::Garbled => "garbled-variable",
            Self::Environment => "shell-environment",
        }
    }

    /// The shortest way for the user to get rid of it.
    pub(crate) const fn way_out(self) -> &'static str {
        match self {
            Self::Shell => "use sh or bash, or put `exec` before the program yourself",
            Self::Option => "remove the option, or put `exec` before the program yourself",
            Self::NoScript => "give the shell a script with -c",
            Self::HiddenVariable => {
                "use the variable as the shell's own, $VAR, and put `exec` before the program yourself"
            }
            Self::Garbled => "write $$ where the shell is to see a $",
            Self::Environment => "remove the variable, or put `exec` before the program yourself",
        }
    }

    /// One sentence without a full stop.
    pub(crate) const fn explain(self) -> &'static str {
        match self {
            Self::Shell => "softstop does not read scripts of this shell",
            Self::Option => "an option of the shell changes what it does with the script",
            Self::NoScript => "the shell gets no script and reads its standard input",
            Self::HiddenVariable => "the script contains a $(VAR) whose value softstop cannot see",
            Self::Garbled => "the kubelet garbles a $ before a non-ASCII character",
            Self::Environment => {
                "an environment variable (BASH_ENV, SHELLOPTS, an exported function) changes what the script means"
            }
        }
    }
}
