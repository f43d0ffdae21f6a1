use super::*;
use proptest::prelude::*;
use softstop_programs::profile::by_name;

/// Words of a line; those with a `$` are not known.
fn words(line: &str) -> Vec<Word> {
    line.split_whitespace()
        .map(|text| Word {
            text: text.into(),
            known: !text.contains('$'),
        })
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
        (
            "node -r dotenv/config /usr/bin/pm2-runtime app.js",
            "pm2-runtime",
        ),
        ("java -jar app.jar", "java"),
        (
            "java -cp a org.springframework.boot.loader.launch.JarLauncher",
            "spring-boot",
        ),
        (
            "java org.springframework.boot.loader.JarLauncher",
            "spring-boot",
        ),
        ("catalina.sh run", "tomcat"),
        (
            "java -cp a org.apache.catalina.startup.Bootstrap start",
            "tomcat",
        ),
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
    ] {
        assert_eq!(
            detect(&words(line)).map(|p| p.name),
            Some(expected),
            "{line}"
        );
    }
}

#[test]
fn what_stays_is_the_language_or_has_no_handler() {
    for (line, expected) in [
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
        assert_eq!(
            detect(&words(line)).map(|p| p.name),
            Some(expected),
            "{line}"
        );
    }
}

#[test]
fn what_is_not_known_is_not_recognised() {
    for line in [
        "",
        "/app/server",
        "$CMD app",
        "/opt/$X app",
        "gunicorn$X app",
        "gunicornx",
        "gunicorn-",
        "gunicorn.",
        "celery -A proj flower",
        "celery -A proj $CMD",
        "airflow webserver",
        "airflow worker celery",
        "flask shell",
        "dotnet run",
        "honcho run x",
        "catalina.sh start",
        "rq info",
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
                Detect::WithPrefix(name, part) | Detect::WithSuffix(name, part) => {
                    format!("{name} {part}")
                }
            };
            assert_eq!(
                detect(&words(&line)).map(|p| p.name),
                Some(profile.name),
                "{line}"
            );
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
        (
            "gunicorn --graceful-timeout 60 --graceful-timeout=90",
            Some(90),
        ),
        ("gunicorn --graceful-timeout 0", Some(0)),
        ("gunicorn --graceful-timeout", None),
        ("gunicorn --graceful-timeout-x=5 app", None),
        ("gunicorn --graceful-timeout60 app", None),
        ("gunicorn --timeout 60 app", None),
        ("gunicorn --graceful-timeout soon app", None),
        (
            "gunicorn --graceful-timeout 60 --graceful-timeout soon",
            Some(60),
        ),
        ("gunicorn --graceful-timeout $T app", None),
        ("gunicorn --graceful-timeout=$T app", None),
        ("gunicorn --graceful-timeout 60 --graceful-timeout $T", None),
        ("gunicorn --graceful-timeout -5", None),
        (
            "gunicorn --graceful-timeout 99999999999999999999999",
            Some(86_400),
        ),
        ("hypercorn --graceful-timeout 1.2", Some(2)),
        ("sidekiq -t 60", Some(60)),
        ("sidekiq -t60", Some(60)),
        ("sidekiq -t 60 --timeout 70", Some(70)),
        ("sidekiq --timeout 70 -t60", Some(60)),
        ("sidekiq -tx", None),
        ("dramatiq --worker-shutdown-timeout 1001 app", Some(2)),
        ("dramatiq --worker-shutdown-timeout 1000 app", Some(1)),
        (
            "java -Dspring.lifecycle.timeout-per-shutdown-phase=20s org.springframework.boot.loader.X",
            Some(20),
        ),
        (
            "java org.springframework.boot.loader.X --spring.lifecycle.timeout-per-shutdown-phase=1m",
            Some(60),
        ),
    ] {
        assert_eq!(
            time(line, &[]).map(|(seconds, _)| seconds),
            expected,
            "{line}"
        );
    }
}

#[test]
fn drain_times_are_read_from_the_environment() {
    let found = |seconds, place: &str| Some((seconds, place.to_owned()));
    let args = [("GUNICORN_CMD_ARGS", "--workers=3 --graceful-timeout '45'")];
    assert_eq!(time("gunicorn app", &args), found(45, "GUNICORN_CMD_ARGS"));
    assert_eq!(
        time("gunicorn --graceful-timeout 9", &args),
        found(9, "--graceful-timeout")
    );
    assert_eq!(
        time("gunicorn --graceful-timeout $T", &args),
        None,
        "the command line wins, unread"
    );
    assert_eq!(
        time("gunicorn app", &[("GUNICORN_CMD_ARGS", "--workers=3")]),
        None
    );
    assert_eq!(
        time(
            "uvicorn a:b",
            &[("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN", " 7 ")]
        ),
        found(7, "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN")
    );
    assert_eq!(
        time("uvicorn a:b", &[("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN", "")]),
        None
    );
    assert_eq!(
        time("pm2-runtime a", &[("PM2_KILL_TIMEOUT", "1600")]),
        found(2, "PM2_KILL_TIMEOUT")
    );
    assert_eq!(
        time(
            "java org.springframework.boot.loader.X",
            &[("SPRING_LIFECYCLE_TIMEOUTPERSHUTDOWNPHASE", "20s")]
        ),
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
