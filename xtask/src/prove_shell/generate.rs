//! Random programs, by grammar. Every command has a serial number, so a run that is lost, doubled or out of order
//! shows in the output.

mod simple;

use softstop_core::shell::Dialect;

use super::random::Random;

/// A random program of up to a few dozen commands.
pub(super) fn program(random: &mut Random, dialect: Dialect) -> String {
    let mut generator = Generator {
        random,
        dialect,
        serial: 0,
        bodies: Vec::new(),
        functions: Vec::new(),
        substituted: 0,
    };
    let depth = 1 + generator.random.below(3);
    let mut text = String::new();
    if generator.random.percent(25) {
        text.push_str(&generator.prelude());
    }
    text.push_str(&generator.list(depth));
    let end = generator.random.pick(&[
        "",
        "",
        "",
        "\n",
        ";",
        "; exit $?",
        "\nexit\n",
        " # end",
        "; exit \"$?\"",
        " || exit $?",
        " || exit",
        "; rc=$?; exit $rc",
        "\nrc=\"$?\"\nexit \"${rc}\"",
    ]);
    text.push_str(end);
    if !generator.bodies.is_empty() {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&generator.bodies());
    }
    text
}

struct Generator<'r> {
    random: &'r mut Random,
    dialect: Dialect,
    serial: usize,
    /// Bodies of here-documents that the next newline has to bring.
    bodies: Vec<String>,
    functions: Vec<String>,
    substituted: usize,
}

impl Generator<'_> {
    fn prelude(&mut self) -> String {
        let mut text = String::new();
        for index in 0..=self.random.below(2) {
            let name = ["main", "helper"][index % 2];
            let depth = 1 + self.random.below(2);
            let body = self.list(depth);
            let end = self.newline();
            let (open, close) = if self.random.percent(90) {
                ("{", "}")
            } else {
                ("(", ")")
            };
            text = format!("{text}{name}() {open} {body}{end}{close}\n");
            self.functions.push(name.to_owned());
        }
        text
    }

    fn bodies(&mut self) -> String {
        std::mem::take(&mut self.bodies).concat()
    }

    /// A newline, with the bodies that wait for it.
    fn newline(&mut self) -> String {
        format!("\n{}", self.bodies())
    }

    /// What may stand between two commands.
    fn separator(&mut self) -> String {
        match self.random.below(10) {
            0..5 => "; ".to_owned(),
            5..8 => self.newline(),
            8 => format!(" # comment ' \" $( `{}", self.newline()),
            _ => "; \\\n  ".to_owned(),
        }
    }

    fn list(&mut self, depth: usize) -> String {
        let mut text = self.and_or(depth);
        while self.random.percent(40) {
            if self.random.percent(3) {
                text.push_str(" & ");
            } else {
                text.push_str(&self.separator());
            }
            text.push_str(&self.and_or(depth));
        }
        text
    }

    fn and_or(&mut self, depth: usize) -> String {
        let mut text = self.pipeline(depth);
        while self.random.percent(25) {
            let operator = self
                .random
                .pick(&[" && ", " || ", "&&", " && \\\n  ", " ||  "]);
            text.push_str(operator);
            if self.random.percent(10) {
                text.push_str(&self.newline());
            }
            text.push_str(&self.pipeline(depth));
        }
        text
    }

    fn pipeline(&mut self, depth: usize) -> String {
        let negation = if self.random.percent(4) { "! " } else { "" };
        let mut text = format!("{negation}{}", self.command(depth));
        while self.random.percent(6) {
            text.push_str(" | ");
            text.push_str(&self.command(depth));
        }
        text
    }

    fn command(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.percent(55) {
            return self.simple();
        }
        let inner = depth - 1;
        let text = match self.random.below(100) {
            0..25 => format!("{{ {}{}}}", self.list(inner), self.close()),
            25..32 => format!("( {} )", self.list(inner)),
            32..57 => self.if_command(inner),
            57..77 => self.case_command(inner),
            77..85 => format!(
                "for i in {}; do {}{}done",
                self.words(3),
                self.list(inner),
                self.close()
            ),
            85..90 => format!(
                "while fail {}; do {}{}done",
                self.next(),
                self.list(inner),
                self.close()
            ),
            90..94 => format!(
                "until ok {}; do {}{}done",
                self.next(),
                self.list(inner),
                self.close()
            ),
            _ if self.dialect == Dialect::Bash => self.conditional(),
            _ => format!("{{ {}{}}}", self.list(inner), self.close()),
        };
        if self.random.percent(12) {
            format!("{text} {}", self.redirection())
        } else {
            text
        }
    }

    /// What ends a list before a reserved word.
    fn close(&mut self) -> String {
        if self.random.percent(60) {
            "; ".to_owned()
        } else {
            self.newline()
        }
    }

    fn if_command(&mut self, depth: usize) -> String {
        let mut text = format!("if {}{}then ", self.list(0), self.close());
        text.push_str(&self.list(depth));
        text.push_str(&self.close());
        while self.random.percent(20) {
            let condition = self.and_or(0) + &self.close();
            text = format!(
                "{text}elif {condition}then {}{}",
                self.list(depth),
                self.close()
            );
        }
        if self.random.percent(50) {
            text = format!("{text}else {}{}", self.list(depth), self.close());
        }
        text + "fi"
    }

    fn case_command(&mut self, depth: usize) -> String {
        let mut text = format!(
            "case {} in ",
            self.random
                .pick(&["$x", "\"$1\"", "value", "$FOO", "'a b'"])
        );
        for _ in 0..=self.random.below(2) {
            let pattern = self.random.pick(&[
                "value)", "(one)", "a|b)", "v*)", "[a-z]*)", "old)", "\"$1\")", "'x y')",
            ]);
            text = format!("{text}{pattern} {};; ", self.list(depth));
            if self.random.percent(20) {
                text.push_str(&self.newline());
            }
        }
        if self.random.percent(60) {
            text = format!("{text}*) {}", self.list(depth));
            let end = if self.random.percent(50) {
                ";; ".to_owned()
            } else {
                self.close()
            };
            text.push_str(&end);
        }
        text + "esac"
    }

    fn conditional(&mut self) -> String {
        self.random
            .pick(&[
                "[[ $x == v* ]]",
                "[[ -f in && ! -d in ]]",
                "[[ $x =~ ^v(a|b)l ]]",
                "[[ ( a < b ) || -n $FOO ]]",
                "[[ $x -eq 3 ]]",
                "[[ $FOO ]]",
            ])
            .to_owned()
    }

    fn next(&mut self) -> usize {
        self.serial += 1;
        self.serial
    }
}
