//! Tests that need nothing but cargo. One binary; each module says what belongs into it.

mod check; // softstop check and explain, as a user runs them
