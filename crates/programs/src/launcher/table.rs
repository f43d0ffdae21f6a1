//! The launchers, as a flat table. "Measured" = a container with that program as PID 1, terminated with SIGTERM.

use super::{Grammar, Launcher, Passing, Switch};

/// No option but those named in a row.
const BARE: Grammar = Grammar {
    subcommand: None,
    valued: &[],
    plain: &[],
    rewrites: &[],
    operands: 0,
    assignments: false,
};

/// A launcher that becomes the program.
const fn replaces(name: &'static str, grammar: Grammar) -> Launcher {
    Launcher {
        name,
        passing: Passing::Replaces,
        switch: None,
        grammar: Some(grammar),
    }
}

/// A launcher that stays and hands SIGTERM on to its child.
const fn forwards(name: &'static str, grammar: Option<Grammar>) -> Launcher {
    Launcher {
        name,
        passing: Passing::Forwards,
        switch: None,
        grammar,
    }
}

/// A launcher that keeps SIGTERM to itself.
const fn swallows(name: &'static str, grammar: Option<Grammar>) -> Launcher {
    Launcher {
        name,
        passing: Passing::Swallows,
        switch: None,
        grammar,
    }
}

/// The supervisor of another system.
const fn foreign(name: &'static str) -> Launcher {
    Launcher {
        name,
        passing: Passing::Foreign,
        switch: None,
        grammar: None,
    }
}

const fn subcommand(word: &'static str) -> Grammar {
    Grammar {
        subcommand: Some(word),
        ..BARE
    }
}

const fn tini(name: &'static str) -> Launcher {
    Launcher {
        name,
        passing: Passing::Init,
        switch: Some(Switch {
            flags: &["-g"],
            env: Some(("TINI_KILL_PROCESS_GROUP", None)),
            passing: Passing::GroupInit,
        }),
        grammar: Some(Grammar {
            valued: &["-p", "-e"],
            plain: &["-s", "-w", "-v", "-g", "-l", "--"],
            ..BARE
        }),
    }
}

/// Every launcher, inits first.
///
/// npm, yarn and pnpm stand here, as launchers that swallow: npm 9 does so in every shell, the other versions hand
/// SIGTERM to `sh -c`, which is no better where sh is dash, and nothing in a command line tells which version it is
/// (measured: npm 6, 8, 9, 10, 11, pnpm 9 and 10, yarn 1). What they run stands in package.json, so nothing is
/// looked through.
pub static LAUNCHERS: &[Launcher] = &[
    // Inits.
    tini("tini"),
    tini("tini-static"),
    tini("docker-init"),
    Launcher {
        name: "catatonit",
        passing: Passing::Init,
        switch: Some(Switch {
            flags: &["-g"],
            env: None,
            passing: Passing::GroupInit,
        }),
        grammar: Some(Grammar {
            plain: &["-g", "--"],
            ..BARE
        }),
    },
    Launcher {
        name: "dumb-init",
        passing: Passing::GroupInit,
        switch: Some(Switch {
            flags: &["-c", "--single-child"],
            env: Some(("DUMB_INIT_SETSID", Some("0"))),
            passing: Passing::Init,
        }),
        grammar: Some(Grammar {
            valued: &["-r", "--rewrite"],
            rewrites: &["-r", "--rewrite"],
            plain: &["-c", "--single-child", "-v", "--verbose", "--"],
            ..BARE
        }),
    },
    // Replace themselves by the program (measured: env, nice, nohup, stdbuf, setpriv, chroot, gosu, chpst, poetry,
    // pipenv, pdm, opentelemetry-instrument, ddtrace-run, newrelic-admin).
    replaces(
        "env",
        Grammar {
            plain: &["-i", "-"],
            assignments: true,
            ..BARE
        },
    ),
    replaces(
        "nice",
        Grammar {
            valued: &["-n", "--adjustment"],
            plain: &["--"],
            ..BARE
        },
    ),
    replaces(
        "nohup",
        Grammar {
            plain: &["--"],
            ..BARE
        },
    ),
    replaces(
        "stdbuf",
        Grammar {
            valued: &["-i", "-o", "-e", "--input", "--output", "--error"],
            plain: &["--"],
            ..BARE
        },
    ),
    replaces(
        "setpriv",
        Grammar {
            valued: &[
                "--reuid",
                "--regid",
                "--ruid",
                "--euid",
                "--rgid",
                "--egid",
                "--groups",
                "--inh-caps",
                "--ambient-caps",
                "--bounding-set",
                "--securebits",
                "--selinux-label",
                "--apparmor-profile",
            ],
            plain: &[
                "--clear-groups",
                "--keep-groups",
                "--init-groups",
                "--nnp",
                "--no-new-privs",
                "--reset-env",
                "--",
            ],
            ..BARE
        },
    ),
    replaces(
        "chroot",
        Grammar {
            valued: &["--userspec", "--groups"],
            plain: &["--skip-chdir", "--"],
            operands: 1,
            ..BARE
        },
    ),
    replaces(
        "gosu",
        Grammar {
            operands: 1,
            ..BARE
        },
    ),
    replaces(
        "su-exec",
        Grammar {
            operands: 1,
            ..BARE
        },
    ),
    replaces(
        "chpst",
        Grammar {
            valued: &[
                "-u", "-U", "-b", "-e", "-/", "-C", "-n", "-l", "-L", "-m", "-d", "-s", "-a", "-o",
                "-p", "-f", "-c", "-t", "-r",
            ],
            plain: &["-v", "-P", "-0", "-1", "-2", "--"],
            ..BARE
        },
    ),
    replaces("poetry", subcommand("run")),
    replaces("pipenv", subcommand("run")),
    replaces("pdm", subcommand("run")),
    replaces("bundle", subcommand("exec")),
    replaces("bundler", subcommand("exec")),
    replaces(
        "opentelemetry-instrument",
        Grammar {
            valued: &[
                "--traces_exporter",
                "--metrics_exporter",
                "--logs_exporter",
                "--service_name",
                "--propagators",
                "--exporter_otlp_endpoint",
                "--exporter_otlp_protocol",
                "--resource_attributes",
                "--id_generator",
            ],
            ..BARE
        },
    ),
    replaces(
        "ddtrace-run",
        Grammar {
            plain: &["-d", "--debug", "-p", "--profiling"],
            ..BARE
        },
    ),
    replaces("newrelic-admin", subcommand("run-program")),
    replaces("vault-env", BARE),
    // Stay and hand SIGTERM on (measured: timeout, sudo, uv, watchmedo, make).
    Launcher {
        name: "timeout",
        // It also signals its process group, unless told to stay in the foreground (measured with coreutils 9.1).
        // `-k` is not understood on purpose: it starts a kill timer on SIGTERM.
        passing: Passing::GroupInit,
        switch: Some(Switch {
            flags: &["--foreground", "-f"],
            env: None,
            passing: Passing::Forwards,
        }),
        grammar: Some(Grammar {
            valued: &["-s", "--signal"],
            plain: &[
                "--foreground",
                "-f",
                "--preserve-status",
                "-p",
                "-v",
                "--verbose",
                "--",
            ],
            operands: 1,
            ..BARE
        }),
    },
    forwards(
        "sudo",
        Some(Grammar {
            valued: &["-u", "--user", "-g", "--group"],
            plain: &[
                "-E",
                "--preserve-env",
                "-H",
                "--set-home",
                "-n",
                "--non-interactive",
                "-P",
                "--preserve-groups",
                "--",
            ],
            assignments: true,
            ..BARE
        }),
    ),
    forwards(
        "uv",
        Some(Grammar {
            valued: &[
                "--project",
                "--directory",
                "-p",
                "--python",
                "--env-file",
                "--extra",
                "--group",
                "--package",
                "--with",
                "--with-editable",
                "--with-requirements",
                "--cache-dir",
            ],
            plain: &[
                "--frozen",
                "--locked",
                "--no-sync",
                "--no-dev",
                "--no-project",
                "--no-cache",
                "--no-config",
                "--no-env-file",
                "--no-progress",
                "--isolated",
                "--exact",
                "--active",
                "--offline",
                "--all-extras",
                "--all-groups",
                "-q",
                "--quiet",
                "-v",
                "--verbose",
                "--",
            ],
            ..subcommand("run")
        }),
    ),
    forwards("watchmedo", None),
    forwards("make", None),
    // Stay and keep SIGTERM to themselves, or end at once (measured: setsid, flock, xargs, watch, script, su,
    // runuser, runsvdir and the package managers; the others: same construction).
    swallows(
        "setsid",
        Some(Grammar {
            plain: &["-c", "--ctty", "-f", "--fork", "-w", "--wait", "--"],
            ..BARE
        }),
    ),
    swallows(
        "time",
        Some(Grammar {
            plain: &["-p", "-v", "--"],
            ..BARE
        }),
    ),
    swallows(
        "flock",
        Some(Grammar {
            valued: &["-w", "--wait", "--timeout", "-E", "--conflict-exit-code"],
            plain: &[
                "-s",
                "--shared",
                "-x",
                "-e",
                "--exclusive",
                "-n",
                "--nb",
                "--nonblock",
                "-o",
                "--close",
                "-F",
                "--no-fork",
                "--verbose",
                "--",
            ],
            operands: 1,
            ..BARE
        }),
    ),
    swallows(
        "runuser",
        Some(Grammar {
            valued: &["-u", "--user", "-g", "--group", "-G", "--supp-group"],
            plain: &["-m", "-p", "--preserve-environment", "--"],
            ..BARE
        }),
    ),
    swallows("su", None),
    swallows("xargs", None),
    swallows("watch", None),
    swallows("script", None),
    swallows("strace", None),
    swallows("ltrace", None),
    swallows("nsenter", None),
    swallows("unshare", None),
    swallows("parallel", None),
    swallows("entr", None),
    swallows("start-stop-daemon", None),
    swallows("daemonize", None),
    swallows("runsvdir", None),
    // A shell script around the server; not measured, and distributions differ in whether it execs: taken for the worse.
    swallows("apache2ctl", None),
    swallows("apachectl", None),
    swallows("npm", None),
    swallows("npx", None),
    swallows("pnpm", None),
    swallows("pnpx", None),
    swallows("yarn", None),
    swallows("yarnpkg", None),
    // Other systems' supervisors.
    foreign("/tekton/bin/entrypoint"),
    foreign("/tekton/tools/entrypoint"),
    foreign("argoexec"),
    foreign("queue-proxy"),
    foreign("/ko-app/queue"),
];
