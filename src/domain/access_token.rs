//! Access tokens: their claims (RFC 9068) and the time in which they are valid.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Permission, SessionId, TokenId, UnixTime, UserId, jwt, numeric_date};

/// A token is accepted from this number of seconds before its `nbf`, even if the configured leeway is smaller. The
/// clock of the machine that issued the token may be ahead by this number of seconds. A user who has just signed in
/// must not be refused because of this difference (RFC 7519 §4.1.5).
pub const NBF_LENIENCY: i64 = 2;

/// The claims of an access token (RFC 9068 §2.2). The guards return the claims.
/// [`Vestibule::authenticate`](crate::Vestibule::authenticate) also returns them; its documentation has an example.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer.
    pub iss: String,
    /// The audience: the application that accepts the token.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The client that requested the token.
    pub client_id: String,
    /// The time of issue.
    #[serde(with = "numeric_date")]
    pub iat: UnixTime,
    /// The time from which the token is valid.
    #[serde(with = "numeric_date")]
    pub nbf: UnixTime,
    /// The expiry time: the first second in which the token is no longer valid.
    #[serde(with = "numeric_date")]
    pub exp: UnixTime,
    /// The token's own id.
    pub jti: TokenId,
    /// The session that the token belongs to.
    pub sid: SessionId,
    /// The user's authorization version at the time of issue.
    pub av: i64,
    /// Always `access`.
    #[serde(rename = "type")]
    pub kind: TokenType,
    /// Whether the user proved a password to get this token. False for a token of a refresh. For a token that an
    /// application created in code, whether the application marked the token as fresh.
    pub fresh: bool,
    /// The time at which the user last proved a password in the session of the token.
    #[serde(with = "numeric_date")]
    pub auth_time: UnixTime,
    /// The username. `None` if the setting `token_claims` does not list `username`, or if the user has no username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The email address. `None` if the setting `token_claims` does not list `email`, or if the user has no email
    /// address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The names of the user's roles, sorted.
    pub roles: Vec<String>,
    /// The permissions that the token grants, sorted.
    pub permissions: Vec<Permission>,
    /// The permissions again, joined by spaces (RFC 8693 §4.2).
    pub scope: String,
    /// Whether the token counts only in the access cookie, and not as a bearer token. With `cookie_domain`, other hosts of the
    /// domain receive this cookie.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cookie_only: bool,
    /// The user's custom claims.
    #[serde(flatten)]
    pub custom: BTreeMap<String, Value>,
}

/// The only value of the claim `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// An access token.
    Access,
}

impl AccessClaims {
    /// Removes the permissions that are not in `allowed`. The roles stay, because they describe the user and not the
    /// purpose of the token.
    pub fn narrow(&mut self, allowed: &[Permission]) {
        self.permissions.retain(|permission| allowed.contains(permission));
        self.scope = super::scope::text(&self.permissions);
    }

    /// Returns all claims by name, as the token contains them.
    pub fn raw(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(claims)) => claims,
            // A struct of texts, numbers and lists always serialises as an object.
            _ => Map::new(),
        }
    }

    /// Checks that the token may be presented as a bearer token.
    ///
    /// # Errors
    /// [`AccessTokenError::Invalid`] if it counts only in the access cookie.
    pub fn check_bearer(&self) -> Result<(), AccessTokenError> {
        if self.cookie_only { Err(AccessTokenError::Invalid) } else { Ok(()) }
    }

    /// Returns whether the token contains a permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held.as_str() == permission)
    }

    /// Checks that the token is valid at `now`, with a tolerance of `leeway` seconds at both ends. If `leeway` is 0,
    /// the token is expired from the second of its `exp` on. The token is accepted from two seconds (`NBF_LENIENCY`) before
    /// its `nbf`, or from `leeway` seconds before if `leeway` is greater.
    ///
    /// # Errors
    /// [`AccessTokenError::Expired`] if it is too late, [`AccessTokenError::Invalid`] if it is too early.
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

/// A reason for which an access token is not accepted. [`Vestibule::authenticate`](crate::Vestibule::authenticate)
/// returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// The token was not issued by this server, was altered, has another audience, or is not valid yet.
    #[error("The access token is not valid.")]
    Invalid,
    /// The token has expired.
    #[error("The access token has expired.")]
    Expired,
    /// The token, its session or the user's authorization version was revoked.
    #[error("The access token has been revoked.")]
    Revoked,
    /// The token is a refresh token.
    #[error("A refresh token is not accepted here; send the access token.")]
    WrongType,
}

/// Returns the `kid` in the header of an access token. Does not verify the signature.
///
/// # Errors
/// [`AccessTokenError::WrongType`] for a refresh token, [`AccessTokenError::Invalid`] for any other text that is not an
/// access token or has no `kid`.
pub fn claimed_kid(token: &str) -> Result<String, AccessTokenError> {
    let hints = jwt::hints(token).map_err(|_| AccessTokenError::Invalid)?;
    match hints.typ.as_deref() {
        // RFC 9068 §4 also allows the full media type.
        Some(jwt::ACCESS_TYP | "application/at+jwt") => hints.kid.ok_or(AccessTokenError::Invalid),
        Some(jwt::REFRESH_TYP) => Err(AccessTokenError::WrongType),
        _ => Err(AccessTokenError::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the claims of a token that is valid from second 1000 and expires in second 1900.
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
            cookie_only: false,
            custom: BTreeMap::new(),
        }
    }

    #[test]
    fn a_token_is_accepted_from_two_seconds_before_its_nbf_until_its_exp() {
        use AccessTokenError::{Expired, Invalid};
        // Each row: the current second, the leeway, the expected result.
        for (now, leeway, expected) in [
            (997, 0, Err(Invalid)),
            (998, 0, Ok(())),
            (999, 0, Ok(())),
            (1000, 0, Ok(())),
            (1899, 0, Ok(())),
            (1900, 0, Err(Expired)),
            // A leeway greater than `NBF_LENIENCY` replaces it; the two are not added.
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
