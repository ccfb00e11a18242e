//! Fuzzes `vestibule::fuzzing::form`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::form(data));
