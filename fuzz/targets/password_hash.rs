//! Fuzzes `vestibule::fuzzing::password_hash`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::password_hash(data));
