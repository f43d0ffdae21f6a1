//! softstop installed by its chart on a node of [`softstop_rig`], and what becomes of pod creations while it, or something around
//! it, fails.
//!
//! [`install()`] puts it there. A [`Creator`] makes pods at a steady rate, whatever happens, and counts what came of it. The
//! [`SCENARIOS`] are what happens; [`latency()`] is what softstop costs when nothing does.

mod creator;
mod events;
mod install;
mod latency;
mod load;
mod noop;
mod page;
mod scenario;

pub use creator::Creator;
pub use install::{Installation, NAMESPACE, Options, apply, install, upgrade};
pub use latency::{Latency, latency};
pub use load::{Creations, Failure, Load, Pods};
pub use page::{INSTALLED, page};
pub use scenario::{Outcome, Promise, SCENARIOS, Scenario};

use std::time::Duration;

/// How long anything may take that takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(180);
