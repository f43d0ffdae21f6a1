//! Which program this is, and how long its drain takes.

use softstop_programs::{
    base_name,
    profile::{Detect, PROFILES, Profile, TimeSource, Unit},
};

use super::interpreter;
use crate::argv::Word;

/// A drain time that was found in the command line or the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundTime {
    /// Seconds, rounded up.
    pub(crate) seconds: u32,
    /// Where: `--graceful-timeout`, `GUNICORN_CMD_ARGS`.
    pub(crate) place: String,
}

/// Longer than a day is a day: no grace is longer.
const MAX_SECONDS: u64 = 86_400;

/// A program that a command line runs: argv\[0\], or what an interpreter in argv\[0\] runs.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    name: &'a str,
    is_module: bool,
    words: &'a [Word],
}

/// The profile of a program, by its argv (launchers already peeled).
pub(crate) fn detect(argv: &[Word]) -> Option<&'static Profile> {
    let (program, inner) = candidates(argv)?;
    let matches = |detect: &Detect| matches(detect, &program) || inner.is_some_and(|inner| matches(detect, &inner));
    PROFILES.iter().find(|profile| profile.detect.iter().any(matches))
}

/// Whether one of these flags is in the program's own words, with or without a value.
pub(crate) fn has_flag(argv: &[Word], flags: &[&str]) -> bool {
    own_words(argv).iter().any(|word| {
        let name = word.text.split_once('=').map_or(word.text.as_str(), |(name, _)| name);
        flags.contains(&name)
    })
}

/// The drain time that the user configured for this program: on the command line, else in the
/// environment. `env` gives the literal value of a variable.
pub(crate) fn drain_time<'a>(
    profile: &Profile,
    argv: &[Word],
    env: impl Fn(&str) -> Option<&'a str>,
) -> Option<FoundTime> {
    let sources = profile.time.sources;
    match flag_value(sources, own_words(argv)) {
        Flag::Value(flag, seconds) => return Some(FoundTime { seconds, place: flag.into() }),
        Flag::Hidden => return None,
        Flag::Absent => {}
    }
    sources.iter().find_map(|source| {
        let (variable, seconds) = match *source {
            TimeSource::Flag(..) => return None,
            TimeSource::Env(variable, unit) => (variable, seconds(env(variable)?.trim(), unit)?),
            TimeSource::EnvArgs(variable) => match flag_value(sources, &split(env(variable)?)) {
                Flag::Value(_, seconds) => (variable, seconds),
                Flag::Hidden | Flag::Absent => return None,
            },
        };
        Some(FoundTime { seconds, place: variable.into() })
    })
}

fn candidates(argv: &[Word]) -> Option<(Candidate<'_>, Option<Candidate<'_>>)> {
    let (first, words) = argv.split_first()?;
    let name = base_name(first.program()?);
    let inner = interpreter::by_name(name).and_then(|i| i.runs(words)).and_then(|runs| {
        let name = if runs.is_module { runs.name } else { base_name(runs.name) };
        Some(Candidate { name, is_module: runs.is_module, words: words.get(runs.words..)? })
    });
    Some((Candidate { name, is_module: false, words }, inner))
}

/// The words that the program itself reads: behind the script or module where an interpreter runs one.
fn own_words(argv: &[Word]) -> &[Word] {
    candidates(argv).map_or(&[], |(program, inner)| inner.unwrap_or(program).words)
}

fn matches(detect: &Detect, candidate: &Candidate<'_>) -> bool {
    let named = |name| is_named(candidate.name, name);
    let mut known = candidate.words.iter().filter(|word| word.known).map(|word| word.text.as_str());
    match *detect {
        Detect::Program(name) => !candidate.is_module && named(name),
        Detect::Module(name) => candidate.is_module && candidate.name == name,
        Detect::With(name, wanted) => named(name) && wanted.iter().all(|w| known.any(|word| word == *w)),
        Detect::WithPrefix(name, prefix) => named(name) && known.any(|word| word.starts_with(prefix)),
        Detect::WithSuffix(name, suffix) => named(name) && known.any(|word| word.ends_with(suffix)),
    }
}

/// Whether a program has this name, possibly with a version (`python3.11`, `php-fpm8.2`, `postgres-15`).
pub(super) fn is_named(program: &str, name: &str) -> bool {
    program.strip_prefix(name).is_some_and(|version| {
        let digits = version.strip_prefix('-').unwrap_or(version);
        version.is_empty()
            || digits.starts_with(|c: char| c.is_ascii_digit())
                && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
}

/// What a command line says of a drain time.
enum Flag {
    Absent,
    /// A flag is there, but its value is not known before run time.
    Hidden,
    Value(&'static str, u32),
}

/// The last of the flags decides; one whose value is no number does not count.
fn flag_value(sources: &'static [TimeSource], words: &[Word]) -> Flag {
    for (index, word) in words.iter().enumerate().rev() {
        for source in sources {
            let TimeSource::Flag(flag, unit) = *source else { continue };
            let value = match word.text.strip_prefix(flag) {
                Some("") => match words.get(index + 1) {
                    Some(value) => value,
                    None => continue,
                },
                Some(_) => word,
                None => continue,
            };
            let text = if std::ptr::eq(value, word) {
                match word.text.strip_prefix(flag).map(|rest| (rest.strip_prefix('='), rest)) {
                    Some((Some(text), _)) if flag.len() > 2 => text,
                    Some((None, text)) if flag.len() == 2 => text,
                    _ => continue,
                }
            } else {
                value.text.as_str()
            };
            if !word.known || !value.known {
                return Flag::Hidden;
            }
            if let Some(seconds) = seconds(text, unit) {
                return Flag::Value(flag, seconds);
            }
        }
    }
    Flag::Absent
}

/// The words of a variable that holds flags. Quotes around a word or a value are dropped.
fn split(text: &str) -> Vec<Word> {
    text.split_whitespace()
        .map(|word| Word { text: word.replace(['"', '\''], ""), known: true })
        .collect()
}

/// Reads `30`, `1.5`, `500ms`, `30s`, `1m30s`; rounds up to whole seconds, at most a day.
fn seconds(text: &str, unit: Unit) -> Option<u32> {
    let bare = match unit {
        Unit::Seconds => 1000,
        Unit::Milliseconds => 1,
    };
    let mut rest = text;
    let mut micros = 0_u64;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (suffix, next) = tail.split_at(end);
        let millis = match suffix {
            "" if rest.len() == text.len() => bare,
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        micros = micros.saturating_add(thousandths(number)?.saturating_mul(millis));
        rest = next;
        if rest.is_empty() {
            break;
        }
    }
    u32::try_from(micros.div_ceil(1_000_000).min(MAX_SECONDS)).ok()
}

/// A plain decimal number, times a thousand, rounded up.
fn thousandths(number: &str) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let (head, tail) = fraction.split_at(fraction.len().min(3));
    let head: u64 = format!("{head:0<3}").parse().ok()?;
    let up = u64::from(tail.bytes().any(|b| b != b'0'));
    // Only a number too long for the type fails here.
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX);
    Some(whole.saturating_mul(1000).saturating_add(head + up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use softstop_programs::profile::by_name;

    /// Words of a line; those with a `$` are not known.
    fn words(line: &str) -> Vec<Word> {
        line.split_whitespace()
            .map(|text| Word { text: text.into(), known: !text.contains('$') })
            .collect()
    }

    #[test]
    fn programs_are_recognised() {
        for (line, expected) in [
            ("gunicorn app:app", "gunicorn"),
            ("/venv/bin/gunicorn app:app", "gunicorn"),
            ("$VENV/bin/gunicorn app:app", "gunicorn"),
            ("python -m gunicorn app:app", "gunicorn"),
            ("python3.11 -u -W ignore -X dev -m gunicorn app", "gunicorn"),
            ("python -umgunicorn app", "gunicorn"),
            ("python3 /usr/local/bin/gunicorn app", "gunicorn"),
            ("python $VENV/bin/gunicorn app", "gunicorn"),
            ("python -m uvicorn a:b", "uvicorn"),
            ("hypercorn a:b", "hypercorn"),
            ("daphne a:b", "daphne"),
            ("granian a:b", "granian"),
            ("waitress-serve a:b", "waitress"),
            ("flask --debug run", "flask"),
            ("python -m flask run", "flask"),
            ("python -u -W x manage.py runserver", "django"),
            ("python -Wx ./manage.py runserver 0:8000", "django"),
            ("./manage.py runserver", "django"),
            ("python manage.py migrate", "python"),
            ("uwsgi --ini a.ini", "uwsgi"),
            ("celery -A proj worker -l info", "celery"),
            ("python -m celery -A proj worker", "celery"),
            ("celery -A proj beat", "celery-beat"),
            ("celery multi start worker -A proj", "celery-multi"),
            ("airflow celery worker", "airflow"),
            ("rq worker high", "rq"),
            ("rqworker", "rq"),
            ("dramatiq app", "dramatiq"),
            ("huey_consumer.py app.huey", "huey"),
            ("python /usr/bin/huey_consumer.py app.huey", "huey"),
            ("sidekiq -t 5", "sidekiq"),
            ("ruby -W0 -I lib -S sidekiq", "sidekiq"),
            ("nginx -g x", "nginx"),
            ("httpd-foreground", "httpd"),
            ("apache2-foreground", "httpd"),
            ("apache2 -DFOREGROUND", "httpd"),
            ("apache2ctl -D FOREGROUND", "httpd"),
            ("php-fpm -F", "php-fpm"),
            ("php-fpm8.2 -F", "php-fpm"),
            ("php-fpm83", "php-fpm"),
            ("haproxy -W -f x", "haproxy"),
            ("envoy -c x", "envoy"),
            ("traefik", "traefik"),
            ("caddy run", "caddy"),
            ("node --max-old-space-size=1 server.js", "node"),
            ("node20 server.js", "node"),
            ("pm2-runtime start app.js", "pm2-runtime"),
            ("node -r dotenv/config /usr/bin/pm2-runtime app.js", "pm2-runtime"),
            ("java -jar app.jar", "java"),
            ("java -cp a org.springframework.boot.loader.launch.JarLauncher", "spring-boot"),
            ("java org.springframework.boot.loader.JarLauncher", "spring-boot"),
            ("catalina.sh run", "tomcat"),
            ("java -cp a org.apache.catalina.startup.Bootstrap start", "tomcat"),
            ("puma -C config/puma.rb", "puma"),
            ("bin/rails s -b 0.0.0.0", "puma"),
            ("ruby3.1 bin/rails server", "puma"),
            ("unicorn -c x", "unicorn"),
            ("dotnet /app/x.dll", "dotnet"),
            ("beam.smp -- x", "erlang"),
            ("postgres -D x", "postgres"),
            ("postgres-15", "postgres"),
            ("redis-server /etc/redis.conf", "redis"),
            ("/usr/bin/python3 /usr/bin/supervisord -n", "supervisord"),
            ("s6-svscan /etc/s6", "s6"),
            ("honcho start", "honcho"),
            ("foreman start", "foreman"),
            ("julia entrypoint.jl", "julia"),
            ("python", "python"),
            ("python -c gunicorn", "python"),
            ("python -c $X gunicorn", "python"),
            ("python $OPTS gunicorn", "python"),
            ("python --nope gunicorn", "python"),
            ("python -", "python"),
            ("ruby app.rb", "ruby"),
            ("ruby -e sidekiq", "ruby"),
            ("perl x.pl", "perl"),
            ("php artisan serve", "php"),
            ("sleep infinity", "sleep"),
            ("tail -f /dev/null", "tail"),
            ("cat", "cat"),
            ("busybox sleep 5", "sleep"),
            ("nc -l 80", "nc"),
        ] {
            assert_eq!(detect(&words(line)).map(|p| p.name), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_recognised() {
        for line in [
            "", "/app/server", "$CMD app", "/opt/$X app", "gunicorn$X app", "gunicornx", "gunicorn-", "gunicorn.",
            "celery -A proj flower", "celery -A proj $CMD", "airflow webserver", "airflow worker celery",
            "flask shell", "dotnet run", "honcho run x", "catalina.sh start", "rq info",
        ] {
            assert_eq!(detect(&words(line)).map(|p| p.name), None, "{line}");
        }
    }

    #[test]
    fn every_profile_is_reached() {
        for profile in PROFILES {
            for detect_by in profile.detect {
                let line = match *detect_by {
                    Detect::Program(name) => name.to_owned(),
                    Detect::Module(name) => format!("python -m {name}"),
                    Detect::With(name, with) => format!("{name} {}", with.join(" ")),
                    Detect::WithPrefix(name, part) | Detect::WithSuffix(name, part) => format!("{name} {part}"),
                };
                assert_eq!(detect(&words(&line)).map(|p| p.name), Some(profile.name), "{line}");
            }
        }
    }

    fn time(line: &str, env: &[(&str, &'static str)]) -> Option<(u32, String)> {
        let argv = words(line);
        let env = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        drain_time(detect(&argv).unwrap(), &argv, env).map(|found| (found.seconds, found.place))
    }

    #[test]
    fn drain_times_are_read_from_the_command_line() {
        for (line, expected) in [
            ("gunicorn app", None),
            ("gunicorn --graceful-timeout 60 app", Some(60)),
            ("gunicorn --graceful-timeout=60 app", Some(60)),
            ("python -m gunicorn --graceful-timeout 60", Some(60)),
            ("gunicorn --graceful-timeout 60 --graceful-timeout=90", Some(90)),
            ("gunicorn --graceful-timeout 0", Some(0)),
            ("gunicorn --graceful-timeout", None),
            ("gunicorn --graceful-timeout-x=5 app", None),
            ("gunicorn --graceful-timeout60 app", None),
            ("gunicorn --timeout 60 app", None),
            ("gunicorn --graceful-timeout soon app", None),
            ("gunicorn --graceful-timeout 60 --graceful-timeout soon", Some(60)),
            ("gunicorn --graceful-timeout $T app", None),
            ("gunicorn --graceful-timeout=$T app", None),
            ("gunicorn --graceful-timeout 60 --graceful-timeout $T", None),
            ("gunicorn --graceful-timeout -5", None),
            ("gunicorn --graceful-timeout 99999999999999999999999", Some(86_400)),
            ("hypercorn --graceful-timeout 1.2", Some(2)),
            ("sidekiq -t 60", Some(60)),
            ("sidekiq -t60", Some(60)),
            ("sidekiq -t 60 --timeout 70", Some(70)),
            ("sidekiq --timeout 70 -t60", Some(60)),
            ("sidekiq -tx", None),
            ("dramatiq --worker-shutdown-timeout 1001 app", Some(2)),
            ("dramatiq --worker-shutdown-timeout 1000 app", Some(1)),
            ("java -Dspring.lifecycle.timeout-per-shutdown-phase=20s org.springframework.boot.loader.X", Some(20)),
            ("java org.springframework.boot.loader.X --spring.lifecycle.timeout-per-shutdown-phase=1m", Some(60)),
        ] {
            assert_eq!(time(line, &[]).map(|(seconds, _)| seconds), expected, "{line}");
        }
    }

    #[test]
    fn drain_times_are_read_from_the_environment() {
        let found = |seconds, place: &str| Some((seconds, place.to_owned()));
        let args = [("GUNICORN_CMD_ARGS", "--workers=3 --graceful-timeout '45'")];
        assert_eq!(time("gunicorn app", &args), found(45, "GUNICORN_CMD_ARGS"));
        assert_eq!(time("gunicorn --graceful-timeout 9", &args), found(9, "--graceful-timeout"));
        assert_eq!(time("gunicorn --graceful-timeout $T", &args), None, "the command line wins, unread");
        assert_eq!(time("gunicorn app", &[("GUNICORN_CMD_ARGS", "--workers=3")]), None);
        assert_eq!(
            time("uvicorn a:b", &[("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN", " 7 ")]),
            found(7, "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN")
        );
        assert_eq!(time("uvicorn a:b", &[("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN", "")]), None);
        assert_eq!(time("pm2-runtime a", &[("PM2_KILL_TIMEOUT", "1600")]), found(2, "PM2_KILL_TIMEOUT"));
        assert_eq!(
            time("java org.springframework.boot.loader.X", &[("SPRING_LIFECYCLE_TIMEOUTPERSHUTDOWNPHASE", "20s")]),
            found(20, "SPRING_LIFECYCLE_TIMEOUTPERSHUTDOWNPHASE")
        );
    }

    #[test]
    fn numbers_are_read_and_rounded_up() {
        for (text, unit, expected) in [
            ("30", Unit::Seconds, Some(30)),
            ("30s", Unit::Milliseconds, Some(30)),
            ("1m30s", Unit::Seconds, Some(90)),
            ("1.5m", Unit::Seconds, Some(90)),
            ("2h", Unit::Seconds, Some(7200)),
            ("48h", Unit::Seconds, Some(86_400)),
            ("1", Unit::Milliseconds, Some(1)),
            ("500ms", Unit::Seconds, Some(1)),
            ("0.0001", Unit::Seconds, Some(1)),
            ("30.", Unit::Seconds, Some(30)),
            ("0", Unit::Seconds, Some(0)),
            ("", Unit::Seconds, None),
            ("s", Unit::Seconds, None),
            (".5", Unit::Seconds, None),
            ("1m30", Unit::Seconds, None),
            ("+5", Unit::Seconds, None),
            ("1e3", Unit::Seconds, None),
            ("1.2.3", Unit::Seconds, None),
            ("PT20S", Unit::Milliseconds, None),
            ("5 s", Unit::Seconds, None),
        ] {
            assert_eq!(seconds(text, unit), expected, "{text}");
        }
    }

    #[test]
    fn flags_are_found_with_and_without_a_value() {
        let uwsgi = by_name("uwsgi").and_then(|p| p.graceful_env).unwrap();
        for (line, expected) in [
            ("uwsgi --hook-master-start x", true),
            ("uwsgi --hook-master-start=$X", true),
            ("uwsgi --hook-master-started", false),
            ("uwsgi --master", false),
            ("--hook-master-start", false),
        ] {
            assert_eq!(has_flag(&words(line), uwsgi.unless), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(
            argv in proptest::collection::vec(
                (prop_oneof![
                    "\\PC{0,8}", "-{0,2}[a-zA-Zé=0-9.$]{0,6}",
                    Just("python".to_owned()), Just("node".to_owned()), Just("ruby".to_owned()),
                    Just("-m".to_owned()), Just("gunicorn".to_owned()), Just("-t".to_owned()),
                    Just("--graceful-timeout".to_owned()),
                ], any::<bool>()).prop_map(|(text, known)| Word { text, known }),
                0..8,
            ),
            value in "\\PC{0,12}|[0-9.]{0,30}(ms|s|m|h|é)?",
        ) {
            let _ = detect(&argv);
            for profile in PROFILES {
                if let Some(found) = drain_time(profile, &argv, |_| Some(value.as_str())) {
                    prop_assert!(u64::from(found.seconds) <= MAX_SECONDS);
                }
            }
        }
    }
}
