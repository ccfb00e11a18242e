//! Fuzzes `vestibule::fuzzing::pem`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::pem(data));
