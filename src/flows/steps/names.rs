//! The check that an account has the names that it needs.

use crate::config::UsernameField;

/// Checks that an account has the names that the setting `username_field` requires.
///
/// # Errors
/// The name of the missing request field, and the rest of a sentence that begins with this name.
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
