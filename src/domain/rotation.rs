//! What a refresh token gets: one `match` over row, token and time, without a side effect.

use super::{
    UnixTime,
    generations::Standing,
    session::{Session, SessionState},
};

/// Whether the fingerprint of a refresh fits the session.
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
    /// It was made before the last password change: `token_revoked`. The session is kept, because another tab of
    /// the person who changed the password may have sent it.
    RefuseOutdated,
    /// It came back after the grace: `refresh_reused`, and the session ends.
    RefuseReused,
    /// Another device: `device_mismatch`.
    RefuseDevice,
}

/// Returns what a refresh token gets: the table "Rotation" of the contract. Signature, time and issuer were checked before, by
/// [`super::refresh_token::RefreshTokens::verify`].
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
