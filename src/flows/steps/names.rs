//! Which names an account must have.

use crate::config::UsernameField;

/// Which names an account must have, by `username_field`: the field that is missing, and what to say of it.
///
/// # Errors
/// The field with a sentence.
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
