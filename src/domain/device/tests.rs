//! Tests of the device module, and the fingerprints that they share.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::*;

mod attacks;
mod described;
mod families;
mod first_scheme;
mod measured;
mod names;
mod properties;
mod secrets;
mod stored;
mod values;

fn key() -> FingerprintKey {
    FingerprintKey::from_bytes([7; 32])
}

fn user() -> Uuid {
    Uuid::from_u128(0x0192_7f3a_0000_7000_8000_0000_0000_0001)
}

fn seal(value: &Value) -> PresentedFingerprint {
    Fingerprint::parse(value).expect("a fingerprint within the limits").seal(&key(), &user())
}

/// Returns the baseline of a session that opened with this fingerprint.
fn baseline(value: &Value) -> SealedFingerprint {
    seal(value).baseline()
}

/// Seals both fingerprints and compares them.
fn score(stored: &Value, presented: &Value) -> Score {
    compare(&baseline(stored), &seal(presented))
}

/// Returns the verdict on the comparison under the default thresholds.
fn verdict(stored: &Value, presented: &Value) -> Verdict {
    judge(&score(stored, presented), Thresholds::default())
}

/// Returns `sample` with some fields replaced. A field that `changes` sets to `null` is removed.
fn with(sample: &Value, changes: &Value) -> Value {
    let mut fields = sample.as_object().expect("an object").clone();
    fields.extend(changes.as_object().expect("an object").clone());
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}

/// Returns a canvas of `length` characters in the form that ClientJS sends. Its start was captured, the rest is `seed`,
/// repeated.
fn canvas(seed: &str, length: usize) -> String {
    let start = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAS";
    start.chars().chain(seed.chars().cycle()).take(length).collect()
}

/// Fingerprints as browsers sent them, by the name of the browser. Only the pictures of ClientJS are invented; they
/// have the captured length.
const CAPTURED: &str = include_str!("../../../tests/fixtures/fingerprints.json");

fn captured(browser: &str) -> Value {
    let all: Value = serde_json::from_str(CAPTURED).expect("the fixture is JSON");
    all[browser].clone()
}

/// Returns the fingerprint of Chromium 156 on Linux, by FingerprintJS 3.4.2 and ClientJS 0.1.11.
fn chromium() -> Value {
    captured("chromium")
}

/// Returns the fingerprint of Firefox 153 on the same machine.
fn firefox() -> Value {
    captured("firefox")
}

/// Returns the fingerprint that the browser module of this server sends from the same machine.
fn own_module() -> Value {
    captured("own_module")
}
