//! The names of cookies, the attributes that the prefix of a name requires, and the name of the header for the CSRF token.
//!
//! The prefixes `__Secure-` and `__Host-` require certain attributes (RFC 6265bis §4.1.3). A browser drops a cookie without
//! these attributes and reports no error.

use super::words::text;

text! {
    /// The name of a cookie: a token (RFC 9110 §5.6.2) of at most 64 characters.
    pub CookieName, |text| is_token(text).then(|| text.to_owned())
}

text! {
    /// The name of the header in which a script sends the CSRF token: a token (RFC 9110 §5.6.2) of at most 64 characters. The
    /// header has no other meaning, and no page of another site can send it without a preflight request.
    pub CsrfHeader, |text| {
        let is_taken = TAKEN_HEADERS.iter().any(|taken| text.eq_ignore_ascii_case(taken));
        (is_token(text) && !is_taken).then(|| text.to_owned())
    }
}

/// Headers that can't carry the CSRF token. A page of another site can send some of them without a preflight request (Fetch,
/// "CORS-safelisted request-header"). The others already have a meaning.
const TAKEN_HEADERS: [&str; 10] = [
    "accept", "accept-language", "authorization", "content-language", "content-type", "cookie", "host", "origin",
    "range", "referer",
];

/// The attributes of a cookie that the prefix of its name can require.
#[derive(Clone, Copy, Debug)]
pub struct Attributes {
    /// Whether the cookie has the attribute `Secure`.
    pub is_secure: bool,
    /// Whether the cookie has the attribute `Domain`.
    pub has_domain: bool,
    /// Whether the path of the cookie is `/`.
    pub is_at_root: bool,
}

/// The attribute for which a browser drops a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// `__Host-` requires the path `/`.
    Path,
    /// Both prefixes require the attribute `Secure`.
    Secure,
    /// `__Host-` forbids the attribute `Domain`.
    Domain,
}

impl CookieName {
    /// Returns `plain` with the strictest prefix that the attributes permit.
    pub fn strictest(plain: &str, attributes: Attributes) -> Self {
        let prefix = match attributes {
            Attributes { is_secure: false, .. } => "",
            Attributes { has_domain: false, is_at_root: true, .. } => "__Host-",
            _ => "__Secure-",
        };
        Self(format!("{prefix}{plain}"))
    }

    /// Returns the attribute that does not fit the prefix of the name, or `None` if all attributes fit.
    pub fn conflict(&self, attributes: Attributes) -> Option<Conflict> {
        // Browsers compare the prefix without regard to case.
        let has = |prefix: &str| self.0.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let (is_host, is_prefixed) = (has("__Host-"), has("__Host-") || has("__Secure-"));
        match attributes {
            Attributes { is_at_root: false, .. } if is_host => Some(Conflict::Path),
            Attributes { is_secure: false, .. } if is_prefixed => Some(Conflict::Secure),
            Attributes { has_domain: true, .. } if is_host => Some(Conflict::Domain),
            _ => None,
        }
    }
}

/// Returns whether a text is a token (RFC 9110 §5.6.2) of at most 64 characters. Names of cookies and headers are tokens.
fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}
