//! Tests that need nothing but cargo. One binary; each module says what belongs into it.
