//! The rows: the systems softstop was made for, each in the ways in which people start it; and every program in every form.

use crate::form::Form;
use crate::programs::{NGINX_DAEMON, OTHERS};
use crate::row::{End, Row, Server};
use crate::servers::{
    CELERY, FLASK, GUNICORN, GUNICORN_MIGRATE, JOB, JULIA, JULIA_READ_ONLY, JULIA_SHELL, LONG_JOB,
    UWSGI, UWSGI_DIE, UWSGI_HTTP, UWSGI_HTTP_DIE,
};

/// The rows in which nothing may be lost with softstop.
pub const ROWS: &[Row] = &[
    row(CELERY, Form::ShC),
    row(CELERY, Form::DashScript),
    row(CELERY, Form::BashScript),
    row(CELERY, Form::NaiveTrap),
    row(CELERY, Form::TiniScript),
    row(CELERY, Form::DumbInit),
    rolling(CELERY, Form::ShC),
    row(GUNICORN, Form::BashScript),
    row(GUNICORN_MIGRATE, Form::BashC),
    row(GUNICORN, Form::ExecScript),
    row(GUNICORN, Form::RightTrap),
    row(GUNICORN, Form::NaiveTrap),
    row(GUNICORN, Form::TiniScript),
    rolling(GUNICORN, Form::BashScript),
    row(UWSGI, Form::Exec),
    row(UWSGI_DIE, Form::Exec),
    row(UWSGI_HTTP, Form::Exec),
    row(UWSGI_HTTP_DIE, Form::Exec),
    row(FLASK, Form::Entrypoint),
    row(FLASK, Form::ShellEntrypoint),
    row(JOB, Form::ShC),
    row(JOB, Form::BashScript),
    row(JOB, Form::ExecScript),
    row(JOB, Form::RightTrap),
    row(JOB, Form::NaiveTrap),
    row(LONG_JOB, Form::Exec),
    row(JULIA, Form::Exec),
    row(JULIA_SHELL, Form::ShC),
    row(JULIA_READ_ONLY, Form::ShC),
];

/// The systems' programs in the [`matrix`], before the [others](OTHERS).
const PROGRAMS: &[&Server] = &[CELERY, GUNICORN, UWSGI, UWSGI_HTTP, JOB, JULIA];

/// The forms of the [`matrix`].
const FORMS: [Form; 5] = [
    Form::Exec,
    Form::ShC,
    Form::BashC,
    Form::DashScript,
    Form::TiniScript,
];

/// Every program in every form: softstop must make none of them worse.
pub fn matrix() -> Vec<Row> {
    let systems = PROGRAMS.iter().copied();
    systems
        .chain(OTHERS)
        .flat_map(|server| FORMS.map(|form| row(server, form)))
        .chain([row(NGINX_DAEMON, Form::ShC)])
        .collect()
}

const fn row(server: &'static Server, form: Form) -> Row {
    Row {
        server,
        form,
        end: End::Deleted,
    }
}

const fn rolling(server: &'static Server, form: Form) -> Row {
    Row {
        server,
        form,
        end: End::RollingUpdate,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::programs::LEFT_OUT;

    #[test]
    fn every_profile_is_in_the_matrix_or_it_is_said_why_not() {
        let matrix = matrix();
        let measured: BTreeSet<_> = matrix.iter().map(|row| row.server.profile).collect();
        for name in softstop_programs::profile::names() {
            let left_out = LEFT_OUT.iter().any(|&(profile, _)| profile == name);
            assert!(measured.contains(name) != left_out, "{name}");
        }
    }

    #[test]
    fn names_are_dns_labels_and_unique() {
        for rows in [ROWS, &matrix()] {
            let names: BTreeSet<_> = rows.iter().map(Row::name).collect();
            assert_eq!(names.len(), rows.len());
            for name in names {
                let label = name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
                assert!(label && name.len() < 45, "{name}");
            }
        }
    }
}
