//! Files that a script sources: nobody can see them, so they are in the way unless they are said to be harmless.

use super::tree::{Runs, Script, Simple};
use super::{Dialect, Reason, Refusal, SourcedFiles};

impl Simple<'_> {
    /// It sources a file.
    pub(super) fn sources(&self) -> bool {
        self.runs == Runs::Builtin && matches!(self.name(), "." | "source")
    }

    /// It does so as a command of its own, by a path that can be read, and nothing else.
    fn sources_plainly(&self, dialect: Dialect) -> bool {
        let [name, path] = &*self.words else {
            return false;
        };
        (name.raw == "." || (name.raw == "source" && dialect == Dialect::Bash))
            && path.known()
            && path.traits.slash
            && !self.nested
            && !self.piped
            && self.assignments.is_empty()
            && !self.redirected
    }

    /// The refusal because of what it sources where that cannot be trusted.
    pub(super) fn sources_unseen(&self) -> Refusal {
        Refusal {
            reason: Reason::SourcedUnseen,
            at: self.span.clone(),
        }
    }
}

/// Every command that sources a file.
pub(super) fn all<'s, 'a>(script: &'s Script<'a>) -> impl Iterator<Item = &'s Simple<'a>> {
    script.simples.iter().filter(|simple| simple.sources())
}

/// The refusal because of a sourced file, if one is in the way.
pub(super) fn in_the_way(script: &Script, sourced: SourcedFiles) -> Option<Refusal> {
    if let Some(hidden) = all(script).find(|simple| !simple.sources_plainly(script.dialect)) {
        return Some(hidden.sources_unseen());
    }
    let first = all(script).next()?;
    (sourced == SourcedFiles::Unknown).then(|| Refusal {
        reason: Reason::SourcedFile,
        at: first.span.clone(),
    })
}
