//! How long sessions live, how they are refreshed, and what a revocation reaches.

use super::{
    Lifetime, Seconds, Tokens,
    reader::{Read, Reader},
    setting::vocabulary,
};

/// Within the grace a copy of an old refresh token is answered, so it can't be long.
const LONGEST_GRACE: Seconds = Seconds::new(600);

vocabulary! {
    /// What a revocation reaches.
    pub Blacklist {
        /// Access and refresh tokens, at once.
        Both = "BLACKLIST_BOTH",
        /// Refresh tokens; access tokens of a revoked session live to their end.
        Refresh = "BLACKLIST_REFRESH",
    }
}

/// How long sessions live, how they are refreshed, and what a revocation reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sessions {
    /// The idle limit: each refresh starts it anew. At most `session_lifetime`.
    pub refresh_token_lifetime: Lifetime,
    /// The absolute limit.
    pub session_lifetime: Lifetime,
    /// Whether each refresh gives a new refresh token.
    pub rotate: bool,
    /// How long the token before the current one is still answered; at most ten minutes.
    pub reuse_grace: Seconds,
    /// What a revocation reaches.
    pub blacklist: Blacklist,
}

impl Sessions {
    pub(super) fn read(reader: &mut Reader, tokens: Read<&Tokens>) -> Read<Self> {
        let mut refresh = reader.read::<Lifetime>("refresh_token_lifetime");
        let session = reader.read::<Lifetime>("session_lifetime");
        let rotate = reader.read("rotate_refresh_tokens");
        let reuse_grace = reader.within("refresh_reuse_grace", Seconds::new(0)..=LONGEST_GRACE);
        let enabled = reader.read("blacklist_enabled");
        let strategy = reader.read("blacklist_strategy");

        if let (Ok(tokens), Ok(lifetime)) = (tokens, refresh) {
            let access = ("access_token_lifetime", tokens.access_token_lifetime);
            // The refresh token's own fate doesn't hang on it.
            let _ = not_longer(reader, access, ("refresh_token_lifetime", lifetime));
        }
        if let (Ok(lifetime), Ok(session)) = (refresh, session) {
            let limit = ("session_lifetime", session);
            refresh = not_longer(reader, ("refresh_token_lifetime", lifetime), limit);
        }
        Ok(Self {
            refresh_token_lifetime: refresh?,
            session_lifetime: session?,
            rotate: rotate?,
            reuse_grace: reuse_grace?,
            blacklist: if enabled? { strategy? } else { Blacklist::Refresh },
        })
    }
}

/// Refuses the first of two settings where it is longer than the second.
pub(super) fn not_longer(
    reader: &mut Reader,
    (key, lifetime): (&str, Lifetime),
    (limit_key, limit): (&str, Lifetime),
) -> Read<Lifetime> {
    if lifetime <= limit {
        return Ok(lifetime);
    }
    let limit = reader.describe(limit_key);
    Err(reader.refuse(key, format!("must not be longer than {limit}")))
}
