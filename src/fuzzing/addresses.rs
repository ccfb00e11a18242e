//! The texts of settings: addresses, origins, rates and spans.

use std::{fmt, str::FromStr};

use url::Url;

use super::input::text;
use crate::domain::{
    address::{Authority, PublicUrl},
    client::ClientSecretHash,
    cookie_name::CookieName,
    cors::CorsOrigins,
    database::Database,
    jwt::Algorithm,
    listen_address::ListenAddress,
    rate::Rate,
    redirect::AllowedHost,
    span::{Lifetime, Seconds},
};

/// Reads a text as each type of a setting. A value that is accepted is printed as a text that means the same, and an address is
/// the one that a browser reads in the text.
pub fn settings(data: &[u8]) {
    let text = text(data);
    round_trip::<AllowedHost>(&text);
    round_trip::<Authority>(&text);
    round_trip::<CookieName>(&text);
    round_trip::<ListenAddress>(&text);
    if let Ok(algorithm) = text.parse::<Algorithm>() {
        assert_eq!(algorithm.as_str(), text);
    }
    if let Some(rate) = round_trip::<Rate>(&text) {
        assert!((1..=1_000_000).contains(&rate.count.get()) && (1..=86_400).contains(&rate.per.seconds()));
    }
    if let Some(lifetime) = round_trip::<Lifetime>(&text) {
        assert!(lifetime.seconds() >= 1);
    }
    if let Some(seconds) = round_trip::<Seconds>(&text) {
        assert!((0..=315_360_000).contains(&seconds.seconds()));
    }
    for shown in [text.parse::<Database>().map(|value| value.to_string()).ok()].into_iter().flatten() {
        assert_eq!(shown.parse::<Database>().map(|value| value.to_string()).ok(), Some(shown));
    }
    text.parse::<ClientSecretHash>().ok();
    if let Some(url) = round_trip::<PublicUrl>(&text) {
        let read = Url::parse(&text).expect("a browser reads it too");
        assert_eq!(read.origin().ascii_serialization(), url.origin(), "the origin is that of a browser");
        assert_eq!(read.path().trim_end_matches('/'), url.path());
        assert!(read.username().is_empty() && read.query().is_none() && read.fragment().is_none());
        assert_eq!(url.origin().len() + url.path().len(), url.as_str().len());
    }
    if let Ok(origin) = CorsOrigins::origin(&text) {
        assert_eq!(CorsOrigins::origin(&origin).as_ref(), Ok(&origin), "an origin is read again");
        let read = Url::parse(&text).expect("a browser reads it too");
        if matches!(read.scheme(), "http" | "https") {
            assert_eq!(read.origin().ascii_serialization(), origin);
        }
    }
    if CorsOrigins::AnyLocalhost.allows(&text) {
        let host = Url::parse(&text).ok().and_then(|url| url.host_str().map(str::to_owned)).expect("it has a host");
        let is_loopback = host.starts_with("127.") || host == "[::1]" || host.starts_with("[::ffff:7f");
        assert!(is_loopback || host == "localhost" || host.ends_with(".localhost"), "{host} is this machine");
    }
}

/// Reads a text as a `T`. Returns the value, after it was printed and read again.
fn round_trip<T: FromStr + fmt::Display + fmt::Debug + PartialEq>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    let shown = value.to_string();
    match shown.parse::<T>() {
        Ok(again) => assert_eq!(again, value, "{text:?} is printed as {shown:?}"),
        Err(_) => panic!("{text:?} is printed as {shown:?}, which is refused"),
    }
    Some(value)
}
