//! The trait [`Setting`], which reads and prints one value, with its implementations.
//!
//! A value from a file has a type; a value from an environment variable is text. So a number or a boolean may also be written
//! as text. An error describes the allowed values and never contains the value, because only the
//! [`Reader`](super::reader::Reader) knows whether the value is secret.

use std::{
    fmt::Display,
    net::IpAddr,
    path::{Path, PathBuf},
};

use figment::value::Value;
use ipnet::IpNet;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use crate::{
    config::{
        Algorithm, AllowedHost, BasePath, Blacklist, ClientSecretHash, CookieDomain, CookieName, CorsOrigins,
        CsrfHeader, Database, Exclusions, FingerprintConsent, FingerprintPolicy, Grants, Lifetime, LimitPolicy,
        ListenAddress, LogFormat, LogLevel, MetricsAddress, PasswordScheme, PasswordSchemes, PrivacyContact, PublicUrl,
        Rate, Registration, SameSite, Seconds, Secret, SecretFile, SiteName, SitesDefault, StringOrUri, TokenClaims,
        TokenLocation, UsernameField,
    },
    domain::{Permission, RoleName},
};

/// A type into which a configuration value is read.
pub(super) trait Setting: Sized {
    /// Reads `value`. The error follows the name of the key, as in "must be a number".
    fn parse(value: &Value) -> Result<Self, String>;

    /// Returns the value for `config show` and for messages. The [`Reader`](super::reader::Reader) replaces secrets.
    fn show(&self) -> Json;

    /// Returns the path that `value` names; `None` if it names none.
    fn path(_value: &Value) -> Option<PathBuf> {
        None
    }

    /// Returns the value of a key that no source sets and that has no default; `None` if the key must be set.
    fn unset() -> Option<Self> {
        None
    }
}

/// Returns the text of `value` without surrounding white space; `None` if `value` is not text.
fn trimmed(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim)
}

/// Returns the text of `value` like [`trimmed`]; `None` also for an empty text.
fn text(value: &Value) -> Option<&str> {
    trimmed(value).filter(|text| !text.is_empty())
}

/// Returns a number, which may be written as text, as text with at least one digit.
fn number(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(_, text) => text.trim().to_owned(),
        Value::Num(..) => serde_json::to_string(value).ok()?,
        _ => return None,
    };
    Some(text).filter(|text| text.contains(|char: char| char.is_ascii_digit()))
}

/// Returns the items of a list, which may be written as the text `a,b`; no items for an empty text. `None` if `value` is
/// neither a list nor text, or if an item is not text.
fn items(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(_, text) if text.trim().is_empty() => Some(Vec::new()),
        Value::String(_, text) => Some(text.split(',').map(str::trim).collect()),
        Value::Array(_, items) => items.iter().map(|item| item.as_str().map(str::trim)).collect(),
        _ => None,
    }
}

/// Reads each item of a list with `read`. The error is "must be a list of", `allowed`, and the error of `read`.
fn list<T>(value: &Value, allowed: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let wrong = |wrong: String| format!("must be a list of {allowed}{wrong}");
    items(value).ok_or_else(|| wrong(String::new()))?.into_iter().map(|item| read(item).map_err(wrong)).collect()
}

/// Returns a list as JSON, with each item as text.
fn show_list<T: Display>(items: &[T]) -> Json {
    items.iter().map(ToString::to_string).collect()
}

/// A setting without a required value. An unset key is `None`, and is printed as null.
impl<T: Setting> Setting for Option<T> {
    fn parse(value: &Value) -> Result<Self, String> {
        T::parse(value).map(Some)
    }

    fn show(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::show)
    }

    fn path(value: &Value) -> Option<PathBuf> {
        T::path(value)
    }

    fn unset() -> Option<Self> {
        Some(None)
    }
}

/// Implements [`Setting`] for types whose text form `FromStr` reads. Each row has the function that returns the text of a
/// value, the type, the allowed values, the value as it is printed, and the path that it names, if it can name one.
macro_rules! texts {
    ($($text:ident $Type:ty, $allowed:expr, |$self:ident| $shown:expr $(, $path:expr)?;)+) => {$(
        impl Setting for $Type {
            fn parse(value: &Value) -> Result<Self, String> {
                $text(value).and_then(|text| text.parse().ok()).ok_or_else(|| format!("must be {}", $allowed))
            }

            fn show(&self) -> Json {
                let $self = self;
                json!($shown)
            }

            $(fn path(value: &Value) -> Option<PathBuf> {
                let $self = &Self::parse(value).ok()?;
                $path.map(Path::to_owned)
            })?
        }
    )+};
}
texts! {
    text PathBuf, "a path", |it| it.to_string_lossy(), Some(it.as_path());
    text ListenAddress, "an IP address such as 127.0.0.1, 0.0.0.0 or ::1, or unix:<path>", |it| it.to_string(), it.path();
    text MetricsAddress, "an IP address and a port such as 127.0.0.1:9464 or [::1]:9464, or unix:<path>",
        |it| it.to_string(), it.address.path();
    text StringOrUri, "a name or a URL of at most 255 characters, without spaces", |it| it.to_string();
    trimmed BasePath, "/ or a path such as /auth, of plain segments and without a slash at its end",
        |it| if it.is_empty() { "/" } else { it };
    text CookieName, "a name of at most 64 letters, digits and !#$%&'*+-.^_`|~", |it| it.to_string();
    text CookieDomain, "a domain such as example.com, with no dot before it and not an address", |it| it.to_string();
    text CsrfHeader, "the name of a header that has no other meaning, such as X-CSRF-Token", |it| it.to_string();
    text SiteName, "one line of 1 to 60 characters", |it| it.to_string();
    text PrivacyContact, "an address such as privacy@example.com, a URL, or one line of at most 200 characters",
        |it| it.to_string();
    text Database, "sqlite:<path of a file> without parameters, or sqlite::memory:", |it| it.to_string(), it.path();
    text ClientSecretHash, "what `vestibule client secret ID` prints: sha256$ and 43 characters of base64url", |it| it.to_string();
    number u16, format!("a whole number from 0 to {}", u16::MAX), |it| it;
    number u32, format!("a whole number from 0 to {}", u32::MAX), |it| it;
    number usize, format!("a whole number from 0 to {}", usize::MAX), |it| it;
    number f64, "a number", |it| it;
    number Lifetime, "a span such as 30s, 15m, 2h or 7d, or a number of seconds; from 1s to 3650d", |it| it.to_string();
    number Seconds, "a span such as 0s, 30s or 2m, or a number of seconds; from 0s to 3650d", |it| it.to_string();
}

/// Implements [`Setting`] for the types of `words!`, which are one word of a list.
macro_rules! words {
    ($($Word:ident),+) => {
        texts! { $(text $Word, format!("one of {}", $Word::WORDS.join(", ")), |it| it.as_str();)+ }
    };
}
words!(
    Algorithm, Blacklist, FingerprintConsent, FingerprintPolicy, LimitPolicy, LogFormat, LogLevel, Registration,
    SameSite, SitesDefault, UsernameField
);

/// Implements [`Setting`] for the types of `switches!`, which are lists of words.
macro_rules! switches {
    ($($Switches:ident),+) => {$(
        impl Setting for $Switches {
            fn parse(value: &Value) -> Result<Self, String> {
                let number = if Self::LEAST == 0 { "none, some or all" } else { "one or more" };
                let allowed = || format!("must be a list of {number} of {}", Self::WORDS.join(", "));
                items(value).and_then(Self::from_words).ok_or_else(allowed)
            }

            fn show(&self) -> Json {
                json!(self.to_words())
            }
        }
    )+};
}
switches!(Grants, TokenClaims, TokenLocation);

/// The schemes of password hashes: a list of words, in the order that the operator chose.
impl Setting for PasswordSchemes {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = || format!("must be a list of one or more of {}, each once", PasswordScheme::WORDS.join(", "));
        let schemes: Option<Vec<_>> =
            items(value).and_then(|items| items.into_iter().map(|item| item.parse().ok()).collect());
        schemes.and_then(Self::new).ok_or_else(allowed)
    }

    fn show(&self) -> Json {
        show_list(self.as_slice())
    }
}

/// Implements [`Setting`] for lists. Each row has the type, the allowed values, how an item is read, how the items are
/// collected, and how the list is printed.
macro_rules! lists {
    ($($List:ty: $allowed:literal, $read:expr, $collect:expr, |$self:ident| $shown:expr;)+) => {$(
        impl Setting for $List {
            fn parse(value: &Value) -> Result<Self, String> {
                list(value, $allowed, $read).map($collect)
            }

            fn show(&self) -> Json {
                let $self = self;
                $shown
            }
        }
    )+};
}
lists! {
    Vec<IpNet>: "addresses and networks such as 127.0.0.1, 10.0.0.0/8, fd00::/8",
        network, |networks| networks, |it| it.iter().map(show_network).collect();
    Vec<AllowedHost>: "hosts such as app.example.com, app.example.com:8443, *.example.com",
        |item| item.parse().map_err(|_| String::new()), |hosts| hosts, |it| show_list(it);
    Vec<Permission>: "permissions, such as [\"posts:read\", \"posts:write\"]",
        |item| Permission::parse(item).map_err(|wrong| format!("; one of these {wrong}")), sorted, |it| show_list(it);
    Vec<String>: "roles", |item| match RoleName::parse(item) {
        Ok(role) => Ok(role.as_str().to_owned()),
        Err(wrong) => Err(format!("; one of these {wrong}")),
    }, |names| names, |it| show_list(it);
    Exclusions: "paths such as /public/**, app.example.com/*.css",
        |item| item.parse().map_err(|wrong| format!(": {wrong}")), Self, |it| show_list(&it.0);
    CorsOrigins: "origins such as https://app.example.com",
        |item| Self::origin(item).map_err(|wrong| format!(": {wrong}")), Self::of, |it| match it {
            Self::None => json!([]),
            Self::AnyLocalhost => json!("any origin on localhost"),
            Self::List(origins) => json!(origins),
        };
}

/// Reads a network. An address without a length is the network of this address.
fn network(item: &str) -> Result<IpNet, String> {
    let single = |_| item.parse::<IpAddr>().map(IpNet::from);
    item.parse::<IpNet>().or_else(single).map(|network| network.trunc()).map_err(|_| String::new())
}

fn show_network(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() { network.addr().to_string() } else { network.to_string() }
}

fn sorted(mut permissions: Vec<Permission>) -> Vec<Permission> {
    permissions.sort_unstable();
    permissions.dedup();
    permissions
}

impl Setting for bool {
    fn parse(value: &Value) -> Result<Self, String> {
        let trimmed = value.as_str().map(|text| Value::from(text.trim()));
        trimmed.as_ref().unwrap_or(value).to_bool_lossy().ok_or_else(|| "must be true or false".to_owned())
    }

    fn show(&self) -> Json {
        json!(self)
    }
}

impl Setting for PublicUrl {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "must be a URL such as https://auth.example.com";
        text(value).ok_or(allowed)?.parse().map_err(|wrong| format!("{allowed}: it {wrong}"))
    }

    fn show(&self) -> Json {
        json!(self.as_str())
    }
}

/// A limit; `None` if it is switched off, which is written as 0.
impl Setting for Option<Rate> {
    fn parse(value: &Value) -> Result<Self, String> {
        match number(value) {
            Some(text) if text.parse() == Ok(0) => Ok(None),
            text => text.and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
                "must be a number (1 to 1000000) and a period (1s to 24h) such as 30/1m, or 0 for no limit".to_owned()
            }),
        }
    }

    fn show(&self) -> Json {
        json!(self.as_ref().map_or_else(|| "0".to_owned(), Rate::to_string))
    }
}

/// A file that contains a secret. The value is its path; the file is read here.
impl Setting for SecretFile {
    fn parse(value: &Value) -> Result<Self, String> {
        Self::read(&PathBuf::parse(value)?)
    }

    fn show(&self) -> Json {
        json!(self.path().to_string_lossy())
    }

    fn path(value: &Value) -> Option<PathBuf> {
        PathBuf::parse(value).ok()
    }
}

/// A secret. White space is kept, because it may be part of the secret.
impl Setting for Secret {
    fn parse(value: &Value) -> Result<Self, String> {
        let text = value.as_str().ok_or("must be a text in quotes")?;
        Ok(Self::new(Zeroizing::new(text.as_bytes().to_vec())))
    }

    fn show(&self) -> Json {
        json!("a secret")
    }
}
