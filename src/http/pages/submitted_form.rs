//! A form as it was sent: what its fields mean, and what was typed, to show it again beside what was wrong.

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

/// Characters of a typed text that are shown again.
const MAX_SHOWN: usize = 254;

/// A form of one of our pages.
#[derive(Debug)]
pub struct SubmittedForm<T> {
    /// The hidden field that only our own page can fill.
    pub csrf_token: String,
    /// Where to go afterwards, unread.
    pub next: String,
    /// What was typed as the name.
    pub username: String,
    /// What was typed as the address.
    pub email: String,
    /// What the fields mean, or what is wrong with them.
    pub fields: Result<T, ApiError>,
}

impl<T: FromFields> FromFields for SubmittedForm<T> {
    const FIELDS: &'static [Field] = T::FIELDS;

    const SHARED_FIELDS: &'static [Field] = &[
        optional("csrf_token", Kind::Opaque, "The hidden field that only our own page can fill."),
        optional("next", Kind::Opaque, "Where to go afterwards."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let parsed = T::read(fields, vestibule);
        let errors = fields.take_errors();
        // Not every form asks for names.
        let shown = |name: &str| {
            let typed = if fields.declares(name) { fields.typed(name) } else { "" };
            typed.chars().take(MAX_SHOWN).collect()
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

/// A form that has nothing but its button.
#[derive(Debug)]
pub struct Button;

impl FromFields for Button {
    const FIELDS: &'static [Field] = &[];

    fn read(_: &mut Fields, _: &Vestibule) -> Option<Self> {
        Some(Self)
    }
}
