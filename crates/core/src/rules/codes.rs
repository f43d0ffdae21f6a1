//! The codes that changes name.

use crate::Code;

pub(crate) const SHELL_SWALLOWS_SIGNAL: Code = Code("SS101");
pub(crate) const INIT_BEFORE_SHELL: Code = Code("SS103");
pub(crate) const TRAP: Code = Code("SS104");
pub(crate) const LAUNCHER_SWALLOWS: Code = Code("SS105");
pub(crate) const ARGV_UNKNOWN: Code = Code("SS107");
pub(crate) const GROUP_SIGNAL: Code = Code("SS108");
pub(crate) const START_SCRIPT: Code = Code("SS109");
pub(crate) const PID1_HAZARD: Code = Code("SS110");
pub(crate) const OTHER_SIGNAL: Code = Code("SS201");
pub(crate) const NO_DRAIN: Code = Code("SS202");
pub(crate) const GRACEFUL_VARIABLE: Code = Code("SS207");
pub(crate) const GRACE_TOO_SHORT: Code = Code("SS301");
pub(crate) const OWN_LIMIT: Code = Code("SS309");
pub(crate) const SERVES_WITHOUT_DELAY: Code = Code("SS401");
pub(crate) const HOOK_ASKED_FOR: Code = Code("SS404");
pub(crate) const READ_ONLY_ROOT: Code = Code("SS501");
pub(crate) const SHARED_PID_NAMESPACE: Code = Code("SS502");
