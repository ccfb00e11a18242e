//! The canonical form of JSON values for comparison.
//!
//! Browsers and libraries write the same value in several ways: 16, "16" or 16.0; keys in another order; a list that
//! ends with a comma. Invariant: the output of [`encode`] is a prefix code. Two different values never have the same
//! text, whatever separators an attacker puts into them.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::weights::Form;

/// A normalised value, without the differences of notation. `Ord` is used only to sort sets.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Normal {
    Absent,
    Text(String),
    List(Vec<Normal>),
    Map(BTreeMap<String, Normal>),
}

/// Returns the text by which a component is compared. Returns `None` if the value contains no information.
pub(super) fn canonical(form: Form, value: &Value) -> Option<String> {
    let normal = refine(form, normalise(value));
    if normal == Normal::Absent {
        return None;
    }
    let mut text = String::new();
    encode(&normal, &mut text);
    Some(text)
}

fn normalise(value: &Value) -> Normal {
    match value {
        Value::Null => Normal::Absent,
        // Scalars become text, because `deviceMemory` is a number in one library and a string in another.
        Value::Bool(flag) => Normal::Text(flag.to_string()),
        Value::Number(number) => Normal::Text(number_text(number)),
        Value::String(text) => string(text),
        Value::Array(items) => list(items.iter().map(normalise).collect()),
        // FingerprintJS wraps a component together with the milliseconds of its computation, which differ each time.
        Value::Object(fields) if fields.contains_key("duration") && fields.len() <= 2 => {
            fields.get("value").map_or(Normal::Absent, normalise)
        }
        Value::Object(fields) => {
            let known = fields.iter().map(|(key, value)| (key.clone(), normalise(value)));
            let known: BTreeMap<_, _> = known.filter(|(_, value)| *value != Normal::Absent).collect();
            if known.is_empty() { Normal::Absent } else { Normal::Map(known) }
        }
    }
}

fn string(text: &str) -> Normal {
    let text: String = text.nfc().collect();
    match text.trim() {
        // ClientJS reports "unknown" as `deviceMemory` in Firefox. "undefined" results from string concatenation.
        "" | "unknown" | "undefined" => Normal::Absent,
        trimmed => Normal::Text(trimmed.to_owned()),
    }
}

/// Returns a list, or `Absent` if all its items are absent. Otherwise absent items keep their position.
fn list(items: Vec<Normal>) -> Normal {
    if items.iter().all(|item| *item == Normal::Absent) { Normal::Absent } else { Normal::List(items) }
}

/// Returns the text that a browser prints: 16.0 is "16". Uses an exponent below 1e-7 and, as JavaScript does, from 1e21
/// on, so that five bytes of JSON do not become three hundred digits.
fn number_text(number: &Number) -> String {
    if let Some(whole) = number.as_i64() {
        return whole.to_string();
    }
    if let Some(whole) = number.as_u64() {
        return whole.to_string();
    }
    match number.as_f64() {
        Some(0.0) => "0".to_owned(), // also for -0.0
        Some(real) if (1e-7..1e21).contains(&real.abs()) => real.to_string(),
        Some(real) => format!("{real:e}"),
        None => number.to_string(),
    }
}

/// Reduces a text to the part that `form` compares. A list or map that occurs instead of a text stays unchanged and is
/// compared as a whole.
fn refine(form: Form, normal: Normal) -> Normal {
    match (form, normal) {
        (Form::Family, Normal::Text(text)) => Normal::Text(family(&text).to_owned()),
        (Form::Major, Normal::Text(text)) => Normal::Text(major(&text).to_owned()),
        (Form::Picture, Normal::Text(text)) => Normal::Text(picture(text)),
        (Form::Set, Normal::Text(text)) => set(vec![Normal::Text(text)]),
        (Form::Set, Normal::List(items)) => set(items),
        (_, normal) => normal,
    }
}

/// Returns the family of a browser or operating system: "Chrome Headless" is Chrome. The first word "Mobile" is
/// skipped, because it occurs with several browsers: "Mobile Safari" is Safari.
fn family(text: &str) -> &str {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some("Mobile"), Some(second)) => second,
        (Some(first), _) => first,
        (None, _) => text,
    }
}

/// Returns the part of a version before the first separator. `10.15.7`, `10_15_7` and `10` are 10. `x86_64` and
/// `x86.64`, which two libraries report for the same machine, are x86.
fn major(text: &str) -> &str {
    match text.split(['.', '_', '-', ' ']).next() {
        Some(first) if !first.is_empty() => first,
        _ => text,
    }
}

/// Replaces a data URL, which is about 10 kB of picture data, by its digest. Returns any other text unchanged, such as
/// the digest that our own module sends.
fn picture(text: String) -> String {
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        format!("sha256:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes())))
    } else {
        text
    }
}

/// Returns a list as a sorted set. Fonts and plugins are enumerated in an order that depends on the browser engine and
/// not on the machine, either as a text with commas or as an array. No name of a font or plugin contains a comma.
fn set(items: Vec<Normal>) -> Normal {
    let mut members = Vec::new();
    for item in items {
        match item {
            Normal::Text(text) => members.extend(text.split(',').map(string)),
            other => members.push(other),
        }
    }
    members.retain(|member| *member != Normal::Absent);
    members.sort_unstable();
    members.dedup();
    list(members)
}

/// Writes each value after its kind and its length. The depth limit of `Fingerprint::parse` bounds the recursion.
fn encode(normal: &Normal, out: &mut String) {
    match normal {
        Normal::Absent => out.push('-'),
        Normal::Text(text) => encode_text(text, out),
        Normal::List(items) => {
            head('l', items.len(), out);
            for item in items {
                encode(item, out);
            }
        }
        Normal::Map(fields) => {
            head('m', fields.len(), out);
            for (key, value) in fields {
                encode_text(key, out);
                encode(value, out);
            }
        }
    }
}

fn encode_text(text: &str, out: &mut String) {
    head('t', text.len(), out);
    out.push_str(text);
}

fn head(kind: char, len: usize, out: &mut String) {
    write!(out, "{kind}{len}:").expect("writing to a String doesn't fail");
}
