//! Which access tokens are no longer accepted, in maps that are read without a lock.
//!
//! Only what can still matter is here: each entry goes once no token is left that it concerns. The feed of changes brings
//! every entry, ours and those of other processes, so an entry may come twice: inserting is idempotent.

use papaya::HashMap;

use crate::domain::{
    AccessClaims, SessionId, TokenId, UnixTime, UserId,
    change::{Announcement, Change},
};

/// The revoked sessions, tokens and authorization versions.
#[derive(Default)]
pub struct Revocations {
    sessions: HashMap<SessionId, UnixTime>,
    tokens: HashMap<TokenId, UnixTime>,
    /// The lowest authorization version that is still accepted of a user.
    versions: HashMap<UserId, (i64, UnixTime)>,
}

impl Revocations {
    /// Takes over what was announced.
    pub fn apply(&self, announced: &[Announcement]) {
        for Announcement { change, until, .. } in announced {
            match *change {
                Change::SessionRevoked(session) => {
                    self.sessions.pin().insert(session, *until);
                }
                Change::TokenRevoked(token) => {
                    self.tokens.pin().insert(token, *until);
                }
                Change::AuthorizationVersion(user, version) => {
                    let until = *until;
                    self.versions.pin().update_or_insert(
                        user,
                        |(known, known_until)| (version.max(*known), until.max(*known_until)),
                        (version, until),
                    );
                }
                Change::SigningKeys => {}
            }
        }
    }

    /// Whether a token whose signature and time hold is revoked. `sessions_count` is false under `BLACKLIST_REFRESH`, where an
    /// access token outlives its session.
    pub fn is_revoked(&self, claims: &AccessClaims, sessions_count: bool) -> bool {
        (sessions_count && self.sessions.pin().contains_key(&claims.sid))
            || self.tokens.pin().contains_key(&claims.jti)
            || self.has_old_version(claims.sub, claims.av)
    }

    /// Whether a session was revoked, or the authorization version of its user raised above `version`: tokens made from rows
    /// that were read before say something untrue.
    pub fn overtook(&self, session: SessionId, user: UserId, version: i64) -> bool {
        self.sessions.pin().contains_key(&session) || self.has_old_version(user, version)
    }

    fn has_old_version(&self, user: UserId, version: i64) -> bool {
        self.versions.pin().get(&user).is_some_and(|(lowest, _)| version < *lowest)
    }

    /// Forgets what concerns no token any more.
    pub fn sweep(&self, now: UnixTime) {
        self.sessions.pin().retain(|_, until| now <= *until);
        self.tokens.pin().retain(|_, until| now <= *until);
        self.versions.pin().retain(|_, (_, until)| now <= *until);
    }
}
