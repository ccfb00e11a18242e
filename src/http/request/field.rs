//! The declarations of the fields of a body. The reader (`body`) and the API description (`openapi`) use them. Reading a field
//! that is not declared panics in debug builds, so a test finds it.

/// A field of a JSON body or of a form.
#[derive(Debug)]
pub struct Field {
    /// The name of the field.
    pub name: &'static str,
    /// The kind of the field's value.
    pub kind: Kind,
    /// Whether the field is required in every case. It is `false` for a field that is required only together with, or instead
    /// of, another field.
    pub is_required: bool,
    /// The meaning of the field, for the API description.
    pub description: &'static str,
}

/// The kind of a field's value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text of at most this number of characters.
    Text(usize),
    /// A password of an account.
    Password,
    /// A password that an account is to have. It has at least as many characters as the settings demand.
    NewPassword,
    /// An id that this server created.
    Id,
    /// A text of any form, such as a token that a client sends back unchanged.
    Opaque,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// The fingerprint: a JSON object.
    Fingerprint,
    /// `true` or `false`.
    Boolean,
    /// A whole number from 1 to this one. In a query, as text.
    Number(u32),
    /// A list of texts. In a form, words, or several fields of the same name.
    Texts,
    /// A JSON object. In a form, its text.
    Object,
}

/// Declares a field that every body must have.
pub const fn required(name: &'static str, kind: Kind, description: &'static str) -> Field {
    Field { name, kind, is_required: true, description }
}

/// Declares a field that may be absent or null.
pub const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Field {
    Field { name, kind, is_required: false, description }
}
