//! Fingerprints of browsers, and changed copies of them.

use serde_json::{Value, json};

use super::json::with;

/// Returns a canvas picture of `length` characters in the form that ClientJS sends. It begins like a captured picture.
/// Repetitions of `seed` fill the rest.
pub fn canvas(seed: &str, length: usize) -> String {
    let start = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAS";
    start.chars().chain(seed.chars().cycle()).take(length).collect()
}

/// Fingerprints that browsers sent. Only the canvas pictures of ClientJS are made up; they have the captured length.
const CAPTURED: &str = include_str!("../../fixtures/fingerprints.json");

/// Returns the captured fingerprint of this name.
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

/// Returns a fingerprint that scores 7 of 15 against [`chromium`], which is drift.
pub fn drifted() -> Value {
    with(&chromium(), json!({"visitorId": "b", "screenPrint": "1600x1200", "canvasPrint": canvas("HiDPI", 9500)}))
}

/// Returns the fingerprint of the same browser and system on another machine. It scores 0 of 15 against [`chromium`],
/// which is a mismatch.
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
