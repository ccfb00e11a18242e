//! Tests of the device module, and the fingerprints that they share.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::*;

mod attacks;
mod measured;
mod names;
mod properties;
mod secrets;
mod values;

fn key() -> FingerprintKey {
    FingerprintKey::from_bytes([7; 32])
}

fn user() -> Uuid {
    Uuid::from_u128(0x0192_7f3a_0000_7000_8000_0000_0000_0001)
}

fn seal(value: &Value) -> SealedFingerprint {
    Fingerprint::parse(value).expect("a fingerprint within the limits").seal(&key(), &user())
}

fn score(stored: &Value, presented: &Value) -> Score {
    compare(&seal(stored), &seal(presented))
}

fn verdict(stored: &Value, presented: &Value) -> Verdict {
    judge(score(stored, presented), Thresholds::default())
}

/// Returns `sample` with some fields replaced. A field that `changes` sets to `null` is removed.
fn with(sample: &Value, changes: &Value) -> Value {
    let mut fields = sample.as_object().expect("an object").clone();
    fields.extend(changes.as_object().expect("an object").clone());
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}

/// Returns a canvas as ClientJS sends it. The start and the length were captured, the rest is made up.
fn canvas(seed: &str, length: usize) -> String {
    let start = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAS";
    start.chars().chain(seed.chars().cycle()).take(length).collect()
}

/// Returns a captured fingerprint: Chromium 156 on Linux, FingerprintJS 3.4.2 and ClientJS 0.1.11.
fn chromium() -> Value {
    json!({
        "visitorId": "0b4b0000000000000000000000000000",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
        "os": "Linux",
        "osVersion": "x86_64",
        "browser": "Chrome",
        "browserVersion": "156.0.0.0",
        "screenPrint": "Current Resolution: 800x600, Available Resolution: 800x600, Color Depth: 24, Device XDPI: undefined, Device YDPI: undefined",
        "timezone": "Coordinated Universal Time",
        "language": "en-US",
        "cpu": "amd64",
        "plugins": "PDF Viewer, Chrome PDF Viewer, Chromium PDF Viewer, Microsoft Edge PDF Viewer, WebKit built-in PDF",
        "fonts": "Arial, Bauhaus 93, Courier New, Times New Roman, ",
        "canvasPrint": canvas("Chromium", 9578),
        "deviceMemory": 16,
        "hardwareConcurrency": 2
    })
}

/// Returns a captured fingerprint: Firefox 153 on the same machine.
fn firefox() -> Value {
    with(
        &chromium(),
        &json!({
            "visitorId": "65300000000000000000000000000000",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            "browser": "Firefox",
            "browserVersion": "153.0",
            "screenPrint": "Current Resolution: 1366x768, Available Resolution: 1366x768, Color Depth: 24, Device XDPI: undefined, Device YDPI: undefined",
            "fonts": "Arial, Bauhaus 93, Bitstream Vera Serif, Courier New, DejaVu LGC Sans Mono, Times New Roman, ",
            "canvasPrint": canvas("Firefox", 9410),
            "deviceMemory": "unknown"
        }),
    )
}

/// Returns the fingerprint that our own module sends from the same machine.
fn own_module() -> Value {
    json!({
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
        "os": "Linux",
        "osVersion": "x86.64",
        "browser": "Chrome",
        "browserVersion": "156.0.0.0",
        "screenPrint": "Current Resolution: 800x600, Available Resolution: 800x600, Color Depth: 24, Pixel Ratio: 1",
        "timezone": "UTC",
        "language": "en-US",
        "cpu": "Linux",
        "plugins": "PDF Viewer, Chrome PDF Viewer, Chromium PDF Viewer, Microsoft Edge PDF Viewer, WebKit built-in PDF",
        "fonts": "Arial, Courier New, DejaVu Sans, Liberation Sans, Times New Roman",
        "canvasPrint": "e2bf176a67b6286a582f57e43198e27a",
        "gpu": "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)",
        "deviceMemory": 16,
        "hardwareConcurrency": 2,
        "touchPoints": 0,
        "visitorId": "bd3c0000000000000000000000000000"
    })
}
