//! The closed list of values of the field `reason` in a 401.

/// The reason for which a token that this server signed is refused. It is sent if the client must know more than the error
/// code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The token is older than the last change of the password.
    PasswordChanged,
}

impl Reason {
    /// Returns the value of the field `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
        }
    }
}
