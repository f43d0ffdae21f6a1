//! What programs are known by, and that it agrees with the tables of softstop-programs.

use super::*;

#[test]
fn a_program_is_known_by_its_file_first() {
    for (name, exe, cmdline, expected) in [
        ("sh", "/usr/bin/dash", "sh\0-c\0app\0", Kind::Shell),
        (
            "start.sh",
            "/bin/bash",
            "/bin/sh\0./start.sh\0",
            Kind::Shell,
        ),
        ("bash", "/usr/bin/bash (deleted)", "-bash\0", Kind::Shell),
        ("zsh", "/bin/zsh", "zsh\0", Kind::OtherShell),
        ("sh", "/bin/busybox", "sh\0-c\0app\0", Kind::Shell),
        (
            "busybox",
            "/bin/busybox",
            "busybox\0sh\0-c\0x\0",
            Kind::Shell,
        ),
        (
            "start.sh",
            "/bin/busybox",
            "/bin/sh\0./start.sh\0",
            Kind::Shell,
        ),
        ("httpd", "/bin/busybox", "httpd\0-f\0", Kind::Program),
        ("sleep", "/bin/busybox", "sleep\x0010\0", Kind::Idle),
        ("tail", "/usr/bin/tail", "tail\0-f\0/x\0", Kind::Idle),
        ("tini", "/usr/bin/tini", "tini\0--\0app\0", Kind::Init),
        ("flock", "/usr/bin/flock", "flock\0l\0app\0", Kind::Launcher),
        ("npm start", "/usr/bin/node", "npm start\0", Kind::Launcher),
        (
            "node",
            "/usr/bin/node",
            "node\0/usr/bin/npm\0start\0",
            Kind::Launcher,
        ),
        (
            "MainThread",
            "/usr/bin/node",
            "node\0/x/yarn.js\0start\0",
            Kind::Launcher,
        ),
        ("node", "/usr/bin/node", "node\0server.js\0", Kind::Program),
        (
            "parallel",
            "/usr/bin/perl",
            "perl\0/usr/bin/parallel\0",
            Kind::Launcher,
        ),
        (
            "gunicorn: maste",
            "/usr/bin/python3",
            "gunicorn: master [app]\0",
            Kind::Program,
        ),
        // One file with many names (toybox), or an emulator.
        ("sh", "/app/server", "sh\0", Kind::Shell),
        // Where the file may not be looked at, the rest must do.
        ("sh", "", "sh\0-c\0app\0", Kind::Shell),
        ("start.sh", "", "/bin/bash\0/x/start.sh\0", Kind::Shell),
        (
            "a-very-long-nam",
            "",
            "/bin/sh\0./a-very-long-name.sh\0",
            Kind::Shell,
        ),
        ("app", "", "sh\0-c\0app\0", Kind::Program),
        ("npm start", "", "npm start\0", Kind::Launcher),
        ("app", "", "", Kind::Program),
        (
            "softstop-init",
            "/x/softstop-init",
            "/x/softstop-init\0drain\0",
            Kind::Drain,
        ),
        (
            "softstop-watch",
            "/x/softstop-init",
            "/x/softstop-init\0drain\0",
            Kind::Watch,
        ),
        (
            "softstop-init",
            "/x/softstop-init",
            "/x/softstop-init\0--\0drain\0",
            Kind::Softstop,
        ),
        ("", "", "\0\0\0", Kind::Program),
        (" ", "/", "-\0", Kind::Program),
    ] {
        assert_eq!(
            kind(name.as_bytes(), exe.as_bytes(), cmdline.as_bytes()),
            expected,
            "{name} {exe} {cmdline:?}"
        );
    }
}

#[test]
fn how_a_program_drains_is_known_by_file_script_or_title() {
    let on = Drains::On;
    for (exe, cmdline, expected) in [
        (
            "/usr/sbin/nginx",
            "nginx: master process nginx\0",
            on(Signal::QUIT),
        ),
        ("", "nginx: master process nginx\0", on(Signal::QUIT)),
        (
            "/usr/bin/python3.13",
            "/opt/venv/bin/python3\0/opt/venv/bin/huey_consumer\0app.huey\0",
            on(Signal::INT),
        ),
        (
            "/usr/bin/ruby3.3",
            "unicorn master -c unicorn.rb\0",
            on(Signal::QUIT),
        ),
        ("/usr/sbin/haproxy", "haproxy\0-W\0", on(Signal::USR1)),
        (
            "/usr/sbin/apache2",
            "apache2\0-DFOREGROUND\0",
            on(Signal::WINCH),
        ),
        (
            "/usr/bin/python3.13",
            "python3\0/usr/local/bin/daphne\0app.asgi\0",
            Drains::Never,
        ),
        ("/usr/bin/python3", "python\0-m\0daphne\0", Drains::Never),
        ("/usr/local/bin/envoy", "envoy\0-c\0", Drains::Never),
        ("/usr/local/sbin/php-fpm", "php-fpm\0", Drains::Never),
        (
            "/usr/sbin/php-fpm8.2",
            "php-fpm: master process (/etc/php)\0",
            Drains::Never,
        ),
        ("/usr/bin/uwsgi-core", "uwsgi\0--ini\0", Drains::Never),
        (
            "/usr/bin/python3",
            "python3\0app.py\0nginx\0",
            Drains::OnTerm,
        ),
        ("/usr/bin/php8.2", "php\0worker.php\0", Drains::OnTerm),
        ("/usr/bin/app", "app\0nginx\0", Drains::OnTerm),
        ("/usr/bin/app", "app\0-m\0", Drains::OnTerm),
        ("/usr/bin/nginx-proxy", "nginx-proxy\0", Drains::OnTerm),
        ("/usr/bin/8.2", "8.2\0", Drains::OnTerm),
        ("", "", Drains::OnTerm),
    ] {
        let (found, _) = drains(exe.as_bytes(), cmdline.as_bytes());
        assert_eq!(found, expected, "{exe} {cmdline:?}");
    }
}

/// The names of a table, each with the number before it.
fn entries(table: &'static [u8]) -> impl Iterator<Item = (u8, &'static str)> {
    let words = std::str::from_utf8(table).unwrap().split(' ');
    let numbered = words.scan(0, |current, word| {
        let number = word.parse();
        *current = number.as_ref().map_or(*current, |&number| number);
        Some(number.is_err().then_some((*current, word)))
    });
    numbered.flatten()
}

#[test]
fn how_programs_drain_is_as_the_profiles_say() {
    use softstop_programs::profile::{Detect, Drain, PROFILES};
    let is_detected = |name: &'static str, drain: Drain| {
        PROFILES.iter().any(|profile| {
            profile.drain == drain && profile.detect.contains(&Detect::Program(name))
        })
    };
    for (number, name) in entries(SIGNALS) {
        let drain = Signal::from_number(number).map_or(Drain::Never, Drain::On);
        assert!(is_detected(name, drain), "{name}");
    }
    // None of those that never drain is forgotten.
    for profile in PROFILES {
        for detect in profile.detect {
            if let (Detect::Program(name), Drain::Never) = (detect, profile.drain) {
                assert_eq!(drains(name.as_bytes(), b"").0, Drains::Never, "{name}");
            }
        }
    }
}

/// A worker gives its jobs back; on SIGINT none is known by its name (waitress).
#[test]
fn limits_are_those_of_the_profiles() {
    use softstop_programs::profile::{Detect, Drain, PROFILES, Role, TimeSource};
    let mut names = 0;
    for profile in PROFILES {
        let told = matches!(profile.drain, Drain::On(signal) if signal != Signal::INT);
        let limit = match profile.time.default {
            Some(limit) if told && profile.role != Role::Worker => limit,
            _ => 0,
        };
        for detect in profile.detect {
            let (Detect::Program(name) | Detect::With(name, ["start"])) = detect else {
                continue;
            };
            let (_, found) = drains(name.as_bytes(), name.as_bytes());
            assert_eq!(u32::from(found), limit, "{name}");
            names += usize::from(limit > 0);
        }
        for source in profile.time.sources {
            if let TimeSource::Flag("--graceful-timeout", _) = source {
                let line = format!("{}\0--graceful-timeout=9\0", profile.name);
                assert_eq!(drains(b"", line.as_bytes()).1, 0, "{line}");
            }
        }
    }
    assert_eq!(names, entries(LIMITS).count(), "no name is left over");
}

#[test]
fn it_agrees_with_the_tables() {
    use softstop_programs::launcher::{self, LAUNCHERS, Passing};
    use softstop_programs::profile::{Detect, Drain, PROFILES};
    for launcher in LAUNCHERS {
        let exe = format!("/usr/bin/{}", launcher.name);
        let found = kind(launcher.name.as_bytes(), exe.as_bytes(), exe.as_bytes());
        let expected: &[Kind] = match launcher.passing {
            Passing::Init => &[Kind::Init],
            Passing::GroupInit => &[Kind::Init, Kind::Launcher],
            Passing::Forwards | Passing::Swallows => &[Kind::Launcher, Kind::Init],
            Passing::Replaces | Passing::Foreign => &[Kind::Program, Kind::Launcher],
        };
        assert!(expected.contains(&found), "{launcher:?}: {found:?}");
    }
    for list in [SHELLS, OTHER_SHELLS] {
        for name in std::str::from_utf8(list).unwrap().split(' ') {
            use softstop_programs::shell::{Shell, by_name};
            let known = by_name(name);
            assert_eq!(
                known == Some(Shell::Unsupported),
                list == OTHER_SHELLS,
                "{name}: {known:?}"
            );
        }
    }
    for profile in PROFILES {
        for detect in profile.detect {
            if let Detect::Program(name) = detect {
                let found = kind(name.as_bytes(), name.as_bytes(), b"");
                let idle = profile.drain == Drain::NoHandler;
                assert!(
                    found == Kind::Program
                        || (idle && found == Kind::Idle)
                        || launcher::by_name(name).is_some(),
                    "{name}: {found:?}"
                );
            }
        }
    }
}
