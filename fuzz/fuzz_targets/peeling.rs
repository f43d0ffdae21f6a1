//! A command line, one word per line.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| softstop_core::fuzzing::peeling(text));
