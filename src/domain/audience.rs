//! The values of the claims `iss` and `aud`, and the audiences of a client: the applications that accept its access tokens (RFC
//! 7519 §4.1.1 and §4.1.3, RFC 8707).

use std::fmt;

use super::{address::PublicUrl, words::text};

text! {
    /// The value of the claim `iss` or `aud` (RFC 7519 §2): a name or a URL of 1 to 255 bytes, without white space and control
    /// characters.
    pub StringOrUri, |text| {
        let is_plain = !text.contains(|char: char| char.is_whitespace() || char.is_control());
        ((1..=255).contains(&text.len()) && is_plain).then(|| text.to_owned())
    }
}

impl StringOrUri {
    /// Returns the URL of this server as an identifier. It may have more than 255 bytes.
    pub fn of_url(url: &PublicUrl) -> Self {
        Self(url.as_str().to_owned())
    }
}

/// The audiences of a client, in the order of the configuration. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audiences(Vec<String>);

impl Audiences {
    /// Returns a list of one audience.
    pub fn one(audience: &StringOrUri) -> Self {
        Self(vec![audience.to_string()])
    }

    /// Returns the audiences without repetitions; `None` for an empty list.
    pub fn new(mut all: Vec<String>) -> Option<Self> {
        let mut known = Vec::new();
        all.retain(|audience| {
            let is_new = !known.contains(audience);
            known.push(audience.clone());
            is_new
        });
        (!all.is_empty()).then_some(Self(all))
    }

    /// Returns the audience of a token for which none was requested: the first.
    pub fn default_audience(&self) -> &str {
        &self.0[0]
    }

    /// Returns the audience of a token for which `requested` was requested: this one, if the client has it, or the default if
    /// none was requested. Returns `None` if the client does not have it.
    pub fn choose(&self, requested: Option<&str>) -> Option<&str> {
        match requested {
            None => Some(self.default_audience()),
            Some(requested) => self.iter().find(|audience| *audience == requested),
        }
    }

    /// Returns whether the client has this audience.
    pub fn contains(&self, audience: &str) -> bool {
        self.0.iter().any(|known| known == audience)
    }

    /// Returns all audiences.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Writes the audiences, separated by commas.
impl fmt::Display for Audiences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}
