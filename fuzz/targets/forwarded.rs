//! Fuzzes `vestibule::fuzzing::forwarded`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule::fuzzing::forwarded(data));
