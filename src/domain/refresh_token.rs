//! Refresh tokens: a pure function of the session's row.
//!
//! The row has what makes them, so nothing is stored per token, and the current one can be given again byte for byte.

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
    /// Whose.
    pub sub: UserId,
    /// Of which client.
    pub client_id: String,
    /// Of which session.
    pub sid: SessionId,
    jti: TokenId,
    #[serde(with = "numeric_date")]
    iat: UnixTime,
    #[serde(with = "numeric_date")]
    exp: UnixTime,
    /// Which of the session's generations.
    #[serde(rename = "gen")]
    pub generation: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Refresh {
    Refresh,
}

impl RefreshClaims {
    /// Who made it.
    pub fn issuer(&self) -> &str {
        &self.iss
    }

    /// Its own id.
    pub fn id(&self) -> TokenId {
        self.jti
    }

    /// When it was made.
    pub fn issued_at(&self) -> UnixTime {
        self.iat
    }

    /// Every claim by its name, as it stands in the token.
    pub fn raw(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(claims)) => claims,
            // A struct of texts and numbers is an object.
            _ => Map::new(),
        }
    }

    /// From when it no longer holds.
    pub fn expires_at(&self) -> UnixTime {
        self.exp
    }
}

/// Why a text is not a refresh token that can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshTokenError {
    /// Not ours, or altered.
    #[error("not a refresh token of this server")]
    Invalid,
    /// An access token.
    #[error("an access token where a refresh token belongs")]
    WrongType,
    /// Its time is over.
    #[error("the refresh token has expired")]
    Expired,
}

/// Makes and reads refresh tokens, under a key that never leaves the server.
pub struct RefreshTokens {
    key: DerivedKey,
    signer: Signer,
    verifier: Verifier,
    issuer: String,
}

impl RefreshTokens {
    /// `key` is derived for [`super::Purpose::RefreshTokens`].
    pub fn new(key: DerivedKey, issuer: &str) -> Self {
        Self {
            signer: Signer::new(jwt::Algorithm::Hs256, key.bytes()),
            verifier: Verifier::hmac(key.bytes()),
            key,
            issuer: issuer.to_owned(),
        }
    }

    /// The current refresh token of a session: for the same row the same bytes.
    pub fn current(&self, session: &Session) -> String {
        let made_at = session.generations.current_made_at();
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

    /// The `jti` of one generation.
    pub fn id(&self, session: SessionId, generation: i64, made_at: UnixTime) -> TokenId {
        let mac = self.key.mac(&[b"jti", session.uuid().as_bytes(), &generation.to_be_bytes()]);
        let mut entropy = [0; 10];
        entropy.copy_from_slice(&mac[..10]);
        TokenId::new(made_at, entropy)
    }

    /// The `jti` of the current generation, which `active_sessions` shows.
    pub fn current_id(&self, session: &Session) -> TokenId {
        self.id(session.id, session.generations.current(), session.generations.current_made_at())
    }

    /// Whether `id` is the `jti` of the session's current token or of one that was current within the grace.
    pub fn is_id_of(&self, id: TokenId, session: &Session) -> bool {
        session.generations.remembered().any(|(generation, made_at)| self.id(session.id, generation, made_at) == id)
    }

    /// The claims of a token that this server signed, expired or not: enough for a logout.
    ///
    /// # Errors
    /// [`RefreshTokenError::Invalid`], [`RefreshTokenError::WrongType`].
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

    /// The claims of a token that this server signed and whose time is not over. A token is over in the second of its `exp`
    /// (RFC 7519 §4.1.4).
    ///
    /// # Errors
    /// [`RefreshTokenError`].
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<RefreshClaims, RefreshTokenError> {
        let claims = self.verify_signature(token)?;
        if now >= claims.exp { Err(RefreshTokenError::Expired) } else { Ok(claims) }
    }
}
