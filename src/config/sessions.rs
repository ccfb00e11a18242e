//! How long sessions live, how they are refreshed, and what a revocation reaches.

use super::{
    declare::settings,
    reader::{Read, Reader},
    setting::vocabulary,
    tokens::TokenKeys,
};
use crate::domain::span::{Lifetime, Seconds};

/// Within the grace a copy of an old refresh token is answered, so it can't be long.
const LONGEST_GRACE: Seconds = Seconds::new(600).expect("ten minutes are a span");

vocabulary! {
    /// What a revocation reaches.
    pub Blacklist {
        /// Access and refresh tokens, at once.
        Both = "BLACKLIST_BOTH",
        /// Refresh tokens. Access tokens of a revoked session live to their end.
        Refresh = "BLACKLIST_REFRESH",
    }
}

settings! {
    /// Lifetime, rotation and revocation of sessions.
    pub struct Sessions, SessionKeys in "sessions", |reader| {
        /// How long a session lives after its last refresh.
        #[key("refresh_token_lifetime", default = "7d", main = true)]
        refresh_token_lifetime: Lifetime,
        /// How long a session lives at most, however often it is refreshed.
        #[key("session_lifetime", default = "90d", main = true)]
        session_lifetime: Lifetime,
        /// Whether each refresh gives a new refresh token.
        #[key("rotate_refresh_tokens", default = true, main = true)]
        rotate: bool,
        /// How long a refresh token is still answered after it was rotated, at most `10m`.
        #[key("refresh_reuse_grace", default = "30s", main = true)]
        #[read(within = Seconds::ZERO..=LONGEST_GRACE)]
        reuse_grace: Seconds,
        /// `false` is the same as the strategy `BLACKLIST_REFRESH`.
        #[key("blacklist_enabled", default = true)]
        blacklist_enabled: bool,
        /// What a revocation reaches: `BLACKLIST_BOTH`, or `BLACKLIST_REFRESH`, under which access tokens of a revoked session
        /// live to their end.
        #[key("blacklist_strategy", default = "BLACKLIST_BOTH", main = true)]
        blacklist_strategy: Blacklist,
        then {
            /// What a revocation reaches: `blacklist_strategy`, unless `blacklist_enabled` is `false`.
            blacklist: Blacklist = match blacklist_enabled {
                Ok(false) => Ok(Blacklist::Refresh),
                _ => blacklist_strategy,
            },
        }
    }
}

impl SessionKeys {
    /// Refuses lifetimes that are longer than the lifetime around them.
    pub(super) fn check(&self, reader: &mut Reader, tokens: &TokenKeys) {
        let access = ("access_token_lifetime", tokens.access_token_lifetime);
        let refresh = ("refresh_token_lifetime", self.refresh_token_lifetime);
        refuse_longer(reader, access, refresh);
        refuse_longer(reader, refresh, ("session_lifetime", self.session_lifetime));
    }
}

/// Refuses the first of two settings if it is longer than the second.
pub(super) fn refuse_longer(
    reader: &mut Reader,
    (key, lifetime): (&str, Read<Lifetime>),
    (limit_key, limit): (&str, Read<Lifetime>),
) {
    if let (Ok(lifetime), Ok(limit)) = (lifetime, limit)
        && lifetime > limit
    {
        let limit = reader.describe(limit_key);
        reader.refuse(key, format!("must not be longer than {limit}"));
    }
}
