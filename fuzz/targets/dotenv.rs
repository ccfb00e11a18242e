//! Fuzzes `vestibule::fuzzing::dotenv`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::dotenv(data));
