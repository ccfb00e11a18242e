//! What access tokens contain, how long they live, and where a request carries them.

use figment::value::Value;

use super::{
    declare::settings,
    reader::{Read, Reader, share},
    setting::{Setting, subset, text_if},
    web::{WebKeys, local_url},
};
use crate::domain::span::{Lifetime, Seconds};

/// Clocks that differ by more are broken, and a longer leeway keeps expired tokens alive.
const LONGEST_LEEWAY: Seconds = Seconds::new(600).expect("ten minutes are a span");

settings! {
    /// Content, lifetime and place of access tokens.
    pub struct Tokens, TokenKeys in "tokens", |reader, web: &WebKeys| {
        /// The claim `iss` of every token. Unset: `public_url`.
        #[key("issuer", example = "https://auth.example.com")]
        #[read(parse = identifier, otherwise = default_issuer(reader, web))]
        issuer: String,
        /// The claim `aud` of access tokens. Unset: `issuer`.
        #[key("audience", example = "https://api.example.com")]
        #[read(parse = identifier, otherwise = issuer.clone())]
        audience: String,
        /// By how much the clocks of other machines may differ, at most `10m`; for `nbf` at least two seconds.
        #[key("leeway", default = "0s")]
        #[read(within = Seconds::ZERO..=LONGEST_LEEWAY)]
        leeway: Seconds,
        /// How long an access token lives: seconds as a number, or `15m`, `2h`, `7d`. A client can have its own lifetime.
        #[key("access_token_lifetime", default = "15m", main = true)]
        access_token_lifetime: Lifetime,
        /// How long before its end an access token is renewed by a request that carries it. The new token is in the header
        /// `New-Access-Token` or in the cookie. `0` is off. A session that is bound to a device gets none.
        #[key("renew_within", default = "0s", main = true)]
        renew_within: Seconds,
        /// Which of `username`, `email` an access token contains.
        #[key("token_claims", default = vec!["username"])]
        claims: TokenClaims,
        /// Where a request may carry an access token: `headers`, `cookies`, or both.
        #[key("token_location", default = vec!["headers", "cookies"])]
        #[read(parse = location)]
        location: TokenLocation,
    }
}

impl TokenKeys {
    /// Refuses settings that can't be used together.
    pub(super) fn check(&self, reader: &mut Reader, web: &WebKeys) {
        // Otherwise each request would bring a new token.
        if let (Ok(lifetime), Ok(span)) = (self.access_token_lifetime, self.renew_within)
            && span.seconds() >= lifetime.seconds()
        {
            let lifetime = reader.describe("access_token_lifetime");
            reader.refuse("renew_within", format!("must be shorter than {lifetime}"));
        }
        // Clients of the predecessors' paths get their tokens in the body.
        if let (Ok(true), Ok(TokenLocation { headers: false, .. })) = (web.compat_routes, self.location) {
            let compat = reader.describe("compat_routes");
            reader.refuse("token_location", format!("must have headers, with {compat}"));
        }
    }
}

/// Returns the URL under which clients reach this server. A port that was picked for this start tells nothing about the next
/// start, which must accept the tokens of this one; so the issuer is then the URL of the default port.
fn default_issuer(reader: &Reader, web: &WebKeys) -> Read<String> {
    if reader.flags.port_is_picked && !reader.is_given("public_url") {
        return Ok(local_url(8000).to_string());
    }
    share(&web.public_url).map(ToString::to_string)
}

/// Reads the claim `iss` or `aud`: any text (RFC 7519 §2, StringOrURI) without spaces and control characters.
pub(super) fn identifier(value: &Value) -> Result<String, String> {
    text_if(value, "a name or a URL of at most 255 characters, without spaces", |text| {
        text.len() <= 255 && !text.contains(|char: char| char.is_whitespace() || char.is_control())
    })
}

subset! {
    /// Which personal claims a token contains.
    pub TokenClaims {
        /// `username`
        username,
        /// `email`
        email,
    }
}

subset! {
    /// Where a request may carry an access token. At least one of the places is on.
    pub TokenLocation {
        /// `Authorization: Bearer …`
        headers,
        /// The access cookie.
        cookies,
    }
}

fn location(value: &Value) -> Result<TokenLocation, String> {
    match TokenLocation::parse(value) {
        Ok(location) if location.headers || location.cookies => Ok(location),
        _ => Err("a list of headers, cookies, or both".to_owned()),
    }
}
