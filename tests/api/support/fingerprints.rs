//! Fingerprints of browsers, and what a test changes about them.

use serde_json::{Value, json};

use super::json::with;

/// Returns a drawing of `length` characters as ClientJS sends it: it begins as a captured one, and `seed` fills the rest.
pub fn canvas(seed: &str, length: usize) -> String {
    let start = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAS";
    start.chars().chain(seed.chars().cycle()).take(length).collect()
}

/// Fingerprints as browsers sent them; only the drawings of ClientJS are made up, in the captured length.
const CAPTURED: &str = include_str!("../../fixtures/fingerprints.json");

fn captured(browser: &str) -> Value {
    let all: Value = serde_json::from_str(CAPTURED).expect("the fixture is JSON");
    all[browser].clone()
}

/// Returns the fingerprint of Chromium 156 on Linux, by FingerprintJS 3.4.2 and ClientJS 0.1.11.
pub fn chromium() -> Value {
    captured("chromium")
}

/// Returns the fingerprint of Firefox 153 on the same machine.
pub fn firefox() -> Value {
    captured("firefox")
}

/// Returns the fingerprint that the module of this server sends from the same machine.
pub fn own_module() -> Value {
    captured("own_module")
}

/// Returns a fingerprint that scores 11 of 16 against [`chromium`].
pub fn drifted() -> Value {
    with(&chromium(), json!({"visitorId": "b", "screenPrint": "1600x1200", "canvasPrint": canvas("HiDPI", 9500)}))
}

/// Returns the fingerprint of the same browser and system on another machine. It scores 4 of 16 against [`chromium`].
pub fn another_machine() -> Value {
    with(
        &chromium(),
        json!({
            "visitorId": "c", "canvasPrint": canvas("other", 9600), "fonts": "Arial, Cantarell",
            "hardwareConcurrency": 8, "screenPrint": "1920x1080", "deviceMemory": 32,
            "timezone": "Central European Time", "language": "fr"
        }),
    )
}
