//! The trait [`Setting`], which reads and prints one value, with its implementations for plain types and lists. The macro
//! `word_enum!` declares a setting with a few allowed words, `subset!` a setting that is a list of such words.
//!
//! A value from a file has a type; a value from an environment variable is text. So a number or a boolean may also be written
//! as text. An error describes the allowed values and never contains the value, because only the
//! [`Reader`](super::reader::Reader) knows whether the value is secret.

use std::{fmt::Display, net::IpAddr, path::PathBuf, str::FromStr};

use figment::value::Value;
use ipnet::IpNet;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use crate::domain::{
    address::PublicUrl,
    exclusions::{Exclusion, Exclusions},
    jwt::Algorithm,
    redirect::AllowedHost,
    secret::Secret,
    span::{Lifetime, Seconds},
};

/// A type into which a configuration value is read.
pub(super) trait Setting: Sized {
    /// Reads `value`. The error completes the sentence "must be …".
    fn parse(value: &Value) -> Result<Self, String>;

    /// Returns the value for `config show` and for messages.
    fn show(&self) -> Json;

    /// Returns the value of a key that no source sets and that has no default; `None` if the key must be set.
    fn unset() -> Option<Self> {
        None
    }
}

/// A setting without a required value. An unset key is `None`, and is printed as null.
impl<T: Setting> Setting for Option<T> {
    fn parse(value: &Value) -> Result<Self, String> {
        T::parse(value).map(Some)
    }

    fn show(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::show)
    }

    fn unset() -> Option<Self> {
        Some(None)
    }
}

/// Returns the text of `value` without surrounding white space. The error is `allowed` if `value` is not text, or is empty.
pub(super) fn text<'a>(value: &'a Value, allowed: &str) -> Result<&'a str, String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).ok_or_else(|| allowed.to_owned())
}

/// Returns the text of `value` like [`text`]. The error is `allowed` also if `is_allowed` returns `false`.
pub(super) fn text_if(value: &Value, allowed: &str, is_allowed: impl Fn(&str) -> bool) -> Result<String, String> {
    let text = text(value, allowed)?;
    is_allowed(text).then(|| text.to_owned()).ok_or_else(|| allowed.to_owned())
}

/// Returns a whole number, which may be written as text; `None` for other values, or if the number does not fit an `i128`.
pub(super) fn integer(value: &Value) -> Option<i128> {
    let unsigned = || value.to_u128().and_then(|number| number.try_into().ok());
    match value {
        Value::String(_, text) => text.trim().parse().ok(),
        _ => value.to_i128().or_else(unsigned),
    }
}

/// Returns the items of a list, which may be written as the text `a,b`; no items for an empty text. `None` if `value` is
/// neither a list nor text, or if an item is not text.
pub(super) fn items(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(_, text) if text.trim().is_empty() => Some(Vec::new()),
        Value::String(_, text) => Some(text.split(',').map(str::trim).collect()),
        Value::Array(_, items) => items.iter().map(|item| item.as_str().map(str::trim)).collect(),
        _ => None,
    }
}

/// Reads each item of a list with `read`. The error is `allowed`, followed by the error of `read` if that is not empty.
pub(super) fn list<T>(
    value: &Value,
    allowed: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let wrong = |wrong: String| if wrong.is_empty() { allowed.to_owned() } else { format!("{allowed}: {wrong}") };
    items(value).ok_or(allowed)?.into_iter().map(|item| read(item).map_err(wrong)).collect()
}

/// Returns a list as JSON, with each item as text.
pub(super) fn show_list<T: Display>(items: &[T]) -> Json {
    items.iter().map(ToString::to_string).collect()
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
        Json::from(*self)
    }
}

/// Implements [`Setting`] for types of whole numbers.
macro_rules! whole_number {
    ($($number:ty),+) => {$(
        impl Setting for $number {
            fn parse(value: &Value) -> Result<Self, String> {
                integer(value)
                    .and_then(|number| number.try_into().ok())
                    .ok_or_else(|| format!("a whole number from 0 to {}", <$number>::MAX))
            }

            fn show(&self) -> Json {
                Json::from(*self)
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
        Json::from(*self)
    }
}

/// Implements [`Setting`] for types of spans. The literal describes the allowed values.
macro_rules! span {
    ($($Span:ty, $allowed:literal;)+) => {$(
        impl Setting for $Span {
            fn parse(value: &Value) -> Result<Self, String> {
                let seconds = || integer(value)?.try_into().ok().and_then(Self::new);
                let span = value.as_str().map_or_else(seconds, |text| text.trim().parse().ok());
                span.ok_or_else(|| $allowed.to_owned())
            }

            fn show(&self) -> Json {
                Json::from(self.to_string())
            }
        }
    )+};
}
span! {
    Lifetime, "a span such as 30s, 15m, 2h or 7d, or a number of seconds; from 1s to 3650d";
    Seconds, "a span such as 0s, 30s or 2m, or a number of seconds; from 0s to 3650d";
}

/// The text that replaces a secret in every output.
pub(super) const REDACTED: &str = "[redacted]";

impl Setting for Secret {
    fn parse(value: &Value) -> Result<Self, String> {
        // White space is kept, because it may be part of the secret.
        let text = value.as_str().ok_or("a text in quotes")?;
        Ok(Self::new(Zeroizing::new(text.as_bytes().to_vec())))
    }

    fn show(&self) -> Json {
        Json::from(REDACTED)
    }
}

impl Setting for String {
    fn parse(value: &Value) -> Result<Self, String> {
        text(value, "a text").map(str::to_owned)
    }

    fn show(&self) -> Json {
        Json::from(self.as_str())
    }
}

impl Setting for PathBuf {
    fn parse(value: &Value) -> Result<Self, String> {
        text(value, "a path").map(Self::from)
    }

    fn show(&self) -> Json {
        Json::from(self.to_string_lossy())
    }
}

impl Setting for IpAddr {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "an IP address such as 127.0.0.1, 0.0.0.0 or ::1";
        text(value, allowed)?.parse().map_err(|_| allowed.to_owned())
    }

    fn show(&self) -> Json {
        Json::from(self.to_string())
    }
}

impl Setting for Vec<IpNet> {
    fn parse(value: &Value) -> Result<Self, String> {
        list(value, "a list of addresses and networks such as 127.0.0.1, 10.0.0.0/8, fd00::/8", |item| {
            let single = || item.parse::<IpAddr>().map(IpNet::from);
            item.parse::<IpNet>().or_else(|_| single()).map(|network| network.trunc()).map_err(|_| String::new())
        })
    }

    fn show(&self) -> Json {
        let single = |network: &IpNet| network.prefix_len() == network.max_prefix_len();
        let shown = |network: &IpNet| if single(network) { network.addr().to_string() } else { network.to_string() };
        self.iter().map(shown).collect()
    }
}

impl Setting for PublicUrl {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a URL such as https://auth.example.com";
        text(value, allowed)?.parse().map_err(|wrong| format!("{allowed}: it {wrong}"))
    }

    fn show(&self) -> Json {
        Json::from(self.as_str())
    }
}

impl Setting for Vec<AllowedHost> {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a list of hosts such as app.example.com, app.example.com:8443, *.example.com";
        list(value, allowed, |item| AllowedHost::from_str(item).map_err(|_| String::new()))
    }

    fn show(&self) -> Json {
        show_list(self)
    }
}

impl Setting for Exclusions {
    fn parse(value: &Value) -> Result<Self, String> {
        list(value, "a list of paths such as /public/**, app.example.com/*.css", Exclusion::from_str).map(Self)
    }

    fn show(&self) -> Json {
        show_list(&self.0)
    }
}

impl Setting for Algorithm {
    fn parse(value: &Value) -> Result<Self, String> {
        let names = || Self::ALL.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().join(", ");
        value.as_str().and_then(|text| Self::parse(text.trim())).ok_or_else(|| format!("one of {}", names()))
    }

    fn show(&self) -> Json {
        Json::from(self.as_str())
    }
}

/// Declares an enum with one variant for each allowed word of a setting.
macro_rules! word_enum {
    ($(#[$doc:meta])* $vis:vis $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// Returns the word of the variant, as it is written in the configuration.
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl $crate::config::setting::Setting for $name {
            fn parse(value: &figment::value::Value) -> Result<Self, String> {
                match value.as_str().map(str::trim) {
                    $(Some($word) => Ok(Self::$variant),)+
                    _ => Err(format!("one of {}", [$($word),+].join(", "))),
                }
            }

            fn show(&self) -> serde_json::Value {
                serde_json::Value::from(self.as_str())
            }
        }
    };
}

/// Declares a struct of booleans. The value of the setting is the list of the names of the booleans that are `true`.
macro_rules! subset {
    ($(#[$doc:meta])* pub $Name:ident { $($(#[$switch_doc:meta])* $switch:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name {
            $($(#[$switch_doc])* pub $switch: bool),+
        }

        impl $crate::config::setting::Setting for $Name {
            fn parse(value: &figment::value::Value) -> Result<Self, String> {
                let allowed = || format!("a list of none, some or all of {}", [$(stringify!($switch)),+].join(", "));
                let mut found = Self { $($switch: false),+ };
                for item in $crate::config::setting::items(value).ok_or_else(allowed)? {
                    match item {
                        $(stringify!($switch) => found.$switch = true,)+
                        _ => return Err(allowed()),
                    }
                }
                Ok(found)
            }

            fn show(&self) -> serde_json::Value {
                [$((stringify!($switch), self.$switch)),+].iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect()
            }
        }
    };
}
pub(super) use {subset, word_enum};
