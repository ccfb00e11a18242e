//! JSON values in the one form in which they are compared.
//!
//! Browsers and libraries say the same thing in several ways (16, "16", 16.0; keys in another order; a list that ends in
//! a comma). Invariant: what [`encode`] gives is a prefix code, so that two different values never share a text,
//! whatever separators an attacker puts into them.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::weights::Form;

/// A value without the ways to say it. `Ord` is for sets only.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Normal {
    Absent,
    Text(String),
    List(Vec<Normal>),
    Map(BTreeMap<String, Normal>),
}

/// The text to compare a component by, `None` where the value says that the browser doesn't tell.
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
        // A scalar is its text: deviceMemory is a number in one library and a string in the next.
        Value::Bool(flag) => Normal::Text(flag.to_string()),
        Value::Number(number) => Normal::Text(number_text(number)),
        Value::String(text) => string(text),
        Value::Array(items) => list(items.iter().map(normalise).collect()),
        // A component of FingerprintJS with the milliseconds that it took, which differ each time.
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
        // "unknown" is Firefox's deviceMemory through ClientJS, "undefined" what string concatenation leaves.
        "" | "unknown" | "undefined" => Normal::Absent,
        trimmed => Normal::Text(trimmed.to_owned()),
    }
}

/// A list of nothing is nothing; inside a list an absent item keeps its place.
fn list(items: Vec<Normal>) -> Normal {
    if items.iter().all(|item| *item == Normal::Absent) { Normal::Absent } else { Normal::List(items) }
}

/// The text that a browser would print: 16.0 is "16". Exponents beyond 1e21, as in JavaScript, so that five bytes of
/// JSON don't become three hundred digits.
fn number_text(number: &Number) -> String {
    if let Some(whole) = number.as_i64() {
        return whole.to_string();
    }
    if let Some(whole) = number.as_u64() {
        return whole.to_string();
    }
    match number.as_f64() {
        Some(0.0) => "0".to_owned(), // and -0.0
        Some(real) if (1e-7..1e21).contains(&real.abs()) => real.to_string(),
        Some(real) => format!("{real:e}"),
        None => number.to_string(),
    }
}

/// Keeps of a text what the form says. A list or map where a text is expected stays as it is: an oddity to compare.
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

/// "Chrome Headless" is Chrome. "Mobile Safari" is Safari: taken by its first word it would be any mobile browser.
fn family(text: &str) -> &str {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some("Mobile"), Some(second)) => second,
        (Some(first), _) => first,
        (None, _) => text,
    }
}

/// `10.15.7`, `10_15_7` and `10` are 10; `x86_64` and `x86.64`, which two libraries make of one machine, are x86.
fn major(text: &str) -> &str {
    match text.split(['.', '_', '-', ' ']).next() {
        Some(first) if !first.is_empty() => first,
        _ => text,
    }
}

/// A data URL is 10 kB of drawing; its digest says as much. Anything else (our own module sends a digest) is kept.
fn picture(text: String) -> String {
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        format!("sha256:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes())))
    } else {
        text
    }
}

/// Fonts and plugins are enumerated in an order that is the engine's, not the machine's, and as text or as an array; no
/// font and no plugin has a comma in its name.
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

/// Each value with its kind and its length in front. Recursion is bounded by the depth that `Fingerprint::parse` allows.
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
