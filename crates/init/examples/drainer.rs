//! A program as the tests need it: it logs what reaches it, and finishes a while after SIGTERM.
//!
//! `NAME [drain=MS] [exit=N] [catch=15,2,3] [spawn=N]`, by whatever name it is called; `catch=` installs no handler at
//! all. `DRAINER_LOG` is the log, `DRAINER_ARGS` holds arguments too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::zombie_processes,
    reason = "a test program"
)]

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Stdio, exit};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread::sleep;
use std::time::{Duration, Instant};

static SEEN: [AtomicU32; 65] = [const { AtomicU32::new(0) }; 65];

extern "C" fn count(signal: i32) {
    SEEN[usize::try_from(signal).unwrap_or(0)].fetch_add(1, SeqCst);
}

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
}

fn main() {
    let mut arguments = std::env::args();
    let name = arguments
        .next()
        .and_then(|path| Some(path.rsplit('/').next()?.to_owned()))
        .expect("own name");
    let log = std::env::var("DRAINER_LOG").expect("DRAINER_LOG");
    let more = std::env::var("DRAINER_ARGS").unwrap_or_default();
    let (mut drain, mut code, mut spawn) = (200, 0, 0);
    let mut catch = "15".to_owned();
    for argument in more.split_whitespace().map(str::to_owned).chain(arguments) {
        match argument.split_once('=').expect("KEY=VALUE") {
            ("drain", value) => drain = value.parse().unwrap(),
            ("exit", value) => code = value.parse().unwrap(),
            ("spawn", value) => spawn = value.parse().unwrap(),
            ("catch", value) => value.clone_into(&mut catch),
            // An option of the program that it plays.
            ("--graceful-timeout", _) => {}
            (key, _) => panic!("unknown key {key}"),
        }
    }
    for number in catch.split(',').filter_map(|number| number.parse().ok()) {
        // SAFETY: the handler only counts.
        unsafe { signal(number, count) };
    }
    let say = |what: &str| {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&log)
            .expect("log");
        file.write_all(format!("{name} {} {what}\n", std::process::id()).as_bytes())
            .expect("log");
    };
    for _ in 0..spawn {
        // Left behind on purpose, to be adopted.
        Command::new("sleep")
            .arg("0.3")
            .stdin(Stdio::null())
            .spawn()
            .expect("sleep");
    }
    say("start");
    let mut told = [0; 65];
    let mut end = None;
    loop {
        for number in 1..65 {
            let seen = SEEN[number].load(SeqCst);
            if seen > told[number] {
                told[number] = seen;
                say(&format!("signal {number}"));
                if [15, 2, 3].contains(&number) && end.is_none() {
                    end = Some(Instant::now() + Duration::from_millis(drain));
                }
            }
        }
        // A pipe that broke is work lost: this must still be heard.
        if end.is_some_and(|end| Instant::now() >= end) {
            println!("{name} last words");
            say("graceful");
            exit(code);
        }
        sleep(Duration::from_millis(2));
    }
}
