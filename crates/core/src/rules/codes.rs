//! The codes that changes name.

use crate::Code;

pub(crate) const SHELL_SWALLOWS_SIGNAL: Code = Code("SS101");
pub(crate) const NO_DRAIN: Code = Code("SS202");
pub(crate) const GRACEFUL_VARIABLE: Code = Code("SS207");
pub(crate) const GRACE_TOO_SHORT: Code = Code("SS301");
pub(crate) const SERVES_WITHOUT_DELAY: Code = Code("SS401");
pub(crate) const HOOK_ASKED_FOR: Code = Code("SS404");
pub(crate) const READ_ONLY_ROOT: Code = Code("SS501");
