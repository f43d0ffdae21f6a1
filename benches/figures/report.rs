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
    page += HELD_BACK;
    page
}

/// What is known of the bounds that do not hold.
const HELD_BACK: &str = "
## What holds a figure back

- *The pod of 1 MiB*: two copies of the document, about 60,000 values each, are made for every pod that is changed: one is
  edited as the decisions mean it, the other gets the patch, and the two are compared before anything is sent. A copy alone
  takes 1.5 to 5 ms here. The comparison is what keeps a patch that does not apply from failing a pod, so it stays.
- *The hostile script*: 8, 16, 32 and 64 KiB of it were read in 1.1, 2.2, 4.4 and 10.4 ms: linear but for the last doubling,
  whose 22,000 commands no longer fit into the cache (that is an inference: no counter was read).
- *Reviews per second*: the server that does nothing neither reads the pod nor plans it. It takes some 15 us of the two cores
  for a request, client included, so a ratio of 0.8 leaves less than 4 us for both. Planning alone takes 20.
";

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
