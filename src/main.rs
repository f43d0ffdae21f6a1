//! The `softstop` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    softstop::cli::run()
}
