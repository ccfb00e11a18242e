//! How one value is read and shown: the trait [`Setting`], the plain types, and `vocabulary!` for the
//! settings that are one word of a few.
//!
//! A value may come from a file, typed, or from a variable, as text; so a number or a boolean written as
//! text is the same as one that isn't. An error says what is allowed and never repeats the value: whether
//! that may be shown is for the [`Reader`](super::reader::Reader) to know.

use std::{net::IpAddr, path::PathBuf};

use figment::value::Value;
use serde_json::{Value as Json, json};

/// A type that a configuration value becomes.
pub(super) trait Setting: Sized {
    /// Reads `value`, or says what is allowed.
    fn parse(value: &Value) -> Result<Self, String>;

    /// The effective value, for `config show`.
    fn show(&self) -> Json;
}

/// The text of `value`, or `allowed`.
pub(super) fn text<'a>(value: &'a Value, allowed: &str) -> Result<&'a str, String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).ok_or_else(|| allowed.to_owned())
}

/// A whole number, also written as text.
pub(super) fn integer(value: &Value) -> Option<i128> {
    let unsigned = || value.to_u128().and_then(|number| number.try_into().ok());
    match value {
        Value::String(_, text) => text.trim().parse().ok(),
        _ => value.to_i128().or_else(unsigned),
    }
}

/// The items of a list, also written as `a,b`.
pub(super) fn items(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(_, text) if text.trim().is_empty() => Some(Vec::new()),
        Value::String(_, text) => Some(text.split(',').map(str::trim).collect()),
        Value::Array(_, items) => items.iter().map(|item| item.as_str().map(str::trim)).collect(),
        _ => None,
    }
}

/// A list that is a subset of `words`: which of them it has.
pub(super) fn subset<const N: usize>(value: &Value, words: [&str; N]) -> Result<[bool; N], String> {
    let allowed = || format!("a list of none, some or all of {}", words.join(", "));
    let mut found = [false; N];
    for item in items(value).ok_or_else(allowed)? {
        let place = words.iter().position(|word| *word == item).ok_or_else(allowed)?;
        found[place] = true;
    }
    Ok(found)
}

/// The words that [`subset`] found, as a list.
pub(super) fn show_subset<const N: usize>(found: [bool; N], words: [&str; N]) -> Json {
    words.into_iter().zip(found).filter_map(|(word, found)| found.then_some(word)).collect()
}

impl Setting for bool {
    fn parse(value: &Value) -> Result<Self, String> {
        let word = match value {
            Value::Bool(_, bool) => return Ok(*bool),
            Value::String(_, text) => text.trim().to_ascii_lowercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err("true or false".to_owned()),
        }
    }

    fn show(&self) -> Json {
        json!(self)
    }
}

macro_rules! whole_number {
    ($($number:ty),+) => {$(
        impl Setting for $number {
            fn parse(value: &Value) -> Result<Self, String> {
                integer(value)
                    .and_then(|number| number.try_into().ok())
                    .ok_or_else(|| format!("a whole number from 0 to {}", <$number>::MAX))
            }

            fn show(&self) -> Json {
                json!(self)
            }
        }
    )+};
}
whole_number!(u16, u32, usize);

impl Setting for f64 {
    fn parse(value: &Value) -> Result<Self, String> {
        let number = match value {
            Value::String(_, text) => text.trim().parse().ok(),
            #[expect(clippy::cast_precision_loss, reason = "a whole number this large is out of any range")]
            _ => value.to_f64().or_else(|| integer(value).map(|number| number as f64)),
        };
        number.filter(|number: &f64| number.is_finite()).ok_or_else(|| "a number".to_owned())
    }

    fn show(&self) -> Json {
        json!(self)
    }
}

impl Setting for IpAddr {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "an IP address such as 127.0.0.1, 0.0.0.0 or ::1";
        text(value, allowed)?.parse().map_err(|_| allowed.to_owned())
    }

    fn show(&self) -> Json {
        json!(self.to_string())
    }
}

impl Setting for PathBuf {
    fn parse(value: &Value) -> Result<Self, String> {
        text(value, "a path").map(PathBuf::from)
    }

    fn show(&self) -> Json {
        json!(self.to_string_lossy())
    }
}

/// An enum whose variants are the words of one setting.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $vis:vis $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// The word that stands for it in the configuration.
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl $crate::config::setting::Setting for $name {
            fn parse(value: &figment::value::Value) -> Result<Self, String> {
                let allowed = || format!("one of {}", [$($word),+].join(", "));
                match value.as_str().map(str::trim) {
                    $(Some($word) => Ok(Self::$variant),)+
                    _ => Err(allowed()),
                }
            }

            fn show(&self) -> serde_json::Value {
                serde_json::Value::from(self.as_str())
            }
        }
    };
}
pub(super) use vocabulary;
