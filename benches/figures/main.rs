//! softstop's speed, in figures that hold on any machine: ratios measured in one run, and times with their spread.
//!
//! `cargo xtask bench` runs this and writes what it prints to docs/benchmarks.md. The harness is its own because what is compared is processes under
//! load, which micro-benchmark harnesses do not do.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot go on ends"
)]

mod check;
mod engine;
mod measure;
mod report;
mod reviews;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    // This program again, as the server that softstop is compared with.
    if args.iter().any(|arg| arg == reviews::NOOP) {
        reviews::serve_noop();
        return ExitCode::SUCCESS;
    }
    let figures = [engine::figures(), check::figures(), reviews::figures()].concat();
    let page = report::page(&figures);
    print!("{page}");
    if figures.iter().all(|figure| figure.holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
