//! A script.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| softstop_core::fuzzing::reader(text));
