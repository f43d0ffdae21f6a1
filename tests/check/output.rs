//! Formats, exit statuses, colour, pipes.

use std::io::Read as _;
use std::process::Stdio;

use super::{BAD, BROKEN, GOOD, command, directory, run, run_with};

const FORMATS: [&str; 6] = ["full", "concise", "json", "sarif", "github", "junit"];

#[test]
fn the_exit_status_does_not_depend_on_the_format() {
    let files = directory(&[
        ("bad.yaml", BAD),
        ("good.yaml", GOOD),
        ("broken.yaml", BROKEN),
        ("none.yaml", "a: 1\n"),
    ]);
    for format in FORMATS {
        for (args, status) in [
            (&["good.yaml"][..], 0),
            (&["none.yaml"], 0),
            (&["bad.yaml"], 1),
            (&["bad.yaml", "good.yaml"], 1),
            (&["--fail-level", "never", "bad.yaml"], 0),
            (&["--exit-zero", "bad.yaml"], 0),
            (&["broken.yaml"], 2),
            (&["broken.yaml", "bad.yaml"], 2),
            (&["--exit-zero", "broken.yaml", "good.yaml"], 2),
            (&["gone.yaml", "good.yaml"], 2),
        ] {
            let args = [&["check", "--format", format], args].concat();
            let run = run(files.path(), &args);
            assert_eq!(run.status, Some(status), "{args:?}: {run:?}");
            assert_eq!(run.stderr, "", "{args:?}");
        }
    }
}

#[test]
fn every_report_goes_to_its_own_place() {
    let files = directory(&[("bad.yaml", BAD)]);
    let args = [
        "check", "--format", "concise", "--output", "-", "--format", "json", "--output",
        "out.json", "bad.yaml",
    ];
    let both = run(files.path(), &args);
    assert_eq!(both.status, Some(1), "{both:?}");
    let json = std::fs::read_to_string(files.path().join("out.json")).expect("written");
    assert_eq!(
        json,
        run(files.path(), &["check", "--format", "json", "bad.yaml"]).stdout
    );
    assert_eq!(
        both.stdout,
        run(files.path(), &["check", "--format", "concise", "bad.yaml"]).stdout
    );
}

#[test]
fn the_same_input_gives_the_same_output() {
    let files = directory(&[
        ("a/bad.yaml", BAD),
        ("a/good.yaml", GOOD),
        ("a/broken.yaml", "apiVersion: ["),
    ]);
    for format in FORMATS {
        let outputs = [(); 3].map(|()| {
            run(
                files.path(),
                &["check", "--show-patch", "--format", format, "a"],
            )
            .stdout
        });
        assert!(
            outputs[0] == outputs[1] && outputs[1] == outputs[2],
            "{format}"
        );
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    for (args, no_color, colored) in [
        (&[][..], false, false), // a pipe is no terminal
        (&["--color", "always"], false, true),
        (&["--color", "always"], true, true),
        (&["--color", "never"], false, false),
    ] {
        let args = [&["check", "-"], args].concat();
        let mut command = command(std::path::Path::new("/"), &args);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), BROKEN.as_bytes())
            .expect("written");
        let output = child.wait_with_output().expect("ended");
        assert_eq!(output.stdout.contains(&0x1b), colored, "{args:?}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    // More than a pipe holds, so that the program notices.
    let stream = format!("{BROKEN}---\n").repeat(3000);
    let files = directory(&[("many.yaml", &stream)]);
    let mut child = command(files.path(), &["check", "many.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut start = [0; 5];
    child
        .stdout
        .take()
        .expect("piped")
        .read_exact(&mut start)
        .expect("some output");
    let output = child.wait_with_output().expect("ended");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(2), &b""[..])
    );
}

#[test]
fn the_summary_counts() {
    let run = run_with(
        std::path::Path::new("/"),
        &["check", "-"],
        &format!("{GOOD}---\n{GOOD}---\n{BROKEN}"),
    );
    assert!(
        run.stdout
            .ends_with("\n0 findings in 2 pods; 1 thing could not be read or done\n"),
        "{run:?}"
    );
}

#[test]
fn a_line_nobody_could_read_is_not_shown() {
    let label = "x".repeat(5000);
    let pod = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p\", \"labels\": {{\"l\": \"{label}\"}}}}, \"spec\": \
         {{\"containers\": [{{\"name\": \"web\", \"command\": [\"sh\", \"-c\", \"gunicorn shop.wsgi\"]}}]}}}}"
    );
    let run = run_with(std::path::Path::new("/"), &["check", "-"], &pod);
    let column = pod.find("gunicorn").expect("in it") + 1;
    assert!(
        run.stdout.contains(&format!("--> stdin:1:{column}\n")),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("put `exec` before Gunicorn") && !run.stdout.contains(&label),
        "{run:?}"
    );
}
