//! Outcomes in a file, so that an hour of measuring can break off and go on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::{Mode, Outcome};

/// The outcomes of a file: JSON, a line each. What is added stands in the file at once.
#[derive(Debug)]
pub struct Kept {
    known: BTreeMap<(String, Mode, u32), Outcome>,
    file: Mutex<File>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    row: String,
    mode: Mode,
    run: u32,
    outcome: Outcome,
}

impl Kept {
    /// What the file knows; none is made empty.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written, or is no such file. A last line that was cut short does not count.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let open = File::options().create(true).append(true).open(path);
        let file = open.with_context(|| format!("cannot write {}", path.display()))?;
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut known = BTreeMap::new();
        for (index, line) in text[..whole].lines().enumerate() {
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("{}:{}", path.display(), index + 1))?;
            known.insert((line.row, line.mode, line.run), line.outcome);
        }
        file.set_len(u64::try_from(whole)?)
            .with_context(|| format!("cannot shorten {}", path.display()))?;
        Ok(Self {
            known,
            file: Mutex::new(file),
        })
    }

    /// What came of a run, if the file knows it.
    pub fn get(&self, row: &str, mode: Mode, run: u32) -> Option<&Outcome> {
        self.known.get(&(row.to_owned(), mode, run))
    }

    /// Keeps what came of a run; not one that broke off, of which nothing is known.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add(&self, row: &str, mode: Mode, run: u32, outcome: &Outcome) -> anyhow::Result<()> {
        if outcome.broken > 0 {
            return Ok(());
        }
        let mut line = serde_json::to_string(&Line {
            row: row.to_owned(),
            mode,
            run,
            outcome: outcome.clone(),
        })?;
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())
            .context("cannot keep an outcome")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_known_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        let outcome = Outcome {
            runs: 1,
            begun: 7,
            exits: [(137, 1)].into(),
            ..Outcome::default()
        };
        let kept = Kept::open(&path).unwrap();
        assert_eq!(kept.get("job-exec", Mode::Off, 2), None);
        kept.add("job-exec", Mode::Off, 2, &outcome).unwrap();
        let broken = Outcome {
            broken: 1,
            ..Outcome::default()
        };
        kept.add("job-exec", Mode::Off, 3, &broken).unwrap();

        let cut = fs::read_to_string(&path).unwrap() + "{\"row\":";
        fs::write(&path, cut).unwrap();
        for _ in 0..2 {
            let kept = Kept::open(&path).unwrap();
            assert_eq!(kept.get("job-exec", Mode::Off, 2), Some(&outcome));
            assert_eq!(kept.get("job-exec", Mode::Off, 3), None);
        }
    }

    #[test]
    fn another_file_is_refused_with_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        fs::write(&path, "words\nmore").unwrap();
        let error = Kept::open(&path).unwrap_err().to_string();
        assert!(error.ends_with("kept:1"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "words\nmore");
    }
}
