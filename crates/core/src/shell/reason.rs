//! Why a script is refused: stable codes, what each is, and the shortest way out.

/// Declares the reasons as one flat table: variant, code, explanation, way out.
macro_rules! reasons {
    ($($variant:ident, $code:literal, $explain:literal, $way_out:literal;)*) => {
        /// Stable reasons of refusals.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $explain] $variant,)*
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it is, in one sentence without a full stop.
            pub const fn explain(self) -> &'static str {
                match self { $(Self::$variant => $explain,)* }
            }

            /// The shortest way for the user to get rid of it.
            pub const fn way_out(self) -> &'static str {
                match self { $(Self::$variant => $way_out,)* }
            }
        }
    };
}

reasons! {
    // Where the program stands.
    NotInTailPosition, "not-in-tail-position",
        "something follows the program, so the shell has to stay to run it or to use the exit status",
        "put the program last, with `exec` before it, and move what follows into the program or a preStop hook";
    Pipeline, "pipeline",
        "the program is part of a pipeline, whose other programs the shell has to wait for",
        "put `exec` before the program yourself and write the log to a file, or let the runtime collect stdout";
    Negated, "negated",
        "`!` turns the program's exit status round, which only the shell can do",
        "drop the `!` and put `exec` before the program";
    Subshell, "subshell",
        "the program runs in a subshell `( )`, so `exec` would replace the subshell only",
        "drop the parentheses, or use `{ ...; }`, and put `exec` before the program";
    Loop, "loop",
        "the program runs in a loop, so the shell has to stay to run it again",
        "let Kubernetes restart the container: run the program once, with `exec` before it";
    FunctionCall, "function-call",
        "the last command is a function that is not defined exactly once, at top level, and called exactly once",
        "write the program as the last line of the script, with `exec` before it";
    ProgramName, "program-name",
        "the program's name has characters that shells may read as something else than a name",
        "put `exec` before the program yourself, or call it by its path";
    AssignmentOrder, "assignment-order",
        "an assignment in front of the program comes with a command substitution or a computed redirection, which ksh93 takes in another order before `exec`",
        "assign on lines of their own, with `export`, and put `exec` before the program";
    CommandOption, "command-option",
        "`command` with an option looks programs up in another way than `exec` does",
        "replace `command -p` by `exec` and the program's path";

    // What may stand nowhere in the script.
    BackgroundJob, "background-job",
        "a program is started in the background with `&`, so there is more than one program to stop",
        "run one program per container, in the foreground, with `exec` before it";
    Trap, "trap",
        "a trap is set that `exec` would drop",
        "pass the signal on in a trap for TERM that then waits, or remove the trap and put `exec` before the program";
    Eval, "eval",
        "`eval` runs text that is not known before the script runs",
        "write the command itself instead of `eval`";
    SourcedFile, "sourced-file",
        "a file is sourced that may define functions, aliases or traps",
        "put `exec` before the program yourself, if the file defines no function or alias of that name and sets no trap; or say so with `softstop.dev/trust-sourced-files: \"true\"` (in a policy: `trustSourcedFiles: true`)";
    SourcedUnseen, "sourced-unseen",
        "a file is sourced where it may be more than settings: in place of the program, inside of another command, with arguments, or under a name that is no plain path",
        "source it by its path, with `.`, as a command of its own before the program; or put `exec` before the program yourself";
    ChangesShell, "changes-shell",
        "a builtin changes how the shell reads or finds commands",
        "remove it, or put `exec` before the program yourself";
    SetOption, "set-option",
        "`set` changes an option that is not known to leave `exec` alone, or one that is computed",
        "use only -e, -u, -x, -f, -v, -a, -C and -o pipefail";
    ComputedName, "computed-name",
        "a command name is computed at run time and may turn out to be a builtin or several words",
        "write the program's name, or put `exec` before the variable yourself";
    FunctionName, "function-name",
        "a function has the name of a builtin, or a name that not every shell accepts",
        "give the function a plain name of its own";

    // What is not read because shells differ.
    TooLong, "too-long",
        "the script is longer than 65,536 bytes",
        "put the script into a file of the image, and `exec` before the program in its last line";
    TooDeep, "too-deep",
        "commands or substitutions are nested more than 40 deep",
        "put the script into a file of the image, and `exec` before the program in its last line";
    ControlCharacter, "control-character",
        "the text has a control character or a blank that is neither a space, a tab nor a newline",
        "save the manifest with Unix line ends and plain blanks";
    Syntax, "syntax",
        "the text is not understood as shell grammar here",
        "check it with `sh -n`, or put `exec` before the program yourself";
    Unterminated, "unterminated",
        "a quote, a substitution or a trailing backslash is not ended",
        "end it; `sh -n` shows where it starts";
    EmptyList, "empty-list",
        "a command is missing where the grammar needs one",
        "put a `:` there, or remove the empty construct";
    FunctionBody, "function-body",
        "the body of a function is neither `{ }` nor `( )`",
        "write `name() { ...; }`";
    Continuation, "continuation",
        "a backslash-newline stands inside a command name, a reserved word or an operator",
        "put a blank before the backslash";
    ReservedWord, "reserved-word",
        "`time`, `select` and `coproc` are commands in some shells and grammar in others",
        "leave it out, or put `exec` before the program yourself";
    FunctionKeyword, "function-keyword",
        "`function` is no POSIX grammar",
        "write `name() { ...; }`, or run the script with bash";
    DoubleBracket, "double-bracket",
        "`[[` is no POSIX grammar, or its expression is not understood",
        "use `[ ]`, or run the script with bash";
    ArithmeticCommand, "arithmetic-command",
        "`((` is a command in some shells and two subshells in others",
        "use `[ ]` and `$(( ))`, or put a blank between the parentheses";
    Arithmetic, "arithmetic",
        "an arithmetic expansion is not balanced, or has quotes, backslashes or `;` in it",
        "compute the value in plain words before";
    Quoting, "quoting",
        "`$'...'` or `$\"...\"` is read differently by different shells",
        "use plain single or double quotes, or run the script with bash";
    Parameter, "parameter",
        "a parameter expansion has a form that is not common to all shells",
        "use the POSIX forms, without quotes or braces inside";
    ProcessSubstitution, "process-substitution",
        "process substitution runs another program beside the shell",
        "write to a file, or let the runtime collect stdout";
    Array, "array",
        "arrays are no POSIX grammar",
        "use positional parameters (`set -- ...`) and `\"$@\"`";
    AppendAssignment, "append-assignment",
        "`NAME+=value` is no POSIX grammar, and some shells lose it before `exec`",
        "write `NAME=\"${NAME}value\"`";
    ExtendedGlob, "extended-glob",
        "extended patterns depend on options of the shell",
        "use plain patterns";
    Descriptor, "descriptor",
        "a redirection names its descriptor in a way not every shell reads alike",
        "use one digit before the operator, and one digit or `-` after `>&`";
    RedirectBoth, "redirect-both",
        "`&>` starts a background job in some shells",
        "write `>file 2>&1`";
    PipeBoth, "pipe-both",
        "`|&` is no POSIX grammar",
        "write `2>&1 |`";
    HereString, "here-string",
        "`<<<` is no POSIX grammar",
        "use a here-document, or run the script with bash";
    HereDocument, "here-document",
        "a here-document is not ended, has an odd delimiter, or stands where shells differ",
        "quote the delimiter (`<<'EOF'`) and keep it out of substitutions";
    CaseFallthrough, "case-fallthrough",
        "`;&` and `;;&` are no POSIX grammar",
        "end each branch with `;;`";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_kebab_case_and_every_reason_has_words() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(
                reason
                    .code()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{}",
                reason.code()
            );
            assert!(
                !reason.explain().is_empty() && !reason.explain().ends_with('.'),
                "{}",
                reason.explain()
            );
            assert!(
                !reason.way_out().is_empty() && !reason.way_out().ends_with('.'),
                "{}",
                reason.way_out()
            );
        }
    }
}
