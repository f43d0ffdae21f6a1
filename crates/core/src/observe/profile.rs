//! Which program this is, and how long its drain takes.

use softstop_programs::profile::Profile;

use crate::argv::Word;

/// A drain time that was found in the command line or the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundTime {
    /// Seconds, rounded up.
    pub(crate) seconds: u32,
    /// Where: `--graceful-timeout`, `GUNICORN_CMD_ARGS`.
    pub(crate) place: String,
}

/// The profile of a program, by its argv (launchers already peeled).
pub(crate) fn detect(_argv: &[Word]) -> Option<&'static Profile> {
    todo!()
}

/// The drain time that the user configured for this program. `env` gives the literal value of a variable.
pub(crate) fn drain_time<'a>(
    _profile: &Profile,
    _argv: &[Word],
    _env: impl Fn(&str) -> Option<&'a str>,
) -> Option<FoundTime> {
    todo!()
}
