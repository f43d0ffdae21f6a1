//! What the applications wrote down: `MILLIS start ID`, `MILLIS end ID`, `MILLIS signal NAME`, `MILLIS cleanup`, a file per pod.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::manifest;
use crate::row::Cleans;

/// The notes of all pods of a run.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    /// By pod.
    pub(crate) pods: BTreeMap<String, Notes>,
}

/// The notes of one pod.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Work begun, in order.
    pub(crate) started: Vec<String>,
    /// Work done, in order.
    pub(crate) ended: Vec<String>,
    /// The signals that the program heard, in order.
    pub(crate) signals: Vec<String>,
    /// Whether the program's own clean-up ran.
    pub(crate) cleaned: bool,
}

impl Journal {
    /// Reads the folder that the pods share.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let mut pods = BTreeMap::new();
        for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                continue;
            }
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let pod = path.file_name().unwrap_or_default().to_string_lossy();
            pods.insert(pod.into_owned(), Notes::parse(&text));
        }
        Ok(Self {
            dir: dir.to_owned(),
            pods,
        })
    }

    /// Whether the clean-up of a pod's program ran; `None` where it has none.
    pub(crate) fn cleaned(&self, pod: &str, cleans: Cleans) -> Option<bool> {
        let own = self.dir.join(manifest::own_folder(pod));
        match cleans {
            Cleans::No => None,
            Cleans::Noted => Some(self.pods.get(pod).is_some_and(|notes| notes.cleaned)),
            Cleans::Removes(file) => Some(!own.join(file).exists()),
            Cleans::Logged(file, sentence) => {
                let log = fs::read_to_string(own.join(file));
                Some(log.is_ok_and(|log| log.contains(sentence)))
            }
        }
    }

    /// How often each piece of work was done.
    pub(crate) fn done(&self) -> BTreeMap<&str, u32> {
        let mut done = BTreeMap::new();
        for id in self.pods.values().flat_map(|notes| &notes.ended) {
            *done.entry(id.as_str()).or_default() += 1;
        }
        done
    }
}

impl Notes {
    fn parse(text: &str) -> Self {
        let mut notes = Self::default();
        for line in text.lines() {
            let mut words = line.split(' ').skip(1);
            match (words.next(), words.next()) {
                (Some("start"), Some(id)) => notes.started.push(id.to_owned()),
                (Some("end"), Some(id)) => notes.ended.push(id.to_owned()),
                (Some("signal"), Some(name)) => notes.signals.push(name.to_owned()),
                (Some("cleanup"), _) => notes.cleaned = true,
                _ => {}
            }
        }
        notes
    }

    /// Work begun and not done.
    pub(crate) fn interrupted(&self) -> u32 {
        let cut = |id: &&String| !self.ended.contains(id);
        u32::try_from(self.started.iter().filter(cut).count()).unwrap_or(u32::MAX)
    }

    /// Whether something is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.started.len() > self.ended.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_started_and_did_not_end_was_interrupted() {
        let notes = Notes::parse("1 start a\n2 end a\n3 start b\n4 signal SIGTERM\n");
        assert_eq!(notes.interrupted(), 1);
        assert!(notes.is_busy() && !notes.cleaned);
        assert_eq!(notes.signals, ["SIGTERM"]);
        let notes = Notes::parse("1 start a\n2 end a\n3 cleanup\n");
        assert_eq!(notes.interrupted(), 0);
        assert!(!notes.is_busy() && notes.cleaned);
    }
}
