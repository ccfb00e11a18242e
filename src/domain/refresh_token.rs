//! Refresh tokens: a pure function of the session's row, and the table that says what one gets.
//!
//! A session counts generations. A token names one of them; the row knows which is current and when each generation that a
//! client may still hold within the grace was made. So nothing is stored per token, the current token can be given again
//! byte for byte, and the answer to a refresh is one `match` over row, token and time.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    DerivedKey, SessionId, TokenId, UnixTime, UserId,
    jwt::{self, Signer, Verifier},
    numeric_date,
    session::{Session, SessionState},
};

/// `typ` of a refresh token.
pub const TYP: &str = "rt+jwt";

/// Generations whose times are kept at the most. More rotations than this within one grace need a client that refreshes
/// several times a second for the whole of it.
const MAX_REMEMBERED: usize = 128;

/// Which refresh token of a session is the current one, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generations {
    current: i64,
    /// When the current one and those before it were made, newest last; never empty.
    made_at: Vec<UnixTime>,
    /// The generation that the last password change made, 1 where there was none. A token of an earlier one may be in the hands
    /// of whoever the change was to put out.
    since_password: i64,
}

impl Generations {
    /// The first generation of a new session.
    pub fn first(now: UnixTime) -> Self {
        Self { current: 1, made_at: vec![now], since_password: 1 }
    }

    /// What the store read; none when it can't be.
    pub fn from_stored(current: i64, made_at: Vec<UnixTime>, since_password: i64) -> Option<Self> {
        let known = i64::try_from(made_at.len()).ok()?;
        let possible = (1..=current).contains(&known) && (1..=current).contains(&since_password);
        possible.then_some(Self { current, made_at, since_password })
    }

    /// The number of the current generation, from 1.
    pub const fn current(&self) -> i64 {
        self.current
    }

    /// The times that are stored.
    pub fn made_at(&self) -> &[UnixTime] {
        &self.made_at
    }

    /// The generation that the last password change made, from 1.
    pub const fn since_password(&self) -> i64 {
        self.since_password
    }

    /// When the current generation was made.
    pub fn current_made_at(&self) -> UnixTime {
        *self.made_at.last().expect("a session has a current generation from its first second")
    }

    /// The generations that are remembered with the time of their making, newest first.
    pub fn remembered(&self) -> impl Iterator<Item = (i64, UnixTime)> + '_ {
        self.made_at.iter().rev().enumerate().map(|(back, at)| (self.current - back as i64, *at))
    }

    /// The generations after `presented` was traded in at `now`. Forgets what was superseded before the `grace` (seconds).
    ///
    /// A `presented` above the current one comes from before a restore of an older copy of the database: it goes on.
    #[must_use]
    pub fn after(&self, presented: i64, now: UnixTime, grace: i64) -> Self {
        if presented > self.current {
            return Self { current: presented + 1, made_at: vec![now], since_password: self.since_password };
        }
        let mut made_at = self.made_at.clone();
        made_at.push(now);
        // The time at which a generation was made is the time at which the one before it was superseded.
        let keep_from = made_at.iter().position(|at| now.since(*at) <= grace).unwrap_or(made_at.len() - 1);
        let keep_from = keep_from.max(made_at.len().saturating_sub(MAX_REMEMBERED));
        let made_at = made_at.split_off(keep_from);
        Self { current: self.current + 1, made_at, since_password: self.since_password }
    }

    /// The generations after a password change at `now`: a new one, which is the first that still gives anything.
    #[must_use]
    pub fn after_password_change(&self, now: UnixTime) -> Self {
        let current = self.current + 1;
        Self { current, made_at: vec![now], since_password: current }
    }

    /// How `generation` stands at `now`.
    fn standing(&self, generation: i64, now: UnixTime, grace: i64) -> Standing {
        if generation < self.since_password {
            return Standing::Outdated;
        }
        if generation >= self.current {
            return Standing::Current;
        }
        let superseded_at = self.remembered().find(|(number, _)| *number == generation + 1).map(|(_, at)| at);
        match superseded_at {
            Some(at) if grace > 0 && now.since(at) <= grace => Standing::Superseded,
            _ => Standing::Reused,
        }
    }
}

#[derive(Clone, Copy)]
enum Standing {
    /// Made before the last password change.
    Outdated,
    Current,
    Superseded,
    Reused,
}

/// What the fingerprint of a refresh says, seen from the rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The session is not bound, or the device is the one it is bound to.
    Holds,
    /// Another device, or none was given.
    Broken,
}

/// What a refresh token gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its one successor.
    Rotate,
    /// The session's current token again, and a new access token; nothing rotates.
    Repeat,
    /// The same token again, because rotation is off.
    Keep,
    /// The session or its user is no more: `token_revoked`.
    RefuseOver,
    /// It was made before the last password change: `token_revoked`. The session goes on, because whoever changed the password
    /// may have sent it, from another tab.
    RefuseOutdated,
    /// It came back after the grace: `refresh_reused`, and the session ends.
    RefuseReused,
    /// Another device: `device_mismatch`.
    RefuseDevice,
}

/// The table "Rotation" of the contract, below the checks of signature, time and issuer that [`RefreshTokens::verify`] made.
pub fn decide(
    session: &Session,
    user_is_active: bool,
    generation: i64,
    binding: Binding,
    now: UnixTime,
    rules: Rules,
) -> Decision {
    let standing = session.generations.standing(generation, now, rules.grace);
    match (session.state(now), user_is_active, standing, binding) {
        (SessionState::Revoked | SessionState::Expired, ..) | (_, false, ..) => Decision::RefuseOver,
        (SessionState::Live, true, Standing::Outdated, _) => Decision::RefuseOutdated,
        (SessionState::Live, true, Standing::Reused, _) => Decision::RefuseReused,
        (SessionState::Live, true, _, Binding::Broken) => Decision::RefuseDevice,
        (SessionState::Live, true, Standing::Superseded, Binding::Holds) => Decision::Repeat,
        (SessionState::Live, true, Standing::Current, Binding::Holds) if rules.rotate => Decision::Rotate,
        (SessionState::Live, true, Standing::Current, Binding::Holds) => Decision::Keep,
    }
}

/// The settings that the table depends on.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// `rotate_refresh_tokens`.
    pub rotate: bool,
    /// `refresh_reuse_grace`, in seconds.
    pub grace: i64,
}

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
            TYP,
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
            Some(TYP) => {}
            Some(super::access_token::TYP) => return Err(RefreshTokenError::WrongType),
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
