//! The closed list of words in the field `reason` of a 401.

/// Why a token that this server signed is refused, where the code alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is older than the last change of the password.
    PasswordChanged,
}

impl Reason {
    /// The word in the field `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
        }
    }
}
