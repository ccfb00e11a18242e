//! The origins of other sites whose pages may read the responses of this server.

use super::address::PublicUrl;

/// The other origins whose pages may read the responses of this server (CORS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// No other origin.
    None,
    /// Any origin on `localhost` or on a loopback address. This is the default of the profile `dev`.
    AnyLocalhost,
    /// These origins, each written as a browser writes it in the header `Origin`.
    List(Vec<String>),
}

impl CorsOrigins {
    /// Returns the value for a list of origins, which may be empty.
    pub fn of(origins: Vec<String>) -> Self {
        if origins.is_empty() { Self::None } else { Self::List(origins) }
    }

    /// Reads one origin: scheme, host and port, without a path.
    ///
    /// # Errors
    /// A description of what is wrong, for `*`, `null` and every other text that is not the origin of an http or https URL.
    pub fn origin(item: &str) -> Result<String, String> {
        match item {
            "*" => Err("* would let any page on the web act with the cookies of its visitors".to_owned()),
            "null" => Err("null is the origin of sandboxed frames and local files, which anybody can make".to_owned()),
            _ => match item.parse::<PublicUrl>() {
                Ok(url) if url.path().is_empty() && !item.ends_with('/') => Ok(url.origin().to_owned()),
                Ok(_) => Err("each must have no path and no slash at its end".to_owned()),
                Err(wrong) => Err(format!("each {wrong}")),
            },
        }
    }
}
