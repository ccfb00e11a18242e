//! Fuzzes `vestibule::fuzzing::token`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::token(data));
