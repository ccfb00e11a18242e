//! The lifetime, rotation and revocation of sessions.

use super::{declare::settings, reader::Reader, tokens::TokenKeys};
use crate::config::{Blacklist, Lifetime, Seconds};

/// The maximum of `refresh_reuse_grace`. During the grace, a stolen copy of a superseded refresh token is accepted, so the
/// grace must be short.
const LONGEST_GRACE: Seconds = Seconds::new(600).expect("ten minutes are a span");

settings! {
    /// The lifetime, rotation and revocation of sessions.
    pub struct Sessions, SessionKeys in "sessions", |reader, tokens: &TokenKeys| check {
        /// How long a session lives after its login, its last rotation or its last password change. At most `session_lifetime`.
        /// Without `rotate_refresh_tokens`, a refresh does not extend it.
        #[key("refresh_token_lifetime", default = "7d", main = true)]
        refresh_token_lifetime: Lifetime,
        /// How long a session lives at most, even if it is refreshed regularly. After that, the user must log in again.
        #[key("session_lifetime", default = "90d", main = true)]
        session_lifetime: Lifetime,
        /// Whether each refresh issues a new refresh token, which replaces the old refresh token.
        #[key("rotate_refresh_tokens", default = true, main = true)]
        rotate: bool,
        /// How long a refresh token is still accepted after it was replaced, at most `10m`. It is for clients that refresh
        /// twice at the same time or lose a response. After that, a reuse ends the session.
        #[key("refresh_reuse_grace", default = "30s", main = true)]
        #[within(Seconds::ZERO..=LONGEST_GRACE)]
        reuse_grace: Seconds,
        /// Whether the access tokens of a revoked session are refused. `false` has the same effect as `blacklist_strategy`
        /// `BLACKLIST_REFRESH`.
        #[key("blacklist_enabled", default = true)]
        blacklist_enabled: bool,
        /// The tokens that a revocation of a session invalidates. `BLACKLIST_BOTH`: access tokens and refresh tokens, at once.
        /// `BLACKLIST_REFRESH`: only refresh tokens; access tokens are accepted until they expire.
        #[key("blacklist_strategy", default = "BLACKLIST_BOTH", main = true)]
        blacklist_strategy: Blacklist,
        then {
            /// The tokens that a revocation invalidates: `blacklist_strategy`, or `Refresh` if `blacklist_enabled` is `false`.
            blacklist: Blacklist = match blacklist_enabled {
                Ok(false) => Ok(Blacklist::Refresh),
                _ => blacklist_strategy,
            },
        }
    }
}

impl SessionKeys {
    /// Refuses an access token lifetime above the refresh token lifetime, and a refresh token lifetime above the session
    /// lifetime.
    fn check(&self, reader: &mut Reader, tokens: &TokenKeys) {
        reader.check("access_token_lifetime", "must not be longer than {refresh_token_lifetime}", || {
            Ok(tokens.access_token_lifetime? > self.refresh_token_lifetime?)
        });
        reader.check("refresh_token_lifetime", "must not be longer than {session_lifetime}", || {
            Ok(self.refresh_token_lifetime? > self.session_lifetime?)
        });
    }
}
