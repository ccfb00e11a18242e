//! Fuzzes `vestibule::fuzzing::seed`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::seed(data));
