//! The access tokens that are no longer accepted although they have not expired. The maps are read without a lock.
//!
//! All entries come from the feed of changes, which contains the changes of this process and of all other processes.
//! The same change may arrive twice: applying it again has no effect. Each entry is kept until `until`, which is not
//! before the last token that it concerns has expired.

use std::sync::atomic::{AtomicI64, Ordering};

use papaya::HashMap;

use crate::domain::{
    AccessClaims, SessionId, TokenId, UnixTime, UserId,
    change::{Announcement, Change},
};

/// The revoked sessions and tokens, and the lowest accepted authorization versions.
#[derive(Default)]
pub struct Revocations {
    /// The revoked sessions. The value is the time until which the entry is kept, as in the other maps.
    sessions: HashMap<SessionId, UnixTime>,
    /// The access tokens that were revoked alone.
    tokens: HashMap<TokenId, UnixTime>,
    /// The sessions of which so many access tokens were revoked alone that those up to a time of issue are revoked together.
    tokens_up_to: HashMap<SessionId, (UnixTime, UnixTime)>,
    /// The lowest accepted authorization version of each user.
    versions: HashMap<UserId, (i64, UnixTime)>,
    /// The second up to which every access token that was issued is refused; 0 if none is.
    all_up_to: AtomicI64,
}

impl Revocations {
    /// Applies announced changes. Of two authorization versions of one user, the higher version counts.
    pub fn apply(&self, announced: &[Announcement]) {
        for Announcement { change, until, .. } in announced {
            match *change {
                Change::SessionRevoked(session) => {
                    self.sessions.pin().insert(session, *until);
                }
                Change::TokenRevoked(token) => {
                    self.tokens.pin().insert(token, *until);
                }
                Change::SessionTokensRevoked(session, issued) => {
                    let until = *until;
                    self.tokens_up_to.pin().update_or_insert(
                        session,
                        |(known, known_until)| (issued.max(*known), until.max(*known_until)),
                        (issued, until),
                    );
                }
                Change::AuthorizationVersion(user, version) => {
                    let until = *until;
                    self.versions.pin().update_or_insert(
                        user,
                        |(known, known_until)| (version.max(*known), until.max(*known_until)),
                        (version, until),
                    );
                }
                // The keyring and the clients are replaced as a whole, by other tasks.
                Change::SigningKeys | Change::Clients => {}
            }
        }
    }

    /// Ends every access token that was issued up to `issued`, of all users.
    pub fn end_all(&self, issued: UnixTime) {
        self.all_up_to.fetch_max(issued.seconds(), Ordering::Relaxed);
    }

    /// Returns whether an otherwise valid access token is revoked. `check_sessions` is whether the revocation of a
    /// session also revokes its access tokens. It is false under `BLACKLIST_REFRESH`, where an access token stays valid
    /// until its `exp` although its session was revoked.
    pub fn is_revoked(&self, claims: &AccessClaims, check_sessions: bool) -> bool {
        (check_sessions && self.sessions.pin().contains_key(&claims.sid))
            || self.tokens.pin().contains_key(&claims.jti)
            || self.tokens_up_to.pin().get(&claims.sid).is_some_and(|(issued, _)| claims.iat <= *issued)
            || self.has_old_version(claims.sub, claims.av)
            || claims.iat.seconds() <= self.all_up_to.load(Ordering::Relaxed)
    }

    /// Returns whether a session was revoked, or whether its user's authorization version is now higher than `version`.
    /// If so, the flow was overtaken: tokens created from rows read earlier must not be returned.
    pub fn invalidated_since(&self, session: SessionId, user: UserId, version: i64) -> bool {
        self.sessions.pin().contains_key(&session) || self.has_old_version(user, version)
    }

    /// Returns whether `version` is lower than the lowest accepted authorization version of the user.
    fn has_old_version(&self, user: UserId, version: i64) -> bool {
        self.versions.pin().get(&user).is_some_and(|(lowest, _)| version < *lowest)
    }

    /// Removes the entries whose `until` is before `now`.
    pub fn sweep(&self, now: UnixTime) {
        self.sessions.pin().retain(|_, until| now <= *until);
        self.tokens.pin().retain(|_, until| now <= *until);
        self.tokens_up_to.pin().retain(|_, (_, until)| now <= *until);
        self.versions.pin().retain(|_, (_, until)| now <= *until);
        // Before `all_up_to` the clock was set back. Then no new token would be accepted.
        if now.seconds() < self.all_up_to.load(Ordering::Relaxed) {
            self.all_up_to.store(0, Ordering::Relaxed);
        }
    }
}
