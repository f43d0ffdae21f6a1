//! Simple commands and their words.

use softstop_core::shell::Dialect;

use super::Generator;

impl Generator<'_> {
    pub(super) fn simple(&mut self) -> String {
        let mut text = String::new();
        while self.random.percent(12) {
            let bash = self.dialect == Dialect::Bash && self.random.percent(20);
            text.push_str(if bash {
                "A+=z "
            } else {
                self.random.pick(&[
                    "A=1 ",
                    "FOO=new ",
                    "FOO=x$FOO ",
                    "A=$FOO ",
                    "A='a b' ",
                    "IFS=: ",
                    "A=$(ok 0) ",
                    "PATH=$PATH:/x ",
                    "A= ",
                    "A=~ ",
                    "A=${x:-d} ",
                ])
            });
        }
        if self.random.percent(6) {
            text.push_str(&self.redirection());
            text.push(' ');
        }
        text.push_str(&self.invocation());
        while self.random.percent(12) {
            text.push(' ');
            text.push_str(&self.redirection());
        }
        text
    }

    fn invocation(&mut self) -> String {
        let serial = self.next();
        match self.random.below(100) {
            0..2 => self.source().to_owned(),
            2..54 => {
                let name = self.random.pick(&[
                    "ok",
                    "app",
                    "app2",
                    "fail",
                    "app3",
                    "ok",
                    "app",
                    "./local",
                    "\"app\"",
                    "'ok'",
                    "\\app",
                    "a\"p\"p",
                    "$D/local",
                    "\"$D/local\"",
                    "${D}/local",
                ]);
                format!("{name} {serial} {}", self.words(3))
            }
            54..72 => self.builtin(serial),
            72..76 => self
                .random
                .pick(&[
                    "missing",
                    "./missing",
                    "./plain",
                    "./sub",
                    "sub",
                    "/",
                    "missing/x",
                ])
                .to_owned(),
            76..79 => format!("exit {}", self.random.pick(&["", "0", "3", "$?", "7"])),
            79..85 => match self.functions.clone() {
                functions if functions.is_empty() => format!("app {serial}"),
                functions => {
                    let name = &functions[self.random.below(functions.len())];
                    format!("{name} {}", self.words(2))
                }
            },
            85..88 => format!(
                "env {}app {serial} {}",
                self.random.pick(&["", "FOO=env ", "-i "]),
                self.words(2)
            ),
            88..92 => format!(
                "command {}",
                self.random.pick(&[
                    "app",
                    "ok",
                    "echo c",
                    "-v app",
                    "-p ok",
                    "fail",
                    "command app"
                ])
            ),
            92..95 => format!("exec app {serial} {}", self.words(1)),
            95..97 => self.shell(serial),
            97..99 => self
                .random
                .pick(&[
                    "trap 'echo bye' EXIT",
                    "eval 'app 0'",
                    "eval 'app() { echo shadow; }'",
                    "eval 'trap \"echo bye\" EXIT'",
                    "trap '' HUP",
                    "$FOO",
                    "\"$@\"",
                    "alias app=ok",
                    "unset -f main",
                    ". ./in",
                    "trap 'echo x' INT",
                    "readonly V=1",
                    "V=2",
                    "hash -r",
                ])
                .to_owned(),
            _ if self.substituted == 0 => self.here_document(serial),
            _ => format!("ok {serial}"),
        }
    }

    /// Sources a file, mostly the one that is trusted.
    fn source(&mut self) -> &'static str {
        self.random.pick(&[
            ". ./venv/bin/activate",
            ". venv/bin/activate",
            ". './venv/bin/activate'",
            ". $D/venv/bin/activate",
            ". ./venv/bin/activate x",
            ". ./venv/bin/activate >out",
            ". ./missing",
            ". ./harmful",
            "source ./venv/bin/activate",
        ])
    }

    /// A shell with a script of its own.
    fn shell(&mut self, serial: usize) -> String {
        let fixed = self.random.pick(&[
            "app \"$0\"",
            "ok; app \"$@\"",
            "fail; app $1",
            "fail && app || exit $?",
            "app; rc=$?; exit $rc",
            "if ok; then app; else app2; fi",
            "main() { app $FOO; }; main",
            "trap : EXIT; app",
            "app | cat",
            "exec app",
            "missing",
            ". ./venv/bin/activate && app $V",
        ]);
        let dialect = std::mem::replace(&mut self.dialect, Dialect::Posix);
        let bodies = std::mem::take(&mut self.bodies);
        let random = self.list(1);
        self.bodies = bodies;
        self.dialect = dialect;
        let script = if self.random.percent(50) && !random.contains("<<") {
            &random
        } else {
            fixed
        };
        let quote = self.random.pick(&["'", "'", "\""]);
        if script.contains(quote) || (quote == "\"" && script.contains(['$', '`', '\\'])) {
            return format!("sh -c 'app {serial} \"$0\"' {}", self.words(1));
        }
        let start = self
            .random
            .pick(&["sh -c", "sh -c", "sh -ec", "bash -c", "/bin/sh -c"]);
        format!("{start} {quote}{script}{quote} {}", self.words(2))
    }

    fn builtin(&mut self, serial: usize) -> String {
        match self.random.below(12) {
            0..3 => format!("echo {serial} {}", self.words(2)),
            3 => format!("printf '%s\\n' {serial} {}", self.words(1)),
            4 => self.random.pick(&[":", "true", "false"]).to_owned(),
            5 => self
                .random
                .pick(&["cd sub", "cd .", "cd ..", "cd nodir"])
                .to_owned(),
            6 => self
                .random
                .pick(&[
                    "[ -f in ]",
                    "test -d in",
                    "[ \"$x\" = value ]",
                    "[ ! -e in ]",
                ])
                .to_owned(),
            7 => self
                .random
                .pick(&[
                    "export FOO=exported",
                    "export A",
                    "x=changed",
                    "FOO=set",
                    "unset x",
                ])
                .to_owned(),
            8 => self
                .random
                .pick(&[
                    "set -e",
                    "set -u",
                    "set -f",
                    "set +e",
                    "set -a",
                    "set -- p q",
                    "set -x",
                    "set -C",
                ])
                .to_owned(),
            9 => self
                .random
                .pick(&["umask 077", "umask 022", "shift", "ulimit -c 0"])
                .to_owned(),
            10 => self
                .random
                .pick(&[
                    "read line <in",
                    "exec >out",
                    "exec 3>three",
                    "exec 2>&1",
                    "exec 4<in",
                ])
                .to_owned(),
            _ => self
                .random
                .pick(&[
                    "return",
                    "return 3",
                    "break",
                    "continue",
                    "wait",
                    "type app >/dev/null",
                    "local y=1",
                ])
                .to_owned(),
        }
    }

    fn here_document(&mut self, serial: usize) -> String {
        let delimiter = format!("E{serial}");
        let quoted = self.random.percent(40);
        let lines = self.random.pick(&[
            "line\n",
            "$x $FOO\n",
            "$(ok 0) text\n",
            "`ok 0`\n",
            "for if ' \" \\$(\n",
            "",
            "${x:-y} $((1+2))\n",
            "\tapp\n",
        ]);
        let strip = self.random.percent(20);
        self.bodies.push(format!(
            "{lines}{}{delimiter}\n",
            if strip { "\t" } else { "" }
        ));
        let operator = if strip { "<<-" } else { "<<" };
        let written = if quoted {
            format!("'{delimiter}'")
        } else {
            delimiter
        };
        format!(
            "{} {operator}{written}",
            self.random.pick(&["cat", "app", "ok", "read y"])
        )
    }

    pub(super) fn redirection(&mut self) -> String {
        if self.dialect == Dialect::Bash && self.random.percent(15) {
            let both = &[
                "&>out",
                "&>>out",
                ">&out",
                ">& 'out x'",
                "&>$x",
                "&>/dev/null",
            ];
            return self.random.pick(both).to_owned();
        }
        self.random
            .pick(&[
                ">out",
                ">>out",
                "> \"out $x\"",
                "<in",
                "2>&1",
                ">&2",
                "3>three",
                "4<in",
                "5>&1",
                "2>/dev/null",
                ">/nodir/f",
                "<missing",
                ">|out",
                "3>&-",
                "1>out2",
                "<>in",
                ">$x",
            ])
            .to_owned()
    }

    pub(super) fn words(&mut self, most: usize) -> String {
        let count = self.random.below(most + 1);
        (0..count)
            .map(|_| self.word())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn word(&mut self) -> String {
        if self.substituted < 2 && self.random.percent(8) {
            self.substituted += 1;
            let bodies = std::mem::take(&mut self.bodies);
            let inner = self.and_or(0);
            self.bodies = bodies;
            self.substituted -= 1;
            return if self.random.percent(50) {
                format!("$({inner})")
            } else {
                format!("\"$({inner})\"")
            };
        }
        if self.dialect == Dialect::Bash && self.random.percent(6) {
            return self
                .random
                .pick(&["$'a\\tb'", "${x^}", "${x/a/b}", "<<<word", "${x@Q}"])
                .to_owned();
        }
        self.random
            .pick(&[
                "a",
                "-f",
                "--opt=1",
                "'single q'",
                "\"double $x\"",
                "$x",
                "\"$x\"",
                "${x}",
                "\"$@\"",
                "$*",
                "$#",
                "$1",
                "${2}",
                "${y:-def}",
                "\"${y:-d e}\"",
                "${x:+alt}",
                "${#x}",
                "${x%e}",
                "${x##*a}",
                "$((1 + 2))",
                "$(( (1+2) * 3 ))",
                "*",
                "i?",
                "[ip]*",
                "~",
                "{a,b}",
                "a\\ b",
                "\\$x",
                "a\\\nb",
                "\"a\\\nb\"",
                "'new\nline'",
                "é",
                "`ok 0`",
                "\"`ok 0`\"",
                "a#b",
                "'#'",
                "$?",
                "$$",
                "}",
                "if",
                "!",
                "${y-}",
                "\"\"",
                "''",
                "x=y",
                "a'b'\"c\"",
                "$",
                "\"$\"",
                "${y:=assigned}",
                "%1",
                "+x",
            ])
            .to_owned()
    }
}
