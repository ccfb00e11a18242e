//! How one value is read and shown: the trait [`Setting`], the plain types, lists, and `vocabulary!` for the settings that are
//! one word of a few.
//!
//! A value may come from a file, typed, or from a variable, as text; so a number or a boolean that is written as text is read
//! like one that isn't. An error says what is allowed and never repeats the value: the [`Reader`](super::reader::Reader) knows
//! whether the value may be shown.

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

/// A type that a configuration value becomes.
pub(super) trait Setting: Sized {
    /// Reads `value`. The error completes the sentence "must be …".
    fn parse(value: &Value) -> Result<Self, String>;

    /// Returns the effective value, for `config show`.
    fn show(&self) -> Json;

    /// Returns the value of a key that nobody set and that has no default; `None` if such a key must be set.
    fn unset() -> Option<Self> {
        None
    }
}

/// A setting that may be left out.
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

/// Returns the text of `value`, trimmed; `allowed` if it is no text or an empty one.
pub(super) fn text<'a>(value: &'a Value, allowed: &str) -> Result<&'a str, String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).ok_or_else(|| allowed.to_owned())
}

/// Returns the text of `value` if `is_allowed`; otherwise `allowed`.
pub(super) fn text_if(value: &Value, allowed: &str, is_allowed: impl Fn(&str) -> bool) -> Result<String, String> {
    let text = text(value, allowed)?;
    is_allowed(text).then(|| text.to_owned()).ok_or_else(|| allowed.to_owned())
}

/// Returns a whole number, also one that is written as text.
pub(super) fn integer(value: &Value) -> Option<i128> {
    let unsigned = || value.to_u128().and_then(|number| number.try_into().ok());
    match value {
        Value::String(_, text) => text.trim().parse().ok(),
        _ => value.to_i128().or_else(unsigned),
    }
}

/// Returns the items of a list, also of one that is written as `a,b`.
pub(super) fn items(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(_, text) if text.trim().is_empty() => Some(Vec::new()),
        Value::String(_, text) => Some(text.split(',').map(str::trim).collect()),
        Value::Array(_, items) => items.iter().map(|item| item.as_str().map(str::trim)).collect(),
        _ => None,
    }
}

/// Reads each item of a list with `read`. The error is `allowed`, followed by what `read` has against an item.
pub(super) fn list<T>(
    value: &Value,
    allowed: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let wrong = |wrong: String| if wrong.is_empty() { allowed.to_owned() } else { format!("{allowed}: {wrong}") };
    items(value).ok_or(allowed)?.into_iter().map(|item| read(item).map_err(wrong)).collect()
}

/// Shows a list.
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

/// The text in place of a secret wherever a configuration is shown.
pub(super) const REDACTED: &str = "[redacted]";

impl Setting for Secret {
    fn parse(value: &Value) -> Result<Self, String> {
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

/// Declares an enum whose variants are the words of one setting.
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
            /// Returns the word for the variant in the configuration.
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

/// Declares a struct of switches that are set by a list of their names.
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
pub(super) use {subset, vocabulary};
