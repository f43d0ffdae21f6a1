//! The project's own commands.
#![allow(clippy::print_stdout, reason = "output is the job")]

mod prove_shell;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((task, rest)) if task == "prove-shell" => prove_shell::run(rest),
        _ => anyhow::bail!("usage: cargo xtask prove-shell [--help]"),
    }
}
