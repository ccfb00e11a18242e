//! Fuzzes `vestibule::fuzzing::fingerprint`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::fingerprint(data));
