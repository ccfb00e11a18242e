//! Fuzzes `vestibule::fuzzing::glob`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::glob(data));
