//! The server programs.

use crate::row::{Cleans, Protocol, Server, Work};

/// What most of them share.
pub(crate) const COMMON: Server = Server {
    name: "",
    system: "",
    profile: "",
    variant: "",
    image: "python",
    dir: "/app",
    line: "",
    work: Work::Requests(Protocol::Http),
    grace: 10,
    read_only: false,
    annotations: &[],
    hidden: &[],
    drains: true,
    cleans: Cleans::Noted,
    user: None,
};

pub(crate) const CELERY: &Server = &Server {
    name: "celery",
    system: "Celery worker",
    profile: "celery",
    line: "celery -A tasks worker --concurrency=1",
    work: Work::Tasks("tasks"),
    ..COMMON
};

const DJANGO: Server = Server {
    system: "Django under Gunicorn",
    profile: "gunicorn",
    dir: "/app/site",
    ..COMMON
};

pub(crate) const GUNICORN: &Server = &Server {
    name: "gunicorn",
    line: "gunicorn --workers 3 --threads 4 --bind 0.0.0.0:8000 shop.wsgi",
    ..DJANGO
};

pub(crate) const GUNICORN_MIGRATE: &Server = &Server {
    name: "gunicorn-migrate",
    variant: "`migrate && gunicorn`",
    line: "python3 manage.py check && gunicorn --workers 3 --threads 4 --bind 0.0.0.0:8000 shop.wsgi",
    ..DJANGO
};

const UWSGI_ALL: Server = Server {
    system: "Django under uWSGI",
    profile: "uwsgi",
    dir: "/app/site",
    // It drains only with variables that softstop sets where it knows it.
    hidden: &[("softstop.dev/runtime", "uwsgi")],
    ..COMMON
};

pub(crate) const UWSGI: &Server = &Server {
    name: "uwsgi",
    line: "uwsgi --master --processes 3 --threads 4 --http-socket 0.0.0.0:8000 --module shop.wsgi",
    ..UWSGI_ALL
};

pub(crate) const UWSGI_DIE: &Server = &Server {
    name: "uwsgi-die-on-term",
    variant: "`--die-on-term`",
    line: "uwsgi --master --die-on-term --processes 3 --threads 4 --http-socket 0.0.0.0:8000 --module shop.wsgi",
    ..UWSGI_ALL
};

pub(crate) const UWSGI_HTTP: &Server = &Server {
    name: "uwsgi-http",
    variant: "`--http` router",
    line: "uwsgi --master --processes 3 --threads 4 --http 0.0.0.0:8000 --module shop.wsgi",
    ..UWSGI_ALL
};

pub(crate) const UWSGI_HTTP_DIE: &Server = &Server {
    name: "uwsgi-http-die-on-term",
    variant: "`--http` router, `--die-on-term`",
    line: "uwsgi --master --die-on-term --processes 3 --threads 4 --http 0.0.0.0:8000 --module shop.wsgi",
    ..UWSGI_ALL
};

pub(crate) const FLASK: &Server = &Server {
    name: "flask",
    system: "Flask under Gunicorn",
    profile: "gunicorn",
    line: "gunicorn --workers 3 --threads 4 --bind 0.0.0.0:8000 --graceful-timeout 30 api:app",
    ..COMMON
};

pub(crate) const JOB: &Server = &Server {
    name: "job",
    system: "Python job loop",
    profile: "python",
    line: "python3 /app/job.py",
    work: Work::Jobs(1500),
    ..COMMON
};

/// A loop that may be busy for longer than the grace period: its owner says so.
pub(crate) const LONG_JOB: &Server = &Server {
    name: "long-job",
    variant: "job longer than the grace period",
    work: Work::Jobs(13_000),
    annotations: &[("softstop.dev/drain-time", "20s")],
    ..*JOB
};

/// Its documented set-up: a preStop hook that asks it to end, and a directory for the socket that the hook needs.
pub(crate) const JULIA: &Server = &Server {
    name: "julia",
    system: "Julia with K8sDeputy",
    profile: "julia",
    image: "julia",
    line: "julia /app/entrypoint.jl",
    annotations: &[
        ("softstop.dev/pre-stop", r#"["julia", "/app/terminate.jl"]"#),
        ("softstop.dev/writable", "/run"),
    ],
    ..*JOB
};

pub(crate) const JULIA_SHELL: &Server = &Server {
    name: "julia-keep",
    variant: "`julia ...; sleep 1`",
    line: "julia /app/entrypoint.jl; sleep 1",
    ..*JULIA
};

pub(crate) const JULIA_READ_ONLY: &Server = &Server {
    name: "julia-read-only",
    variant: "`julia ...; sleep 1`, read-only root",
    read_only: true,
    ..*JULIA_SHELL
};
