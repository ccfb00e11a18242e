//! Fuzzes `vestibule::fuzzing::cookies`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::cookies(data));
