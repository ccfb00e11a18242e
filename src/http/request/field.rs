//! The declarations of the fields of a body, for the reader (`body`) and the API description (`openapi`). Reading a field
//! that is not declared panics in debug builds, and so in every test.

/// A field of a JSON body or of a form.
#[derive(Debug)]
pub struct Field {
    /// The name of the field.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// Whether every body without the field is refused, whatever other fields the body has.
    pub is_required: bool,
    /// The meaning of the field, for the API description.
    pub description: &'static str,
}

/// The kind of a field's value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text of at most this number of characters.
    Text(usize),
    /// A password.
    Password,
    /// An id that this server created.
    Id,
    /// A text without a documented form, such as a token that a client sends back unchanged.
    Opaque,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// The fingerprint object.
    Fingerprint,
}

/// Declares a field that every body must have.
pub const fn required(name: &'static str, kind: Kind, description: &'static str) -> Field {
    Field { name, kind, is_required: true, description }
}

/// Declares a field that may be absent or null.
pub const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Field {
    Field { name, kind, is_required: false, description }
}
