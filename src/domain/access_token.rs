//! Access tokens: what one says (RFC 9068), and when one holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Permission, SessionId, TokenId, UnixTime, UserId, jwt, numeric_date};

/// Seconds before its `nbf` from which a token is accepted, whatever the leeway: the machine that made it may be ahead of
/// this one by as much, and somebody who has just signed in is not to be refused for that (RFC 7519 §4.1.5).
pub const NBF_LENIENCY: i64 = 2;

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who made it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// Whose it is.
    pub sub: UserId,
    /// Through which client.
    pub client_id: String,
    /// When it was made.
    #[serde(with = "numeric_date")]
    pub iat: UnixTime,
    /// From when it holds.
    #[serde(with = "numeric_date")]
    pub nbf: UnixTime,
    /// From when it no longer holds.
    #[serde(with = "numeric_date")]
    pub exp: UnixTime,
    /// Its own id.
    pub jti: TokenId,
    /// Its session.
    pub sid: SessionId,
    /// The user's authorization version when it was made.
    pub av: i64,
    /// Always `access`.
    #[serde(rename = "type")]
    pub kind: TokenType,
    /// Whether a password was proved for this very token.
    pub fresh: bool,
    /// When a password was last proved in the session.
    #[serde(with = "numeric_date")]
    pub auth_time: UnixTime,
    /// The user's name, where `token_claims` lists it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The user's email, where `token_claims` lists it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Sorted.
    pub roles: Vec<String>,
    /// Sorted.
    pub permissions: Vec<Permission>,
    /// The permissions joined by spaces.
    pub scope: String,
    /// The user's custom claims.
    #[serde(flatten)]
    pub custom: BTreeMap<String, Value>,
}

/// The one value of the claim `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// An access token.
    Access,
}

impl AccessClaims {
    /// Leaves of the permissions those among `allowed`. The roles stay: they say who the user is, not what the token is for.
    pub fn narrow(&mut self, allowed: &[Permission]) {
        self.permissions.retain(|permission| allowed.contains(permission));
        self.scope = super::scope::text(&self.permissions);
    }

    /// Every claim by its name, as it stands in the token.
    pub fn raw(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(claims)) => claims,
            // A struct of texts, numbers and lists is an object.
            _ => Map::new(),
        }
    }

    /// Whether the user has a permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held.as_str() == permission)
    }

    /// Whether the token holds at `now`, give or take `leeway` seconds: it is over in the second of its `exp`, and begins
    /// [`NBF_LENIENCY`] seconds before its `nbf` at the least.
    ///
    /// # Errors
    /// [`AccessTokenError::Expired`]; before its `nbf` it is [`AccessTokenError::Invalid`].
    pub fn check_time(&self, now: UnixTime, leeway: i64) -> Result<(), AccessTokenError> {
        if now >= self.exp.plus(leeway) {
            return Err(AccessTokenError::Expired);
        }
        if now.plus(leeway.max(NBF_LENIENCY)) < self.nbf {
            return Err(AccessTokenError::Invalid);
        }
        Ok(())
    }
}

/// Why an access token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// Not ours, altered, or for somebody else.
    #[error("The access token is not valid.")]
    Invalid,
    /// Its time is over.
    #[error("The access token has expired.")]
    Expired,
    /// It, its session or its user's authorization was revoked.
    #[error("The access token has been revoked.")]
    Revoked,
    /// A refresh token.
    #[error("A refresh token is not accepted here; send the access token.")]
    WrongType,
}

/// Reads which key a token names, once it says that it is an access token.
///
/// # Errors
/// [`AccessTokenError::WrongType`] for a refresh token, [`AccessTokenError::Invalid`] for all else that is not one.
pub fn claimed_kid(token: &str) -> Result<String, AccessTokenError> {
    let hints = jwt::hints(token).map_err(|_| AccessTokenError::Invalid)?;
    match hints.typ.as_deref() {
        // RFC 9068 §4: the media type may be written out.
        Some(jwt::ACCESS_TYP | "application/at+jwt") => hints.kid.ok_or(AccessTokenError::Invalid),
        Some(jwt::REFRESH_TYP) => Err(AccessTokenError::WrongType),
        _ => Err(AccessTokenError::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token that begins at 1000 and is over at 1900.
    fn claims() -> AccessClaims {
        let (user, session) = (UserId::new(UnixTime::from_seconds(1), [1; 10]), [2; 10]);
        AccessClaims {
            iss: String::new(),
            aud: String::new(),
            sub: user,
            client_id: String::new(),
            iat: UnixTime::from_seconds(1000),
            nbf: UnixTime::from_seconds(1000),
            exp: UnixTime::from_seconds(1900),
            jti: TokenId::new(UnixTime::from_seconds(1), session),
            sid: SessionId::new(UnixTime::from_seconds(1), session),
            av: 1,
            kind: TokenType::Access,
            fresh: false,
            auth_time: UnixTime::from_seconds(1000),
            username: None,
            email: None,
            roles: Vec::new(),
            permissions: Vec::new(),
            scope: String::new(),
            custom: BTreeMap::new(),
        }
    }

    #[test]
    fn a_token_begins_two_seconds_early_and_ends_on_time() {
        use AccessTokenError::{Expired, Invalid};
        // At which second, with which leeway.
        for (now, leeway, expected) in [
            (997, 0, Err(Invalid)),
            (998, 0, Ok(())),
            (999, 0, Ok(())),
            (1000, 0, Ok(())),
            (1899, 0, Ok(())),
            (1900, 0, Err(Expired)),
            // The leeway takes its place where it is greater, and is not added.
            (997, 1, Err(Invalid)),
            (998, 2, Ok(())),
            (997, 3, Ok(())),
            (996, 3, Err(Invalid)),
            (1901, 2, Ok(())),
            (1902, 2, Err(Expired)),
        ] {
            let held = claims().check_time(UnixTime::from_seconds(now), leeway);
            assert_eq!(held, expected, "at {now} with a leeway of {leeway}");
        }
    }
}
