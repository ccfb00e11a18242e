//! Refresh tokens: signed tokens that are computed from the session's row.
//!
//! The row contains every value of the current refresh token's claims. So no token is stored, and the current token can
//! be returned again, byte for byte.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    DerivedKey, SessionId, TokenId, UnixTime, UserId,
    jwt::{self, Signer, Verifier},
    numeric_date,
    session::Session,
};

/// The claims of a refresh token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefreshClaims {
    #[serde(rename = "type")]
    kind: Refresh,
    iss: String,
    /// The user.
    pub sub: UserId,
    /// The client.
    pub client_id: String,
    /// The session.
    pub sid: SessionId,
    jti: TokenId,
    #[serde(with = "numeric_date")]
    iat: UnixTime,
    #[serde(with = "numeric_date")]
    exp: UnixTime,
    /// The generation of the token within its session.
    #[serde(rename = "gen")]
    pub generation: i64,
}

/// The only value of the claim `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Refresh {
    Refresh,
}

impl RefreshClaims {
    /// Returns the issuer.
    pub fn issuer(&self) -> &str {
        &self.iss
    }

    /// Returns the token's own id.
    pub fn id(&self) -> TokenId {
        self.jti
    }

    /// Returns the time of issue.
    pub fn issued_at(&self) -> UnixTime {
        self.iat
    }

    /// Returns all claims by name, as the token contains them.
    pub fn raw(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(claims)) => claims,
            // A struct of texts and numbers always serialises as an object.
            _ => Map::new(),
        }
    }

    /// Returns the expiry time: the first second in which the token is no longer valid.
    pub fn expires_at(&self) -> UnixTime {
        self.exp
    }
}

/// A reason for which a refresh token is rejected before its session is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshTokenError {
    /// The text is not a refresh token of this server, or the token was altered.
    #[error("not a refresh token of this server")]
    Invalid,
    /// The token is an access token.
    #[error("an access token was presented instead of a refresh token")]
    WrongType,
    /// The token has expired.
    #[error("the refresh token has expired")]
    Expired,
}

/// The issuer and verifier of refresh tokens. The key is never published, because only this server verifies refresh
/// tokens.
pub struct RefreshTokens {
    key: DerivedKey,
    signer: Signer,
    verifier: Verifier,
    issuer: String,
}

impl RefreshTokens {
    /// Returns the issuer and verifier. `key` is the key for [`super::Purpose::RefreshTokens`]; `issuer` is the claim
    /// `iss` of the tokens.
    pub fn new(key: DerivedKey, issuer: &str) -> Self {
        Self {
            signer: Signer::new(jwt::Algorithm::Hs256, key.bytes()),
            verifier: Verifier::hmac(key.bytes()),
            key,
            issuer: issuer.to_owned(),
        }
    }

    /// Returns the current refresh token of a session. The same row always results in the same bytes.
    pub fn current(&self, session: &Session) -> String {
        let made_at = session.generations.current_issued_at();
        let generation = session.generations.current();
        self.signer.sign(
            jwt::REFRESH_TYP,
            None,
            &RefreshClaims {
                kind: Refresh::Refresh,
                iss: self.issuer.clone(),
                sub: session.user_id,
                client_id: session.client_id.clone(),
                sid: session.id,
                jti: self.id(session.id, generation, made_at),
                iat: made_at,
                exp: session.refresh_expires_at,
                generation,
            },
        )
    }

    /// Returns the `jti` of the refresh token of one generation. It is computed from the parameters, so it is not
    /// stored either.
    pub fn id(&self, session: SessionId, generation: i64, made_at: UnixTime) -> TokenId {
        let mac = self.key.mac(&[b"jti", session.uuid().as_bytes(), &generation.to_be_bytes()]);
        let mut entropy = [0; 10];
        entropy.copy_from_slice(&mac[..10]);
        TokenId::new(made_at, entropy)
    }

    /// Returns the `jti` of the session's current refresh token, for the list of active sessions.
    pub fn current_id(&self, session: &Session) -> TokenId {
        self.id(session.id, session.generations.current(), session.generations.current_issued_at())
    }

    /// Returns whether `id` is the `jti` of the session's current refresh token, or of an earlier generation whose time
    /// of issue is still stored ([`super::generations::Generations::latest`]).
    pub fn is_id_of(&self, id: TokenId, session: &Session) -> bool {
        session.generations.latest().any(|(generation, issued)| self.id(session.id, generation, issued.at) == id)
    }

    /// Verifies the signature and the issuer of a refresh token and returns its claims. The token may have expired: an
    /// expired token can still end its session.
    ///
    /// # Errors
    /// [`RefreshTokenError::WrongType`] for an access token, otherwise [`RefreshTokenError::Invalid`].
    pub fn verify_signature(&self, token: &str) -> Result<RefreshClaims, RefreshTokenError> {
        let hints = jwt::hints(token).map_err(|_| RefreshTokenError::Invalid)?;
        match hints.typ.as_deref() {
            Some(jwt::REFRESH_TYP) => {}
            Some(jwt::ACCESS_TYP) => return Err(RefreshTokenError::WrongType),
            _ => return Err(RefreshTokenError::Invalid),
        }
        let claims: RefreshClaims = self.verifier.verify(token).map_err(|_| RefreshTokenError::Invalid)?;
        if claims.iss != self.issuer { Err(RefreshTokenError::Invalid) } else { Ok(claims) }
    }

    /// Verifies a refresh token and returns its claims. The token is expired from the second of its `exp` on (RFC 7519
    /// §4.1.4).
    ///
    /// # Errors
    /// [`RefreshTokenError::Expired`] if it has expired, otherwise as [`RefreshTokens::verify_signature`].
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<RefreshClaims, RefreshTokenError> {
        let claims = self.verify_signature(token)?;
        if now >= claims.exp { Err(RefreshTokenError::Expired) } else { Ok(claims) }
    }
}

#[cfg(test)]
mod tests;
