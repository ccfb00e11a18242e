//! What access tokens say, how long they live, and where they are looked for.

use figment::value::Value;
use serde_json::{Value as Json, json};

use super::{
    Lifetime, Seconds, Web,
    reader::{Read, Reader},
    setting::{Setting, show_subset, subset, text},
};

/// Clocks that differ by more are broken, and a longer leeway keeps ended tokens alive.
const LONGEST_LEEWAY: Seconds = Seconds::new(600);
const CLAIMS: [&str; 2] = ["username", "email"];
const LOCATIONS: [&str; 2] = ["headers", "cookies"];

/// What access tokens say, how long they live, and where they are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The claim `iss`.
    pub issuer: String,
    /// How far the clocks of others may be off; at most ten minutes.
    pub leeway: Seconds,
    /// Unless the client has its own; at most the lifetime of a refresh token.
    pub access_token_lifetime: Lifetime,
    /// How near its end a valid access token is renewed; less than the lifetime of any. 0 is off.
    pub renew_within: Seconds,
    /// Which personal claims a token carries.
    pub claims: TokenClaims,
    /// Where an access token is looked for.
    pub location: TokenLocation,
}

/// Which personal claims a token carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenClaims {
    /// `username`
    pub username: bool,
    /// `email`
    pub email: bool,
}

/// Where an access token is looked for: at least one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLocation {
    /// `Authorization: Bearer …`
    pub headers: bool,
    /// The access cookie.
    pub cookies: bool,
}

/// The claim `iss` or `aud`: any text (RFC 7519 §2, StringOrURI) without spaces and control characters.
pub(super) struct Identifier(pub String);

impl Tokens {
    pub(super) fn read(reader: &mut Reader, web: Read<&Web>) -> Read<Self> {
        let usual = web.map(|web| usual_issuer(reader, web));
        let issuer = reader.or("issuer", usual);
        let leeway = reader.within("leeway", Seconds::new(0)..=LONGEST_LEEWAY);
        let access_token_lifetime = reader.read::<Lifetime>("access_token_lifetime");
        let mut renew_within = reader.read::<Seconds>("renew_within");
        if let (Ok(lifetime), Ok(span)) = (access_token_lifetime, renew_within) {
            renew_within = leaves_some(reader, span, lifetime);
        }
        let claims = reader.read("token_claims");
        let location = location(reader, web);
        Ok(Self {
            issuer: issuer?.0,
            leeway: leeway?,
            access_token_lifetime: access_token_lifetime?,
            renew_within: renew_within?,
            claims: claims?,
            location: location?,
        })
    }
}

/// Refuses a `renew_within` that leaves nothing of a lifetime: each request would bring a token.
fn leaves_some(reader: &mut Reader, renew_within: Seconds, lifetime: Lifetime) -> Read<Seconds> {
    if renew_within.seconds() < lifetime.seconds() {
        return Ok(renew_within);
    }
    let lifetime = reader.describe("access_token_lifetime");
    Err(reader.refuse("renew_within", format!("must be shorter than {lifetime}")))
}

/// How this server is reached. A port that was picked for this start says nothing of the next, to which the tokens must still be
/// its own.
fn usual_issuer(reader: &Reader, web: &Web) -> Identifier {
    let is_for_once = reader.port_is_picked && !reader.is_given("public_url");
    Identifier(if is_for_once { "http://localhost:8000".to_owned() } else { web.public_url.clone() })
}

/// Clients of the predecessors' paths get their tokens in the body.
fn location(reader: &mut Reader, web: Read<&Web>) -> Read<TokenLocation> {
    let location: TokenLocation = reader.read("token_location")?;
    match web {
        Ok(web) if web.compat_routes && !location.headers => {
            let compat = reader.describe("compat_routes");
            Err(reader.refuse("token_location", format!("must have headers, with {compat}")))
        }
        _ => Ok(location),
    }
}

impl Setting for Identifier {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a name or a URL of at most 255 characters, without spaces";
        let text = text(value, allowed)?;
        let fits = text.len() <= 255 && !text.contains(|char: char| char.is_whitespace() || char.is_control());
        fits.then(|| Self(text.to_owned())).ok_or_else(|| allowed.to_owned())
    }

    fn show(&self) -> Json {
        json!(self.0)
    }
}

impl Setting for TokenClaims {
    fn parse(value: &Value) -> Result<Self, String> {
        let [username, email] = subset(value, CLAIMS)?;
        Ok(Self { username, email })
    }

    fn show(&self) -> Json {
        show_subset([self.username, self.email], CLAIMS)
    }
}

impl Setting for TokenLocation {
    fn parse(value: &Value) -> Result<Self, String> {
        match subset(value, LOCATIONS) {
            Ok([headers, cookies]) if headers || cookies => Ok(Self { headers, cookies }),
            _ => Err("a list of headers, cookies, or both".to_owned()),
        }
    }

    fn show(&self) -> Json {
        show_subset([self.headers, self.cookies], LOCATIONS)
    }
}
