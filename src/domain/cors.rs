//! The origins of other sites whose pages may read the responses of this server.

use super::address::{Authority, PublicUrl, is_localhost};

/// The other origins whose pages may read the responses of this server (CORS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// No other origin.
    None,
    /// Any http or https origin on this machine. This is the default of the profile `dev`.
    AnyLocalhost,
    /// These origins, each written as a browser writes it in the header `Origin`.
    List(Vec<String>),
}

impl CorsOrigins {
    /// Returns the value for a list of origins, which may be empty.
    pub fn of(origins: Vec<String>) -> Self {
        if origins.is_empty() { Self::None } else { Self::List(origins) }
    }

    /// Returns whether pages of `origin`, the value of the header `Origin`, may read the responses.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::None => false,
            Self::AnyLocalhost => {
                let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
                let authority = authority.and_then(|text| text.parse::<Authority>().ok());
                authority.is_some_and(|authority| is_localhost(&authority.host))
            }
            Self::List(origins) => origins.iter().any(|allowed| allowed == origin),
        }
    }

    /// Reads one origin: scheme, host and port, without a path (RFC 6454 §4). The scheme may be any scheme with hosts, such as
    /// that of a web view (`capacitor://localhost`) or of a browser extension.
    ///
    /// # Errors
    /// A description of what is wrong, for `*`, `null` and every other text that is not an origin.
    pub fn origin(item: &str) -> Result<String, String> {
        const NO_PATH: &str = "each must have no path and no slash at its end";
        let (scheme, authority) = match item {
            "*" => return Err("* would let any page on the web act with the cookies of its visitors".to_owned()),
            "null" => {
                return Err("null is the origin of sandboxed frames and local files, which anybody can make".to_owned());
            }
            _ => item.split_once("://").ok_or("each must begin with a scheme, such as https://")?,
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "http" | "https" => match item.parse::<PublicUrl>() {
                Ok(url) if url.path().is_empty() && !item.ends_with('/') => Ok(url.origin().to_owned()),
                Ok(_) => Err(NO_PATH.to_owned()),
                Err(wrong) => Err(format!("each {wrong}")),
            },
            // The pages of these schemes have the origin `null` (the URL standard, "origin").
            "file" | "data" | "blob" | "about" | "javascript" | "ws" | "wss" | "ftp" => {
                Err(format!("no page has an origin with the scheme {scheme}"))
            }
            _ if !is_scheme(&scheme) => Err("each must begin with a scheme, such as https://".to_owned()),
            _ if authority.contains('/') => Err(NO_PATH.to_owned()),
            _ => match authority.parse::<Authority>() {
                Ok(authority) => Ok(format!("{scheme}://{authority}")),
                Err(wrong) => Err(format!("each {wrong}")),
            },
        }
    }
}

/// Returns whether a text in lower case is a scheme (RFC 3986 §3.1).
fn is_scheme(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_origin_of_this_machine_and_no_other_is_any_localhost() {
        for origin in [
            "http://localhost",
            "https://localhost:5173",
            "http://app.localhost:5173",
            "http://a.b.localhost",
            "http://127.0.0.1:3000",
            "http://127.1.2.3",
            "http://[::1]:8080",
        ] {
            assert!(CorsOrigins::AnyLocalhost.allows(origin), "{origin}");
        }
        for origin in [
            "http://localhost.evil.example",
            "http://evillocalhost",
            "http://localhost:0",
            "http://localhost:99999",
            "http://localhost@evil.example",
            "http://.localhost",
            "http://localhost/",
            "ftp://localhost",
            "capacitor://localhost",
            "null",
            "http://192.168.1.20:5173",
            "http://[::2]",
            "localhost",
        ] {
            assert!(!CorsOrigins::AnyLocalhost.allows(origin), "{origin}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (item, origin) in [
            ("https://App.example.com:443", "https://app.example.com"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("Tauri://localhost", "tauri://localhost"),
            ("ionic://localhost:8100", "ionic://localhost:8100"),
            (
                "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai",
                "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai",
            ),
        ] {
            assert_eq!(CorsOrigins::origin(item).as_deref(), Ok(origin));
        }
        for item in [
            "*", "null", "localhost", "://x", "1a://x", "file://x", "capacitor://", "capacitor://localhost/",
            "tauri://a b", "app://user@host", "app://host?q", "ws://localhost", "https://a.example/",
        ] {
            assert!(CorsOrigins::origin(item).is_err(), "{item}");
        }
    }
}
