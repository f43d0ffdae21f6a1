//! An item of `command` or `args`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| softstop_core::fuzzing::expansion(text));
