//! A session: one sign-in on one device, from login to logout, revocation or the end of its time.

use super::{DeviceRow, Scope, SessionId, UnixTime, UserId, device::SealedFingerprint, generations::Generations};

/// Wrong passwords at `/fresh`, password change or deletion that end a session.
pub const MAX_FAILED_PROOFS: u32 = 5;

/// Refreshes from another device in a row that end a session.
pub const MAX_MISMATCHES: u32 = 3;

/// A session as stored.
#[derive(Clone, Debug)]
pub struct Session {
    /// The `sid` of its tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Through which client it was opened.
    pub client_id: String,
    /// The device it is on; none once the device was forgotten.
    pub device: Option<DeviceRow>,
    /// What its tokens say at most of the user's permissions; none where the login asked for nothing in particular.
    pub scope: Option<Scope>,
    /// What the person reads in their list.
    pub device_name: Option<String>,
    /// `User-Agent` at the last login or refresh.
    pub user_agent: Option<String>,
    /// Address at the last login or refresh.
    pub ip: Option<String>,
    /// When it was opened.
    pub created_at: UnixTime,
    /// The last login or refresh.
    pub last_used_at: UnixTime,
    /// The end that no refresh moves.
    pub expires_at: UnixTime,
    /// The end that each rotation moves, and the `exp` of the current refresh token.
    pub refresh_expires_at: UnixTime,
    /// Which refresh token is the current one.
    pub generations: Generations,
    /// The greatest `exp` of the access tokens it gave out.
    pub access_expires_at: UnixTime,
    /// When a password was last proved in it.
    pub auth_time: UnixTime,
    /// Wrong passwords in it since the last right one.
    pub failed_proofs: u32,
    /// Refreshes from another device in a row.
    pub mismatches: u32,
    /// What the fingerprint is compared with; none in a session without.
    pub fingerprint: Option<SealedFingerprint>,
    /// Whether it was ended, and when.
    pub revoked_at: Option<UnixTime>,
    /// Why it was ended.
    pub revoked_reason: Option<String>,
}

/// What a session is at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It refreshes.
    Live,
    /// Somebody or something ended it.
    Revoked,
    /// Its idle or absolute time is over.
    Expired,
}

impl Session {
    /// The state at `now`. A session is over in the second that its end names.
    pub fn state(&self, now: UnixTime) -> SessionState {
        if self.revoked_at.is_some() {
            SessionState::Revoked
        } else if now >= self.refresh_expires_at || now >= self.expires_at {
            SessionState::Expired
        } else {
            SessionState::Live
        }
    }

    /// Whether the list shows it as bound to its device.
    pub fn is_bound(&self) -> bool {
        self.fingerprint.as_ref().is_some_and(SealedFingerprint::can_bind)
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RevokeReason {
    Logout,
    LogoutAll,
    RevokedByUser,
    RevokedByAdmin,
    PasswordChanged,
    UserDisabled,
    UserDeleted,
    RefreshReused,
    DeviceMismatch,
    DeviceReplaced,
    DeviceEvicted,
    WrongPasswords,
    SecretLost,
    RevokedByClient,
}

impl RevokeReason {
    /// The word that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::RevokedByUser => "revoked_by_user",
            Self::RevokedByAdmin => "revoked_by_admin",
            Self::PasswordChanged => "password_changed",
            Self::UserDisabled => "user_disabled",
            Self::UserDeleted => "user_deleted",
            Self::RefreshReused => "refresh_reused",
            Self::DeviceMismatch => "device_mismatch",
            Self::DeviceReplaced => "device_replaced",
            Self::DeviceEvicted => "device_evicted",
            Self::WrongPasswords => "wrong_passwords",
            Self::SecretLost => "secret_lost",
            Self::RevokedByClient => "revoked_by_client",
        }
    }
}
