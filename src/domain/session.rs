//! Sessions. A session is one sign-in on one device. It ends when the user logs out, when it is revoked, or when it
//! expires.

use super::{
    DeviceRowId, Scope, SessionId, UnixTime, UserId, device::SealedFingerprint, generations::Generations,
    mismatches::Mismatches,
};

/// The number of consecutive wrong passwords that end a session. Wrong passwords at `/fresh`, at a password change and
/// at the deletion of the account are counted together.
pub const MAX_FAILED_PROOFS: u32 = 5;

/// The number of access tokens of a session that can be revoked alone. The server remembers each of them. A later revocation of
/// an access token also revokes the access tokens of the session that were issued before it or in the same second, so the
/// server remembers only one time.
pub const MAX_REVOKED_TOKENS: u32 = 16;

/// A session, as the database stores it.
#[derive(Clone, Debug)]
pub struct Session {
    /// The id of the session: the `sid` of its tokens.
    pub id: SessionId,
    /// The user.
    pub user_id: UserId,
    /// The client that opened the session.
    pub client_id: String,
    /// The device of the session. `None` if the device was deleted, or if an application created the session in code.
    pub device: Option<DeviceRowId>,
    /// The scope that the login requested. It limits the permissions of the session's tokens. `None` if the login
    /// requested no scope.
    pub scope: Option<Scope>,
    /// The name of the device in the user's list of sessions.
    pub device_name: Option<String>,
    /// The `User-Agent` of the last login or refresh.
    pub user_agent: Option<String>,
    /// The IP address of the last login or refresh.
    pub ip: Option<String>,
    /// The time of the login that opened the session.
    pub created_at: UnixTime,
    /// The time of the last login or refresh.
    pub last_used_at: UnixTime,
    /// The absolute end of the session. No refresh extends this time.
    pub expires_at: UnixTime,
    /// The end of the session if no refresh follows: the `exp` of the current refresh token. Each rotation extends this
    /// time, at most to `expires_at`.
    pub refresh_expires_at: UnixTime,
    /// The generations of the session's refresh tokens.
    pub generations: Generations,
    /// The latest `exp` of the access tokens that were issued for the session. A revocation of the session is
    /// remembered until then.
    pub access_expires_at: UnixTime,
    /// The time at which the user last proved a password in the session.
    pub auth_time: UnixTime,
    /// The number of wrong passwords in the session since the last correct password.
    pub failed_proofs: u32,
    /// The refreshes from another device.
    pub mismatches: Mismatches,
    /// The last repeat from elsewhere. `None` if there was none.
    pub repeated: Option<RepeatFromElsewhere>,
    /// The baseline: the sealed fingerprint with which the fingerprint of each refresh is compared. `None` if the
    /// session has no fingerprint.
    pub fingerprint: Option<SealedFingerprint>,
    /// Whether a request of the session has brought the secret of its device. Then a refresh without the secret is not told it:
    /// it may come from a thief of the refresh token.
    pub device_seen: bool,
    /// The time at which the session was revoked. `None` if it was not revoked.
    pub revoked_at: Option<UnixTime>,
    /// The reason for the revocation: a name of [`RevokeReason`]. `None` if the session was not revoked.
    pub revoked_reason: Option<String>,
}

/// A repeat from elsewhere: a request with a superseded token, within the grace, from another IP address or user agent than the
/// last login or refresh. A repeat that was refused because it lacked the secret of the device also counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatFromElsewhere {
    /// The time of the repeat.
    pub at: UnixTime,
    /// The IP address from which it came. `None` if it is unknown.
    pub ip: Option<String>,
}

/// The state of a session at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The session is active: it can be refreshed.
    Live,
    /// The session was revoked: by a logout, a user, an admin, a client or the server.
    Revoked,
    /// The session was not revoked, and `refresh_expires_at` or `expires_at` has passed.
    Expired,
}

impl Session {
    /// Returns the state at `now`. The session is expired from the earlier of `refresh_expires_at` and `expires_at` on,
    /// including this second.
    pub fn state(&self, now: UnixTime) -> SessionState {
        if self.revoked_at.is_some() {
            SessionState::Revoked
        } else if now >= self.refresh_expires_at || now >= self.expires_at {
            SessionState::Expired
        } else {
            SessionState::Live
        }
    }

    /// Returns whether the session is bound to its device: it has a baseline, and [`SealedFingerprint::can_bind`] is true for
    /// this baseline.
    pub fn is_bound(&self) -> bool {
        self.fingerprint.as_ref().is_some_and(SealedFingerprint::can_bind)
    }
}

/// The reason for which a session was revoked.
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
    Restored,
}

impl RevokeReason {
    const ALL: [Self; 15] = [
        Self::Logout,
        Self::LogoutAll,
        Self::RevokedByUser,
        Self::RevokedByAdmin,
        Self::PasswordChanged,
        Self::UserDisabled,
        Self::UserDeleted,
        Self::RefreshReused,
        Self::DeviceMismatch,
        Self::DeviceReplaced,
        Self::DeviceEvicted,
        Self::WrongPasswords,
        Self::SecretLost,
        Self::RevokedByClient,
        Self::Restored,
    ];

    /// Returns the reason with this name in the database; `None` for another text.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Returns the name that the database stores.
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
            Self::Restored => "restored",
        }
    }
}
