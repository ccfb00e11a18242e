//! The canonical form of JSON values for comparison.
//!
//! Browsers and libraries write the same value in several ways: 16, "16" or 16.0; keys in another order; a list that
//! ends with a comma. This module converts such values to one form. Invariant: the output of [`encode`] is a prefix
//! code. So two different normalised values never have the same text, whatever separators an attacker puts into a
//! value.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::families::{family_of, first_word};
use super::weights::{Component, Form, Scheme};

/// A normalised value, without the differences of notation. `Ord` is used only to sort sets.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Normal {
    Absent,
    Text(String),
    List(Vec<Normal>),
    Map(BTreeMap<String, Normal>),
}

/// The value of a component in the two schemes, each as the text by which it is compared.
pub(super) struct Canonical {
    /// The text for scheme 1; `None` if the value contains no information.
    pub(super) first: Option<String>,
    /// The text for scheme 2.
    pub(super) second: Option<String>,
    /// The value as plain text, with the items of a list separated by commas; `None` for a map or a nested list.
    pub(super) plain: Option<String>,
}

/// Returns the texts by which a component is compared.
pub(super) fn canonical(component: &Component, value: &Value) -> Canonical {
    let [first, second] = [Scheme::First, Scheme::Second].map(|scheme| refine(component, scheme, normalise(value)));
    Canonical { plain: plain(&second), first: text_of(&first), second: text_of(&second) }
}

/// Returns the text by which a family is compared.
pub(super) fn canonical_family(name: &str) -> String {
    encoded(&Normal::Text(name.to_owned()))
}

/// Returns the encoded value; `None` if it contains no information.
fn text_of(normal: &Normal) -> Option<String> {
    (*normal != Normal::Absent).then(|| encoded(normal))
}

fn encoded(normal: &Normal) -> String {
    let mut text = String::new();
    encode(normal, &mut text);
    text
}

/// Returns a text, or the texts of a list with commas between them.
fn plain(normal: &Normal) -> Option<String> {
    match normal {
        Normal::Text(text) => Some(text.clone()),
        Normal::List(items) => Some(items.iter().map(plain).collect::<Option<Vec<_>>>()?.join(", ")),
        Normal::Absent | Normal::Map(_) => None,
    }
}

/// Converts a JSON value without differences of notation. A value without information becomes `Absent`.
fn normalise(value: &Value) -> Normal {
    match value {
        Value::Null => Normal::Absent,
        // Scalars become text, because `deviceMemory` is a number in one library and a string in another.
        Value::Bool(flag) => Normal::Text(flag.to_string()),
        Value::Number(number) => Normal::Text(number_text(number)),
        Value::String(text) => string(text),
        Value::Array(items) => list(items.iter().map(normalise).collect()),
        // FingerprintJS wraps a component as `{"value": …, "duration": …}`. The duration in milliseconds differs each
        // time. If the component could not be computed, `value` is missing.
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

/// Returns a text in NFC without white space at both ends, or `Absent` if it contains no information.
fn string(text: &str) -> Normal {
    let text: String = text.nfc().collect();
    match text.trim() {
        // ClientJS reports "unknown" as `deviceMemory` in Firefox. "undefined" results from string concatenation.
        "" | "unknown" | "undefined" => Normal::Absent,
        trimmed => Normal::Text(trimmed.to_owned()),
    }
}

/// Returns a list, or `Absent` if all its items are absent. Otherwise absent items stay in the list, so that the other
/// items keep their positions.
fn list(items: Vec<Normal>) -> Normal {
    if items.iter().all(|item| *item == Normal::Absent) { Normal::Absent } else { Normal::List(items) }
}

/// Returns a number as text, without a fraction of zero: 16.0 becomes "16". Uses an exponent below 1e-7 and from 1e21
/// on, which is the limit of JavaScript. Without an exponent, five bytes of JSON could become three hundred digits.
fn number_text(number: &Number) -> String {
    if let Some(whole) = number.as_i64() {
        return whole.to_string();
    }
    if let Some(whole) = number.as_u64() {
        return whole.to_string();
    }
    match number.as_f64() {
        Some(0.0) => "0".to_owned(), // This is also the text of -0.0.
        Some(real) if (1e-7..1e21).contains(&real.abs()) => real.to_string(),
        Some(real) => format!("{real:e}"),
        None => number.to_string(),
    }
}

/// Reduces a text to the part that is compared. A list or map in place of a text stays unchanged and is compared as a whole.
fn refine(component: &Component, scheme: Scheme, normal: Normal) -> Normal {
    match (component.form, scheme, normal) {
        (Form::Family, Scheme::First, Normal::Text(text)) => Normal::Text(first_word(&text).to_owned()),
        (Form::Family, Scheme::Second, Normal::Text(text)) => Normal::Text(family_of(component.name, &text)),
        (Form::Major, _, Normal::Text(text)) => Normal::Text(major(&text).to_owned()),
        (Form::Picture, Scheme::First, Normal::Text(text)) => Normal::Text(picture(text, <[u8]>::to_vec)),
        (Form::Picture, Scheme::Second, Normal::Text(text)) => Normal::Text(picture(text, image_of_data_url)),
        (Form::Set, _, Normal::Text(text)) => set(vec![Normal::Text(text)]),
        (Form::Set, _, Normal::List(items)) => set(items),
        (_, _, normal) => normal,
    }
}

/// Returns the part of a version before the first separator. `10.15.7`, `10_15_7` and `10` all become `10`. `x86_64`
/// and `x86.64`, which two libraries report for the same machine, become `x86`.
fn major(text: &str) -> &str {
    match text.split(['.', '_', '-', ' ']).next() {
        Some(first) if !first.is_empty() => first,
        _ => text,
    }
}

/// Replaces a data URL, which contains about 10 kB of picture data, by the digest of what `image` takes from it. Returns any
/// other text unchanged. An example is the digest that the browser module of this server sends.
fn picture(text: String, image: fn(&[u8]) -> Vec<u8>) -> String {
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        format!("sha256:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(image(text.as_bytes()))))
    } else {
        text
    }
}

/// Returns the chunks of a PNG in a data URL that make the image. Firefox adds a chunk of noise that differs at each start and
/// changes no pixel. Returns the whole text if it is no such data URL.
fn image_of_data_url(text: &[u8]) -> Vec<u8> {
    let png = text.strip_prefix(b"data:image/png;base64,").and_then(|data| STANDARD.decode(data).ok());
    png.as_deref().and_then(critical_chunks).unwrap_or_else(|| text.to_vec())
}

/// Returns the critical chunks of a PNG: those whose name begins with a capital letter (PNG specification, 5.4). `None` if the
/// bytes are no PNG.
fn critical_chunks(png: &[u8]) -> Option<Vec<u8>> {
    let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let mut kept = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        // A chunk is its length, its name of four letters, its data and a checksum.
        let chunk = rest.get(4..length.checked_add(8)?)?;
        if chunk[0].is_ascii_uppercase() {
            kept.extend_from_slice(chunk);
        }
        rest = rest.get(length.checked_add(12)?..)?;
    }
    Some(kept)
}

/// Returns a list as a sorted set. The order in which a browser enumerates fonts and plugins depends on the browser
/// engine and not on the machine. Libraries send them as a text with commas or as an array, so a text is split at its
/// commas. No name of a font or plugin contains a comma.
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

/// Writes a value after a head with its kind and length. The depth limit of `Fingerprint::parse` bounds the recursion.
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

/// Writes a text after a head with its length in bytes.
fn encode_text(text: &str, out: &mut String) {
    head('t', text.len(), out);
    out.push_str(text);
}

/// Writes the kind and the length of the value that follows, such as `t5:`.
fn head(kind: char, len: usize, out: &mut String) {
    write!(out, "{kind}{len}:").expect("writing to a `String` cannot fail");
}
