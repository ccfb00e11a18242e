//! The decision on a refresh token: one `match` over the session's row, the token and the time, without side effects.

use super::{
    UnixTime,
    generations::GenerationState,
    session::{Session, SessionState},
};

/// The comparison of the device that sends a refresh with the device of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceMatch {
    /// The session is not bound to a device, or the device is the one that it is bound to.
    Matches,
    /// The device is another one, or the request has no fingerprint.
    Mismatched,
}

/// The result of a refresh request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The successor of the refresh token is issued.
    Rotate,
    /// The session's current refresh token is returned again, with a new access token. Nothing rotates.
    Repeat,
    /// The same refresh token is returned, because rotation is off.
    Keep,
    /// The request is refused with `token_revoked`: the session has ended, or its user is disabled or deleted.
    RefuseEnded,
    /// The request is refused with `token_revoked`: the token was issued before the last password change. The session
    /// is kept, because the token may come from another tab of the user who changed the password.
    RefuseOutdated,
    /// The request is refused with `refresh_reused` and the session ends: the token was presented again after the
    /// grace.
    RefuseReused,
    /// The request is refused with `device_mismatch`: the device is another one.
    RefuseDevice,
}

/// Returns the decision on a refresh token, by the table "Rotation" of `docs/contract/http-api.md`.
/// [`super::refresh_token::RefreshTokens::verify`] has already checked signature, issuer and expiry.
pub fn decide(
    session: &Session,
    user_is_active: bool,
    generation: i64,
    binding: DeviceMatch,
    now: UnixTime,
    policy: RotationPolicy,
) -> Decision {
    let standing = session.generations.state(generation, now, policy.grace);
    match (session.state(now), user_is_active, standing, binding) {
        (SessionState::Revoked | SessionState::Expired, ..) | (_, false, ..) => Decision::RefuseEnded,
        (SessionState::Live, true, GenerationState::Outdated, _) => Decision::RefuseOutdated,
        (SessionState::Live, true, GenerationState::Reused, _) => Decision::RefuseReused,
        (SessionState::Live, true, _, DeviceMatch::Mismatched) => Decision::RefuseDevice,
        (SessionState::Live, true, GenerationState::Superseded, DeviceMatch::Matches) => Decision::Repeat,
        (SessionState::Live, true, GenerationState::Current, DeviceMatch::Matches) if policy.rotate => Decision::Rotate,
        (SessionState::Live, true, GenerationState::Current, DeviceMatch::Matches) => Decision::Keep,
    }
}

/// The settings that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct RotationPolicy {
    /// `rotate_refresh_tokens`: whether a refresh issues a new refresh token.
    pub rotate: bool,
    /// `refresh_reuse_grace`, in seconds: how long a superseded refresh token is still accepted.
    pub grace: i64,
}
