//! Fuzzes `vestibule::fuzzing::accounts`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::accounts(data));
