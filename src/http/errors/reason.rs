//! The closed list of values of the field `reason`. It tells a client why a token that this server signed is refused, or why
//! its session has ended.

use crate::domain::{
    UnixTime,
    session::{RevokeReason, Session, SessionState},
};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The reason for which a token that this server signed is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason.
            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the value of the field `reason`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

reasons! {
    /// The user has signed out.
    LoggedOut = "logged_out",
    /// A login on the same device has replaced the session.
    Replaced = "replaced",
    /// The user signed in on too many devices, and this session was ended to make room.
    Evicted = "evicted",
    /// The password was changed: the session was ended, or the token is older than the change.
    PasswordChanged = "password_changed",
    /// The account is disabled.
    Disabled = "disabled",
    /// A superseded refresh token was presented after the grace.
    Reused = "reused",
    /// Too many refreshes sent the fingerprint of another device.
    Device = "device",
    /// The token or its session has expired.
    Expired = "expired",
    /// The token or its session was revoked in another way.
    Revoked = "revoked",
}

impl Reason {
    /// Returns the reason for which a token of `session` is refused at `now`. `token_has_expired` is whether the token itself
    /// has expired. `session` is `None` if its row was deleted.
    pub fn of_session(session: Option<&Session>, now: UnixTime, token_has_expired: bool) -> Self {
        match session.map(|session| (session.state(now), session.revoked_reason.as_deref())) {
            Some((SessionState::Revoked, name)) => {
                name.and_then(RevokeReason::of_name).map_or(Self::Revoked, Self::from)
            }
            Some((SessionState::Expired, _)) => Self::Expired,
            Some((SessionState::Live, _)) | None if token_has_expired => Self::Expired,
            Some((SessionState::Live, _)) | None => Self::Revoked,
        }
    }

    /// Returns the reason for which a session has ended; `None` if it is live. `session` is `None` if its row was deleted.
    pub fn of_ended(session: Option<&Session>, now: UnixTime) -> Option<Self> {
        let is_live = session.is_some_and(|session| session.state(now) == SessionState::Live);
        (!is_live).then(|| Self::of_session(session, now, false))
    }
}

impl From<RevokeReason> for Reason {
    fn from(reason: RevokeReason) -> Self {
        match reason {
            RevokeReason::Logout | RevokeReason::LogoutAll => Self::LoggedOut,
            RevokeReason::DeviceReplaced => Self::Replaced,
            RevokeReason::DeviceEvicted => Self::Evicted,
            RevokeReason::PasswordChanged => Self::PasswordChanged,
            RevokeReason::UserDisabled => Self::Disabled,
            RevokeReason::RefreshReused => Self::Reused,
            RevokeReason::DeviceMismatch => Self::Device,
            RevokeReason::RevokedByUser
            | RevokeReason::RevokedByAdmin
            | RevokeReason::UserDeleted
            | RevokeReason::WrongPasswords
            | RevokeReason::SecretLost
            | RevokeReason::Restored
            | RevokeReason::RevokedByClient => Self::Revoked,
        }
    }
}
