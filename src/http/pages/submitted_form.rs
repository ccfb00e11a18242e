//! A submitted form: its parsed fields, and the text that the user typed. The text is displayed again together with the errors.

use crate::{
    flows::Vestibule,
    http::{
        errors::ApiError,
        request::{
            body::{Fields, FromFields},
            field::{Field, Kind, optional},
        },
    },
};

/// The maximum length of a typed text that is displayed again, in characters.
const MAX_REDISPLAYED_CHARS: usize = 254;

/// A submitted form of a page. If a field is invalid, reading the form does not fail: `fields` contains the error.
#[derive(Debug)]
pub struct SubmittedForm<T> {
    /// The value of the hidden field with the CSRF token, not yet checked. It is empty if the field is absent.
    pub csrf_token: String,
    /// The address to which the browser is redirected afterwards, not yet checked.
    pub next: String,
    /// The token of a link, as it was sent. Empty if the form has no such field.
    pub token: String,
    /// The text that was typed as the username.
    pub username: String,
    /// The text that was typed as the email address.
    pub email: String,
    /// The parsed fields, or the error that lists the invalid fields.
    pub fields: Result<T, ApiError>,
}

impl<T: FromFields> FromFields for SubmittedForm<T> {
    const FIELDS: &'static [Field] = T::FIELDS;

    const SHARED_FIELDS: &'static [Field] = &[
        optional(
            "csrf_token",
            Kind::Opaque,
            "The CSRF token in a hidden field, which only a page of this server can fill.",
        ),
        optional("next", Kind::Opaque, "The address to which the browser is redirected afterwards."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let parsed = T::read(fields, vestibule);
        let errors = fields.take_errors();
        // Not every form has the fields `username` and `email`. Reading an undeclared field would panic in debug builds.
        let shown = |name: &str| {
            let typed = if fields.declares(name) { fields.text_as_sent(name) } else { "" };
            typed.chars().take(MAX_REDISPLAYED_CHARS).collect()
        };
        Some(Self {
            csrf_token: fields.text_as_sent("csrf_token").to_owned(),
            next: fields.text_as_sent("next").to_owned(),
            token: if fields.declares("token") { fields.text_as_sent("token").to_owned() } else { String::new() },
            username: shown("username"),
            email: shown("email"),
            fields: parsed.filter(|_| errors.is_empty()).ok_or_else(|| ApiError::fields(errors)),
        })
    }
}

/// A form with a button and no other fields.
#[derive(Debug)]
pub struct Button;

impl FromFields for Button {
    const FIELDS: &'static [Field] = &[];

    fn read(_: &mut Fields, _: &Vestibule) -> Option<Self> {
        Some(Self)
    }
}
