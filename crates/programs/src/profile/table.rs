//! The server programs, as a flat table; a specific row stands before a general one, because the first match wins.
//!
//! "Measured" = containers of that program, terminated as a pod deletion does it, under load; `lost 3/30` counts
//! requests or tasks. Not in the table, because nothing in a command line shows them: Go programs, SDK workers such
//! as Temporal's, releases of Erlang started by a script, and s6-overlay's `/init`.

use super::Detect::{Module, Program, With, WithPrefix, WithSuffix};
use super::TimeSource::{Env, EnvArgs, Flag};
use super::Unit::{Milliseconds, Seconds};
use super::{Drain, DrainTime, EnvValue, GracefulEnv, Profile, Role};
use crate::signal::Signal;

/// A server that drains on SIGTERM and waits for its work as long as that takes.
const SERVER: Profile = Profile {
    name: "",
    title: "",
    detect: &[],
    drain: Drain::On(Signal::TERM),
    time: UNLIMITED,
    role: Role::Server,
    margin: 5,
    graceful_env: None,
    group_signal_harms: false,
    not_pid1: false,
    development: false,
    note: "",
};

/// A queue worker that does the same.
const WORKER: Profile = Profile {
    role: Role::Worker,
    margin: 10,
    ..SERVER
};

/// A program that serves nobody by itself.
const OTHER: Profile = Profile {
    role: Role::Other,
    ..SERVER
};

/// An interpreter: what runs in it decides.
const LANGUAGE: Profile = Profile {
    drain: Drain::Application,
    ..OTHER
};

/// A program without a signal handler.
const HANDLERLESS: Profile = Profile {
    drain: Drain::NoHandler,
    note: "measured: as PID 1 it ignores SIGTERM until it is killed",
    ..OTHER
};

/// No default, nothing to configure on the command line.
const UNLIMITED: DrainTime = DrainTime {
    default: None,
    sources: &[],
};

/// Every profile; the first that matches wins.
pub static PROFILES: &[Profile] = &[
    // Python servers.
    Profile {
        name: "gunicorn",
        title: "Gunicorn",
        detect: &[
            Program("gunicorn"),
            Module("gunicorn"),
            Module("gunicorn.app.wsgiapp"),
        ],
        time: DrainTime {
            default: Some(30),
            sources: &[
                Flag("--graceful-timeout", Seconds),
                EnvArgs("GUNICORN_CMD_ARGS"),
            ],
        },
        note: "measured with 20.1 to 27.0.1, sync, gthread, gevent and uvicorn workers: SIGTERM lost 0/30, SIGINT and \
               SIGQUIT all; the limit is --graceful-timeout, not --timeout; the command line wins over \
               GUNICORN_CMD_ARGS; a configuration file is not seen",
        ..SERVER
    },
    Profile {
        name: "uvicorn",
        title: "Uvicorn",
        detect: &[Program("uvicorn"), Module("uvicorn")],
        time: DrainTime {
            default: None,
            sources: &[
                Flag("--timeout-graceful-shutdown", Seconds),
                Env("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN", Seconds),
            ],
        },
        note: "measured with 0.17 to 0.54, also with --workers: SIGTERM lost 0/32; waits for ever unless \
               --timeout-graceful-shutdown or its variable (0.22 and newer) says otherwise: 2 s cut a 12 s request off",
        ..SERVER
    },
    Profile {
        name: "hypercorn",
        title: "Hypercorn",
        detect: &[Program("hypercorn"), Module("hypercorn")],
        time: DrainTime {
            default: Some(3),
            sources: &[Flag("--graceful-timeout", Seconds)],
        },
        note: "measured with 0.14 to 0.18: 5 s requests lost 10/22 with the default of 3 s, 0/22 with \
               --graceful-timeout 10; no environment variable sets it; from Python 3.12 on it waits for connections \
               before that time begins, so that a 25 s request was served (0.18.0, Python 3.13)",
        ..SERVER
    },
    Profile {
        name: "daphne",
        title: "Daphne",
        detect: &[Program("daphne"), Module("daphne")],
        drain: Drain::Never,
        note: "measured with 4.0 to 4.2.3: exits at once, lost 32/32; only a longer drain delay helps",
        ..SERVER
    },
    Profile {
        name: "granian",
        title: "Granian",
        detect: &[Program("granian"), Module("granian")],
        time: DrainTime {
            default: None,
            sources: &[
                Flag("--workers-kill-timeout", Seconds),
                Env("GRANIAN_WORKERS_KILL_TIMEOUT", Seconds),
            ],
        },
        note: "measured with 2.8: SIGTERM lost 0/31, and served a 12 s request; GRANIAN_WORKERS_KILL_TIMEOUT=2 cut it \
               off after 2 s",
        ..SERVER
    },
    Profile {
        name: "waitress",
        title: "Waitress",
        detect: &[Program("waitress-serve"), Module("waitress")],
        drain: Drain::On(Signal::INT),
        time: DrainTime {
            default: Some(5),
            sources: &[],
        },
        note: "measured with 3.0: it has no SIGTERM handler, SIGINT lost 0/15, but gives what is under way 5 s (3.0.2 cut \
               a 12 s request off after 5.2 s), which nothing sets",
        ..SERVER
    },
    Profile {
        name: "flask",
        title: "Flask's development server",
        detect: &[With("flask", &["run"])],
        drain: Drain::NoHandler,
        development: true,
        note: "measured with Flask 3.1: SIGTERM is ignored as PID 1, SIGINT lost 32/32",
        ..SERVER
    },
    Profile {
        name: "django",
        title: "Django's development server",
        detect: &[
            With("manage.py", &["runserver"]),
            With("django-admin", &["runserver"]),
            With("django", &["runserver"]),
        ],
        drain: Drain::Never,
        development: true,
        note: "measured with Django 5.2: the autoreloader exits at once, lost 31/31; with --noreload SIGTERM is ignored",
        ..SERVER
    },
    Profile {
        name: "uwsgi",
        title: "uWSGI",
        detect: &[Program("uwsgi")],
        drain: Drain::Never,
        time: DrainTime {
            default: Some(60),
            sources: &[
                Flag("--worker-reload-mercy", Seconds),
                Env("UWSGI_WORKER_RELOAD_MERCY", Seconds),
            ],
        },
        margin: 10,
        graceful_env: Some(GracefulEnv {
            vars: &[
                (
                    "UWSGI_HOOK_MASTER_START",
                    EnvValue::Literal("unix_signal:15 gracefully_kill_them_all"),
                ),
                ("UWSGI_MASTER", EnvValue::Literal("1")),
            ],
            unless: &["--hook-master-start"],
        }),
        group_signal_harms: true,
        note: "measured with 2.0.21 to 2.0.31: SIGTERM kills all requests and restarts, --die-on-term kills them and \
               exits (both lost 31/32), the hook lost 0/31; with --http up to 2.0.26 the router dies first and all is \
               lost in spite of the hook. The limit is worker-reload-mercy",
        ..SERVER
    },
    // Queue workers.
    Profile {
        name: "airflow",
        title: "Airflow's Celery worker",
        detect: &[With("airflow", &["celery", "worker"])],
        group_signal_harms: true,
        note: "not run; by Airflow's image documentation it stops as Celery does, behind dumb-init with \
               DUMB_INIT_SETSID=0",
        ..WORKER
    },
    Profile {
        name: "celery-multi",
        title: "celery multi",
        detect: &[With("celery", &["multi"])],
        drain: Drain::Application,
        group_signal_harms: true,
        note: "starts detached workers and ends; the workers, which do the work, are not this program",
        ..WORKER
    },
    Profile {
        name: "celery-beat",
        title: "Celery beat",
        detect: &[With("celery", &["beat"])],
        time: DrainTime {
            default: Some(1),
            sources: &[],
        },
        note: "measured with 5.7: ends 0.2 s after SIGTERM",
        ..OTHER
    },
    Profile {
        name: "celery",
        title: "Celery worker",
        detect: &[With("celery", &["worker"])],
        group_signal_harms: true,
        note: "measured with 5.2 to 5.7, every pool: SIGTERM lost 0/18 tasks; a signal to the process group (dumb-init, \
               tini -g) lost the running task every time; with 5.2 a second SIGTERM is a cold stop",
        ..WORKER
    },
    Profile {
        name: "rq",
        title: "RQ worker",
        detect: &[
            With("rq", &["worker"]),
            Program("rqworker"),
            With("manage.py", &["rqworker"]),
        ],
        note: "measured with 3.0: SIGTERM lost 0/18 jobs, a second one is a cold stop; django-rq's rqworker runs the \
               same worker (not measured)",
        ..WORKER
    },
    Profile {
        name: "dramatiq",
        title: "Dramatiq",
        detect: &[Program("dramatiq"), Module("dramatiq")],
        time: DrainTime {
            default: Some(600),
            sources: &[Flag("--worker-shutdown-timeout", Milliseconds)],
        },
        group_signal_harms: true,
        note: "measured with 2.2: SIGTERM lost 0/18 messages; a signal to the process group interrupted 2 of 3 runs; a \
               killed message is not run again soon; 10 minutes is also what 2.2.1 says of itself",
        ..WORKER
    },
    Profile {
        name: "huey",
        title: "Huey",
        detect: &[
            Program("huey_consumer"),
            Program("huey_consumer.py"),
            Module("huey.bin.huey_consumer"),
            With("manage.py", &["run_huey"]),
        ],
        drain: Drain::On(Signal::INT),
        note: "measured with 2.5 and 3.5: SIGTERM interrupts the task (lost 3/18), SIGINT lost 0/18; Django's run_huey \
               runs the same consumer (not measured)",
        ..WORKER
    },
    Profile {
        name: "sidekiq",
        title: "Sidekiq",
        detect: &[Program("sidekiq")],
        time: DrainTime {
            default: Some(25),
            sources: &[Flag("-t", Seconds), Flag("--timeout", Seconds)],
        },
        note: "measured with 6.4 and 7.3: SIGTERM lost 0/18 jobs; what is not done after -t is pushed back and run again \
               (7.3.2 with a 40 s job: after 26 s, after 3 s with -t 3)",
        ..WORKER
    },
    // Web servers and proxies.
    Profile {
        name: "nginx",
        title: "nginx",
        detect: &[Program("nginx"), Program("nginx-debug")],
        drain: Drain::On(Signal::QUIT),
        note: "measured with 1.22 and 1.26: SIGTERM lost 32/32, SIGQUIT 0/32; the official image's STOPSIGNAL is SIGQUIT since \
               1.19; worker_shutdown_timeout limits it, by default nothing does",
        ..SERVER
    },
    Profile {
        name: "httpd",
        title: "Apache httpd",
        detect: &[
            Program("httpd-foreground"),
            Program("apache2-foreground"),
            Program("httpd"),
            Program("apache2"),
            Program("apache2ctl"),
            Program("apachectl"),
        ],
        drain: Drain::On(Signal::WINCH),
        note: "measured with 2.4 (to 2.4.71): SIGTERM lost 32/32, SIGWINCH 0/32; the official httpd and php:apache images have it \
               as STOPSIGNAL",
        ..SERVER
    },
    Profile {
        name: "php-fpm",
        title: "PHP-FPM",
        detect: &[Program("php-fpm")],
        drain: Drain::Never,
        note: "measured with 8.2: SIGTERM loses all; SIGQUIT lost 27/32, and 0/31 only where process_control_timeout is \
               set, which no command line shows; a longer drain delay lost none",
        ..SERVER
    },
    Profile {
        name: "haproxy",
        title: "HAProxy",
        detect: &[Program("haproxy")],
        drain: Drain::On(Signal::USR1),
        note: "measured with 2.6 and 3.0: SIGUSR1 lost 0/32, SIGTERM 32/32 with -W (ignored without); the official image's \
               STOPSIGNAL is SIGUSR1; hard-stop-after limits it",
        ..SERVER
    },
    Profile {
        name: "envoy",
        title: "Envoy",
        detect: &[Program("envoy")],
        drain: Drain::Never,
        note: "measured with 1.39 and 1.40: SIGTERM and SIGINT exit at once, lost 22/22; its admin interface can drain, a longer \
               drain delay lost none",
        ..SERVER
    },
    Profile {
        name: "traefik",
        title: "Traefik",
        detect: &[Program("traefik")],
        time: DrainTime {
            default: Some(10),
            sources: &[],
        },
        note: "not run; by its reference, graceTimeOut of each entry point, 10 s by default, limits the drain",
        ..SERVER
    },
    Profile {
        name: "caddy",
        title: "Caddy",
        detect: &[Program("caddy")],
        note: "measured with 2.6: SIGTERM lost 0/33; grace_period limits it, by default nothing does",
        ..SERVER
    },
    // Ruby servers.
    Profile {
        name: "puma",
        title: "Puma",
        detect: &[
            Program("puma"),
            With("rails", &["s"]),
            With("rails", &["server"]),
        ],
        note: "measured with 5.6 and 6.6: SIGTERM lost 0/31; a 12 s request was served; ends with status 1 as PID 1; rails server runs Puma unless \
               told otherwise",
        ..SERVER
    },
    Profile {
        name: "unicorn",
        title: "Unicorn",
        detect: &[Program("unicorn"), Program("unicorn_rails")],
        drain: Drain::On(Signal::QUIT),
        time: DrainTime {
            default: Some(60),
            sources: &[],
        },
        note: "measured with 6 (to 6.1): SIGTERM lost 31/31, SIGQUIT 0/33; `timeout`, 60 s by default, limits a request",
        ..SERVER
    },
    // Process managers.
    Profile {
        name: "pm2-runtime",
        title: "pm2-runtime",
        detect: &[Program("pm2-runtime")],
        time: DrainTime {
            default: Some(2),
            sources: &[Env("PM2_KILL_TIMEOUT", Milliseconds)],
        },
        graceful_env: Some(GracefulEnv {
            vars: &[("PM2_KILL_TIMEOUT", EnvValue::DrainMillis)],
            unless: &["--kill-timeout"],
        }),
        note: "measured with 7.0: the application gets SIGINT and is killed after 1.6 s (3 s requests lost 12/27), \
               with PM2_KILL_TIMEOUT 0/27; the same with 7.0.4",
        ..SERVER
    },
    Profile {
        name: "supervisord",
        title: "supervisord",
        detect: &[Program("supervisord")],
        time: DrainTime {
            default: Some(10),
            sources: &[],
        },
        note: "measured with 4.2 and 4.3: SIGTERM lost 0/32; stopwaitsecs of each program, 10 s by default, limits it (4.3.0 cut \
               a 16 s request off after 11 s)",
        ..OTHER
    },
    Profile {
        name: "s6",
        title: "s6-svscan",
        detect: &[Program("s6-svscan")],
        note: "measured with 2.11 and 2.13: SIGTERM lost 0/32 with run scripts that exec",
        ..OTHER
    },
    Profile {
        name: "honcho",
        title: "Honcho",
        detect: &[With("honcho", &["start"])],
        note: "measured: SIGTERM drains, it waited for 8 s requests, 2.0.0 for one of 25 s; ends with status 143",
        ..OTHER
    },
    Profile {
        name: "foreman",
        title: "Foreman",
        detect: &[With("foreman", &["start"])],
        time: DrainTime {
            default: Some(5),
            sources: &[Flag("-t", Seconds), Flag("--timeout", Seconds)],
        },
        note: "measured: SIGTERM drains, but it kills after 5 s (8 s requests lost 9/17; 0.88.1 cut one off after 6 s)",
        ..OTHER
    },
    // JVM, .NET, BEAM.
    Profile {
        name: "tomcat",
        title: "Tomcat",
        detect: &[
            With("catalina.sh", &["run"]),
            WithPrefix("java", "org.apache.catalina.startup.Bootstrap"),
        ],
        drain: Drain::Never,
        note: "measured with 10.1 (to 10.1.60): stops about 2 s after SIGTERM whatever runs (3 s requests lost 16/18), unless \
               gracefulStopAwaitMillis is set in server.xml (0/18)",
        ..SERVER
    },
    Profile {
        name: "spring-boot",
        title: "Spring Boot",
        detect: &[WithPrefix("java", "org.springframework.boot.loader.")],
        time: DrainTime {
            default: Some(30),
            sources: &[
                Flag(
                    "--spring.lifecycle.timeout-per-shutdown-phase",
                    Milliseconds,
                ),
                Flag(
                    "-Dspring.lifecycle.timeout-per-shutdown-phase",
                    Milliseconds,
                ),
                EnvArgs("JAVA_TOOL_OPTIONS"),
                Env("SPRING_LIFECYCLE_TIMEOUTPERSHUTDOWNPHASE", Milliseconds),
                Env("SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE", Milliseconds),
            ],
        },
        margin: 10,
        graceful_env: Some(GracefulEnv {
            vars: &[("SERVER_SHUTDOWN", EnvValue::Literal("graceful"))],
            unless: &["--server.shutdown", "-Dserver.shutdown"],
        }),
        note: "measured on Tomcat: from 3.4.0 on SIGTERM drains (3 s requests lost 0/8), before that only with \
               SERVER_SHUTDOWN=graceful (3.3.13 lost 8/8 at once and 0/8 with it, 2.7.18 8/8 after 2 s and 0/8); 4.0.7 waited \
               for 25 s requests and cut those of 40 s off after 31 s, 3.3.13 too; by its documentation the 30 s are for each \
               phase; ends with status 143; `java -jar` alone does not show it",
        ..SERVER
    },
    Profile {
        name: "dotnet",
        title: ".NET",
        detect: &[WithSuffix("dotnet", ".dll")],
        time: DrainTime {
            default: Some(30),
            sources: &[Env("DOTNET_SHUTDOWNTIMEOUTSECONDS", Seconds)],
        },
        margin: 10,
        note: "measured with ASP.NET Core 8: SIGTERM lost 0/32; HostOptions.ShutdownTimeout, 30 s since .NET 6 and 5 s \
               before, limits it",
        ..SERVER
    },
    Profile {
        name: "erlang",
        title: "Erlang or Elixir",
        detect: &[
            Program("beam.smp"),
            Program("erl"),
            Program("erlexec"),
            Program("elixir"),
            Program("iex"),
            Program("mix"),
        ],
        note: "measured with Erlang 25: SIGTERM is init:stop, about 1 s (3 s requests lost 12/18) unless a drainer is in \
               the supervision tree",
        ..LANGUAGE
    },
    // Databases.
    Profile {
        name: "postgres",
        title: "PostgreSQL",
        detect: &[Program("postgres")],
        drain: Drain::On(Signal::INT),
        note: "measured with 15 and 17: SIGTERM waits for every client and ends in a kill and crash recovery, SIGINT stops \
               cleanly at once; the official image's STOPSIGNAL is SIGINT",
        ..OTHER
    },
    Profile {
        name: "redis",
        title: "Redis",
        detect: &[Program("redis-server")],
        time: DrainTime {
            default: None,
            sources: &[Flag("--shutdown-timeout", Seconds)],
        },
        note: "measured with 7 and 8: SIGTERM saves all keys (a swallowed one none); it waits 10 s for replicas and as long as \
               the save takes",
        ..OTHER
    },
    // Languages: what runs in them decides.
    Profile {
        name: "julia",
        title: "Julia",
        detect: &[Program("julia")],
        margin: 10,
        not_pid1: true,
        note: "measured with 1.5: SIGTERM ends it at once with a stack trace; K8sDeputy drains it from a preStop hook, \
               which dies with it where Julia is PID 1",
        ..LANGUAGE
    },
    Profile {
        name: "python",
        title: "Python",
        detect: &[Program("python"), Program("pypy")],
        note: "measured: without a handler SIGTERM is ignored as PID 1, with one it drains",
        ..LANGUAGE
    },
    Profile {
        name: "node",
        title: "Node.js",
        detect: &[Program("node"), Program("nodejs")],
        margin: 10,
        note: "measured with 20 and 24: without a handler SIGTERM is ignored as PID 1, with one it lost 0/30; idle keep-alive \
               connections hold the exit for 5 s more",
        ..LANGUAGE
    },
    Profile {
        name: "java",
        title: "Java",
        detect: &[Program("java")],
        note: "measured with 17 and 21: shutdown hooks lost 0/32, none 31/32; status 143 is normal",
        ..LANGUAGE
    },
    Profile {
        name: "ruby",
        title: "Ruby",
        detect: &[Program("ruby")],
        note: "measured: without a handler SIGTERM ends it at once, even as PID 1",
        ..LANGUAGE
    },
    Profile {
        name: "perl",
        title: "Perl",
        detect: &[Program("perl")],
        note: "measured: without a handler SIGTERM is ignored as PID 1",
        ..LANGUAGE
    },
    Profile {
        name: "php",
        title: "PHP",
        detect: &[Program("php")],
        note: "measured: without a handler SIGTERM is ignored as PID 1, so it is with `php -S`",
        ..LANGUAGE
    },
    // Known to have no handler.
    Profile {
        name: "sleep",
        title: "sleep",
        detect: &[Program("sleep"), With("busybox", &["sleep"])],
        ..HANDLERLESS
    },
    Profile {
        name: "tail",
        title: "tail",
        detect: &[Program("tail"), With("busybox", &["tail"])],
        ..HANDLERLESS
    },
    Profile {
        name: "cat",
        title: "cat",
        detect: &[Program("cat"), With("busybox", &["cat"])],
        ..HANDLERLESS
    },
    Profile {
        name: "yes",
        title: "yes",
        detect: &[Program("yes")],
        ..HANDLERLESS
    },
    Profile {
        name: "tee",
        title: "tee",
        detect: &[Program("tee")],
        ..HANDLERLESS
    },
    Profile {
        name: "nc",
        title: "nc",
        detect: &[Program("nc")],
        ..HANDLERLESS
    },
];
