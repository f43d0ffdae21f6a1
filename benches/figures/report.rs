//! docs/benchmarks.md.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;

use crate::measure::{Figure, ROUNDS};

pub(crate) fn page(figures: &[Figure]) -> String {
    let mut page = format!(
        "# Speed\n\n\
         Written by `cargo xtask bench`, which measures everything anew and fails where a bound does not hold.\n\n\
         Machine: {}, {} cores, {}; load at the end {}. {} build. Each figure is the median of {ROUNDS} measurements \
         (load: of the rounds named below), with the least and the most beside it: the distance between them is the noise of this \
         machine. Ratios are measured in turns, so that both sides meet the same noise.\n\n\
         | figure | measured | least to most | bound | holds |\n|---|---|---|---|---|\n",
        processor(),
        thread::available_parallelism().map_or(0, usize::from),
        compiler(),
        load(),
        if cfg!(debug_assertions) {
            "**Debug**"
        } else {
            "Release"
        },
    );
    for Figure {
        what,
        measured,
        spread,
        bound,
        holds,
    } in figures
    {
        let _ = writeln!(
            page,
            "| {what} | {measured} | {spread} | {bound} | {} |",
            if *holds { "yes" } else { "**no**" }
        );
    }
    page
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(
        || "unknown processor".to_owned(),
        |(_, name)| name.to_owned(),
    )
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| "rustc".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}
