//! The names that an account must have.

use crate::config::UsernameField;

/// Checks that an account has the names that the setting `username_field` requires.
///
/// # Errors
/// The missing field, and the end of a sentence about it.
pub fn check_names(
    field: UsernameField,
    has_username: bool,
    has_email: bool,
) -> Result<(), (&'static str, &'static str)> {
    match (field, has_username, has_email) {
        (UsernameField::Username, false, _) => Err(("username", "is required")),
        (UsernameField::Email, _, false) => Err(("email", "is required")),
        (UsernameField::Either, false, false) => Err(("username", "is required, or an email")),
        _ => Ok(()),
    }
}
