//! What a refresh token gets: one `match` over row, token and time, without a side effect.

use super::{
    UnixTime,
    generations::GenerationState,
    session::{Session, SessionState},
};

/// Whether the fingerprint of a refresh fits the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The session is not bound, or the device is the one it is bound to.
    Matches,
    /// Another device, or none was given.
    Mismatched,
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
    RefuseEnded,
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
    policy: RotationPolicy,
) -> Decision {
    let standing = session.generations.state(generation, now, policy.grace);
    match (session.state(now), user_is_active, standing, binding) {
        (SessionState::Revoked | SessionState::Expired, ..) | (_, false, ..) => Decision::RefuseEnded,
        (SessionState::Live, true, GenerationState::Outdated, _) => Decision::RefuseOutdated,
        (SessionState::Live, true, GenerationState::Reused, _) => Decision::RefuseReused,
        (SessionState::Live, true, _, Binding::Mismatched) => Decision::RefuseDevice,
        (SessionState::Live, true, GenerationState::Superseded, Binding::Matches) => Decision::Repeat,
        (SessionState::Live, true, GenerationState::Current, Binding::Matches) if policy.rotate => Decision::Rotate,
        (SessionState::Live, true, GenerationState::Current, Binding::Matches) => Decision::Keep,
    }
}

/// The settings that the table depends on.
#[derive(Clone, Copy, Debug)]
pub struct RotationPolicy {
    /// `rotate_refresh_tokens`.
    pub rotate: bool,
    /// `refresh_reuse_grace`, in seconds.
    pub grace: i64,
}
