//! A submitted form: its parsed fields, and the typed text, which is displayed again together with the errors.

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

/// The maximum number of characters of a typed text that are displayed again.
const MAX_REDISPLAYED_CHARS: usize = 254;

/// A form of one of the pages.
#[derive(Debug)]
pub struct SubmittedForm<T> {
    /// The CSRF token in a hidden field, which only a page of this server can fill.
    pub csrf_token: String,
    /// The address to go to afterwards, not yet checked.
    pub next: String,
    /// The text typed as the username.
    pub username: String,
    /// The text typed as the email address.
    pub email: String,
    /// The parsed fields, or the error that names the invalid fields.
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
        optional("next", Kind::Opaque, "The address to go to afterwards."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let parsed = T::read(fields, vestibule);
        let errors = fields.take_errors();
        // Not every form has these fields.
        let shown = |name: &str| {
            let typed = if fields.declares(name) { fields.typed(name) } else { "" };
            typed.chars().take(MAX_REDISPLAYED_CHARS).collect()
        };
        Some(Self {
            csrf_token: fields.typed("csrf_token").to_owned(),
            next: fields.typed("next").to_owned(),
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
