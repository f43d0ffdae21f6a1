//! Where reports go.

use std::fs;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ColorChoice;

use crate::report::{Format, Options, Report};

/// One report: its format, and the file it goes to; `None` is standard output.
#[derive(Debug)]
pub(super) struct Destination<'a> {
    format: Format,
    file: Option<&'a Path>,
}

/// Pairs `--format` with `--output`.
pub(super) fn destinations<'a>(
    formats: &[Format],
    outputs: &'a [PathBuf],
) -> anyhow::Result<Vec<Destination<'a>>> {
    match (formats, outputs) {
        ([format], []) => Ok(vec![Destination {
            format: *format,
            file: None,
        }]),
        _ if formats.len() == outputs.len() => {
            let file = |output: &'a PathBuf| (output != Path::new("-")).then_some(output.as_path());
            Ok(formats
                .iter()
                .zip(outputs)
                .map(|(format, output)| Destination {
                    format: *format,
                    file: file(output),
                })
                .collect())
        }
        _ => bail!(
            "there are {} --format and {} --output: give each format its own output (- is standard output)",
            formats.len(),
            outputs.len()
        ),
    }
}

/// Refuses what a format has no place for, rather than leave it out.
pub(super) fn accept(formats: &[Format], options: Options) -> anyhow::Result<()> {
    let shows_changes =
        |format: &Format| matches!(format, Format::Full | Format::Concise | Format::Json);
    if (options.patch || options.diff) && !formats.iter().any(shows_changes) {
        bail!("--show-patch and --diff need --format full, concise or json");
    }
    Ok(())
}

impl Destination<'_> {
    /// Writes the report. Nobody listening any more is as good as written.
    pub(super) fn write(
        &self,
        report: &Report,
        options: Options,
        color: ColorChoice,
    ) -> anyhow::Result<()> {
        let color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => self.file.is_none() && terminal_wants_color(),
        };
        let text = report.render(self.format, Options { color, ..options });
        if let Some(file) = self.file {
            return fs::write(file, text)
                .with_context(|| format!("cannot write {}", file.display()));
        }
        let mut stdout = io::stdout().lock();
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
        {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to standard output")
            }
            _ => Ok(()),
        }
    }
}

/// <https://no-color.org>, and a terminal that can.
fn terminal_wants_color() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none()
        && set("TERM").is_some_and(|term| term != "dumb")
        && io::stdout().is_terminal()
}
