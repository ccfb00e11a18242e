//! The access tokens that count as expired before their `exp`. Only the workbench of the profile `dev` asks for it; otherwise
//! the map is empty. It is read without a lock.

use papaya::HashMap;

use crate::domain::{AccessClaims, SessionId, UnixTime};

/// The sessions of which access tokens have expired early, each with the time before which these tokens were issued.
#[derive(Default)]
pub struct EarlyExpiries(HashMap<SessionId, UnixTime>);

impl EarlyExpiries {
    /// Lets the access tokens of a session that were issued before `before` expire.
    pub fn expire(&self, session: SessionId, before: UnixTime) {
        self.0.pin().insert(session, before);
    }

    /// Returns whether a token has expired early.
    pub fn covers(&self, claims: &AccessClaims) -> bool {
        self.0.pin().get(&claims.sid).is_some_and(|before| claims.iat < *before)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.pin().clear();
    }
}
