//! The decision on a refresh token, as one `match` over the states of the session, the user, the token and the device.
//! It has no side effects.

use super::{
    UnixTime,
    generations::GenerationState,
    session::{Session, SessionState},
};

/// The result of the check of the device that sends a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceMatch {
    /// The fingerprint matches, drifts or is not judged, or the setting `fingerprint_policy` permits a mismatch.
    Matches,
    /// The fingerprint belongs to another device, or the request has no fingerprint although the session requires one.
    Mismatched,
}

/// What a refresh request presents.
#[derive(Clone, Copy, Debug)]
pub struct Presented {
    /// The generation of the refresh token.
    pub generation: i64,
    /// The result of the check of the fingerprint.
    pub binding: DeviceMatch,
    /// Whether the request brings the secret of the session's device.
    pub with_device: bool,
}

/// The decision on a refresh request. The flow carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The successor of the refresh token is issued, with a new access token.
    Rotate,
    /// The presented token was superseded within the grace. The session's current refresh token is returned again, with
    /// a new access token. The token is not rotated.
    Repeat,
    /// The presented refresh token is returned, with a new access token, because rotation is off.
    Keep,
    /// The request is refused with `token_revoked`: the session has ended, or its user is disabled or deleted.
    RefuseEnded,
    /// The request is refused with `token_revoked`: the token was issued before the last password change. The session
    /// does not end, because the request may come from another tab of the user who changed the password.
    RefuseOutdated,
    /// The request is refused with `refresh_reused` and the session ends: the token was superseded, and it was
    /// presented again after the grace.
    RefuseReused,
    /// The request is refused with `invalid_token`, and nothing ends: the token was superseded within the grace by a
    /// rotation that brought the device's secret, which this request does not bring.
    RefuseWithoutDevice,
    /// The request is refused with `device_mismatch`: it comes from another device.
    RefuseDevice,
}

/// Returns the decision on a refresh token, by the table "Rotation" of `docs/contract/http-api.md`.
/// [`super::refresh_token::RefreshTokens::verify`] has already checked the signature, the issuer and the expiry of the
/// token.
pub fn decide(
    session: &Session,
    user_is_active: bool,
    presented: Presented,
    now: UnixTime,
    policy: RotationPolicy,
) -> Decision {
    let generation_state = session.generations.state(presented.generation, now, policy.grace);
    match (session.state(now), user_is_active, generation_state, presented.binding) {
        (SessionState::Revoked | SessionState::Expired, ..) | (_, false, ..) => Decision::RefuseEnded,
        // Outdated and reused tokens are refused before the device is considered. So reuse ends the session from any
        // device.
        (SessionState::Live, true, GenerationState::Outdated, _) => Decision::RefuseOutdated,
        (SessionState::Live, true, GenerationState::Reused, _) => Decision::RefuseReused,
        (SessionState::Live, true, GenerationState::Superseded { with_device: true }, _) if !presented.with_device => {
            Decision::RefuseWithoutDevice
        }
        (SessionState::Live, true, _, DeviceMatch::Mismatched) => Decision::RefuseDevice,
        (SessionState::Live, true, GenerationState::Superseded { .. }, DeviceMatch::Matches) => Decision::Repeat,
        (SessionState::Live, true, GenerationState::Current, DeviceMatch::Matches) if policy.rotate => Decision::Rotate,
        (SessionState::Live, true, GenerationState::Current, DeviceMatch::Matches) => Decision::Keep,
    }
}

/// The settings on which the decision depends.
#[derive(Clone, Copy, Debug)]
pub struct RotationPolicy {
    /// `rotate_refresh_tokens`: whether a refresh issues a new refresh token.
    pub rotate: bool,
    /// `refresh_reuse_grace`, in seconds: how long a superseded refresh token is still accepted.
    pub grace: i64,
}
