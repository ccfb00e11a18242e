//! The content and the lifetime of access tokens, and the places in a request where they are accepted.

use super::{
    declare::settings,
    reader::{Read, Reader, share},
    sources::{FREE_PORT, PORT},
    web::{WebKeys, local_url},
};
use crate::config::{Lifetime, Seconds, StringOrUri, TokenClaims, TokenLocation};

/// The maximum of `leeway`. A clock that differs by more than ten minutes is broken, and a longer leeway would accept tokens
/// long after they expired.
const LONGEST_LEEWAY: Seconds = Seconds::new(600).expect("ten minutes are a span");

settings! {
    /// The content and the lifetime of access tokens, and the places where they are accepted.
    pub struct Tokens, TokenKeys in "tokens", |reader, web: &WebKeys| check {
        /// The claim `iss` of all tokens. Unset: `public_url`.
        #[key("issuer", example = "https://auth.example.com")]
        #[otherwise(default_issuer(reader, web))]
        issuer: StringOrUri,
        /// The claim `aud` of access tokens. Unset: `issuer`.
        #[key("audience", example = "https://api.example.com")]
        #[otherwise(issuer.clone())]
        audience: StringOrUri,
        /// The difference that this server tolerates between the clocks of machines, at most `10m`. An expired access token is
        /// accepted for this long. For the claim `nbf`, the tolerance is at least two seconds.
        #[key("leeway", default = "0s")]
        #[within(Seconds::ZERO..=LONGEST_LEEWAY)]
        leeway: Seconds,
        /// The lifetime of access tokens: a span such as `15m`, `2h` or `7d`, or a number of seconds. A client can have a
        /// lifetime of its own.
        #[key("access_token_lifetime", default = "15m", main = true)]
        access_token_lifetime: Lifetime,
        /// The time before the expiry of an access token in which a request with this token renews it. The response contains
        /// the new token in the header `New-Access-Token` or in the cookie. `0` switches this off. The tokens of a session that
        /// is bound to a device are not renewed in this way. Somebody who steals an access token can renew it too, again
        /// and again until the refresh token of the session expires, and nothing shows the theft.
        #[key("renew_within", default = "0s", main = true)]
        renew_within: Seconds,
        /// The personal claims that access tokens contain: `username`, `email`, both, or neither.
        #[key("token_claims", default = vec!["username"])]
        claims: TokenClaims,
        /// The places in a request where an access token is accepted: `headers` (`Authorization: Bearer`), `cookies`, or both.
        #[key("token_location", default = vec!["headers", "cookies"])]
        location: TokenLocation,
    }
}

impl TokenKeys {
    /// Refuses settings that can't be used together.
    fn check(&self, reader: &mut Reader, web: &WebKeys) {
        // Otherwise every access token would be due for renewal at once, and each response would contain a new token.
        reader.check("renew_within", "must be shorter than {access_token_lifetime}", || {
            Ok(self.renew_within?.seconds() >= self.access_token_lifetime?.seconds())
        });
        // Clients that use the paths of other login systems receive their tokens in the response body and send them in a
        // header.
        reader.check("token_location", "must have headers, with {compat_routes}", || {
            Ok(web.compat_routes? && !self.location?.headers)
        });
    }
}

/// Returns the default issuer: the URL under which clients reach this server. A port that was chosen for this start, by this
/// server or by a hosting platform, would change the issuer at the next start, and the tokens of this start would then be
/// refused. So the issuer is in this case the URL with the default port.
fn default_issuer(reader: &Reader, web: &WebKeys) -> Read<StringOrUri> {
    let is_of_this_start = [PORT, FREE_PORT].contains(&reader.origin("port").as_str());
    if is_of_this_start && !reader.is_given("public_url") {
        return Ok(StringOrUri::of_url(&local_url(8000)));
    }
    share(&web.public_url).map(StringOrUri::of_url)
}
