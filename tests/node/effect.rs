//! What softstop is for, in short: one row of each system, once without softstop where that loses work, once with it.

use softstop_effect::{Mode, Outcome, ROWS, Row, install, measure};

use crate::fixture::{image, start};

/// How many runs go on at the same time: they wait most of the time.
const TOGETHER: usize = 3;

fn row(name: &str) -> &'static Row {
    let found = ROWS.iter().find(|row| row.name() == name);
    found.unwrap_or_else(|| panic!("there is no row {name}"))
}

#[test]
fn with_softstop_nothing_is_lost() {
    let node = start();
    install(&node, &image("localhost")).unwrap();
    let report = |row: &Row, mode: Mode, _: u32, outcome: &Outcome| {
        println!("{} {mode}: {outcome:?}", row.name());
    };

    // Each of these loses work when it is deleted: else what follows would prove nothing.
    let without = [
        "celery-sh-c",
        "uwsgi-exec",
        "job-naive-trap",
        "julia-keep-sh-c",
    ]
    .map(row);
    let results = measure(&node, &without, &[Mode::Off], 1, TOGETHER, None, report).unwrap();
    for ((name, _), outcome) in &results {
        assert!(outcome.lost() > 0, "{name} loses nothing: {outcome:?}");
    }

    let with = [
        "celery-sh-c",
        "gunicorn-bash-script",
        "uwsgi-exec",
        "flask-entrypoint",
        "job-sh-c",
        "job-exec-script",
        "job-naive-trap",
        "julia-keep-sh-c",
    ]
    .map(row);
    let results = measure(&node, &with, &[Mode::Annotation], 1, TOGETHER, None, report).unwrap();
    assert_eq!(results.len(), with.len());
    for ((name, _), outcome) in &results {
        assert!(outcome.is_whole(), "{name} loses work: {outcome:?}");
    }
}
