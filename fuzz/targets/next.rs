//! Fuzzes `vestibule::fuzzing::next`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::next(data));
