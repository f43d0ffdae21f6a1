//! What has to hold for any input, as functions: `fuzz/` calls them with inputs that look for new code, the tests with
//! random ones. Each panics where something does not hold.

use crate::argv::{Word, peel};
use crate::expand::{Variable, expand};
use crate::shell::{Dialect, Outcome, SourcedFiles, insert, invocation, read_with};

/// The reader: places are places of the text, and what it made takes nothing more. It trusts what is sourced, because
/// then it takes most.
///
/// # Panics
/// If that does not hold.
pub fn reader(text: &str) {
    for dialect in [Dialect::Posix, Dialect::Bash] {
        let read = |text: &str| read_with(text, dialect, SourcedFiles::Harmless);
        let reading = read(text);
        for command in &reading.commands {
            assert!(text.is_char_boundary(command.at) && !command.words.is_empty());
        }
        match reading.outcome {
            Outcome::Refused(refusal) => assert!(text.get(refusal.at).is_some(), "{text:?}"),
            Outcome::Exec(offsets) => {
                assert!(!offsets.is_empty() && offsets.is_sorted_by(|a, b| a < b));
                let rewritten = insert(text, &offsets);
                assert_eq!(
                    rewritten.len(),
                    text.len() + offsets.len() * "exec ".len(),
                    "{text:?}"
                );
                let again = read(&rewritten).outcome;
                assert_eq!(again, Outcome::AlreadyExec, "{text:?}");
            }
            _ => {}
        }
    }
}

/// The kubelet's expansion and the way back: what is inserted into the raw text shows at the place that was meant.
///
/// # Panics
/// If that does not hold.
pub fn expansion(raw: &str) {
    let variable = |name: &str| match name {
        "A" => Variable::Value("a b"),
        "EMPTY" => Variable::Value(""),
        "DOLLAR" => Variable::Value("$(A)$$"),
        "PLAIN" => Variable::Plain,
        "HIDDEN" => Variable::Hidden,
        _ => Variable::Undeclared,
    };
    let expanded = expand(raw, variable);
    let length = expanded.text.len();
    for offset in 0..=length {
        // No command begins right behind a `$`; there it would take a `$(` or `$$` apart.
        let begins = expanded
            .text
            .get(..offset)
            .is_some_and(|before| !before.ends_with('$'));
        let Some(at) = expanded.insertion(offset).filter(|_| begins) else {
            continue;
        };
        let inserted = expand(&insert(raw, &[at]), variable).text;
        assert_eq!(inserted, insert(&expanded.text, &[offset]), "{raw:?}");
    }
    let whole = expanded.raw(0..length);
    assert!(
        whole.start <= whole.end && whole.end <= raw.len(),
        "{raw:?}"
    );
}

/// A command line, one word per line: what is in front of the program ends before it.
///
/// # Panics
/// If that does not hold.
pub fn peeling(lines: &str) {
    let words: Vec<_> = lines
        .split('\n')
        .map(|text| Word {
            text: text.to_owned(),
            known: !text.contains('$'),
        })
        .collect();
    let peeled = peel(&words);
    assert!(peeled.rest <= words.len(), "{lines:?}");
    for launcher in &peeled.launchers {
        let (first, end) = launcher.assignments;
        assert!(launcher.at < peeled.rest, "{lines:?}");
        assert!(first <= end && end <= words.len(), "{lines:?}");
    }
    if let Some(invocation::Invocation::Text { text, zero, .. }) =
        invocation::read(words.get(peeled.rest..).unwrap_or_default())
    {
        let end = words.len() - peeled.rest;
        assert!(
            text < end && zero.is_none_or(|zero| zero < end),
            "{lines:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are the same each time (xorshift64*).
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
            usize::try_from(high).unwrap() % limit
        }

        /// Up to so many pieces, mostly of the list, some of any character.
        fn text(&mut self, pieces: &[&str], most: usize) -> String {
            let mut text = String::new();
            for _ in 0..self.below(most + 1) {
                if self.below(12) == 0 {
                    text.extend(char::from_u32(u32::try_from(self.below(0x300)).unwrap()));
                } else {
                    text.push_str(pieces[self.below(pieces.len())]);
                }
            }
            text
        }
    }

    fn loops(rounds: usize, seed: u64, pieces: &[&str], most: usize, body: fn(&str)) {
        let mut random = Random(seed);
        for _ in 0..rounds {
            body(&random.text(pieces, most));
        }
    }

    #[test]
    fn three_hundred_thousand_scripts() {
        let pieces = [
            "app ",
            "app\n",
            ";",
            " & ",
            "&&",
            " || ",
            "|",
            "exec ",
            "sh -c '",
            "bash -c \"",
            "'",
            "\"",
            "`",
            "$(",
            ")",
            "(",
            "{ ",
            "; }",
            "${x",
            "}",
            "$((1",
            "))",
            "if ok; then ",
            " fi",
            "case x in x) ",
            ";; esac",
            "for i in a; do ",
            " done",
            "while true; do ",
            "f() { ",
            "<<E\n",
            "\nE\n",
            ">out ",
            "&>f ",
            "2>&1 ",
            "A=$x ",
            "rc=$?; exit $rc",
            "exit",
            "trap ",
            "[[ ",
            " ]]",
            "\\\n",
            "\\",
            "#",
            "!",
            "é",
            "$",
            "=",
            "*",
            "eval ",
            ". ./env;",
            ">o[",
            "export o[",
            "set -",
            "$'a'",
        ];
        loops(300_000, 7, &pieces, 8, reader);
    }

    #[test]
    fn four_hundred_thousand_expansions() {
        let pieces = [
            "$(A)",
            "$(EMPTY)",
            "$(DOLLAR)",
            "$(PLAIN)",
            "$(HIDDEN)",
            "$(NONE)",
            "$$",
            "$",
            "$(",
            ")",
            "(",
            "A",
            "$(A",
            "exec ",
            " ",
            "é",
            "\n",
            "$é",
        ];
        loops(400_000, 8, &pieces, 6, expansion);
    }

    #[test]
    fn three_hundred_thousand_command_lines() {
        let pieces = [
            "env\n",
            "A=b\n",
            "-i\n",
            "-u\n",
            "nice\n",
            "-n\n",
            "5\n",
            "-n5\n",
            "tini\n",
            "-g\n",
            "--\n",
            "dumb-init\n",
            "timeout\n",
            "-k\n",
            "--signal=TERM\n",
            "su-exec\n",
            "user\n",
            "sh\n",
            "-c\n",
            "-ec\n",
            "busybox\n",
            "sh\n",
            "-o\n",
            "pipefail\n",
            "--login\n",
            "app\n",
            "$x\n",
            "-",
            "=",
            "\n",
            "setpriv\n",
            "--reuid\n",
            "vault-env\n",
            "sudo\n",
            "xargs\n",
        ];
        loops(300_000, 9, &pieces, 8, peeling);
    }
}
