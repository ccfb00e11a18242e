//! The declaration of a body's fields. The reader (`body`) and the API description (`openapi`) both use it: a field that is read
//! without being declared panics in debug builds, and so in every test.

/// One field of a JSON body, or of a form.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether a body without it is refused, whatever else the body has.
    pub is_required: bool,
    /// What it means, for the API description.
    pub description: &'static str,
}

/// What the value of a field may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text of up to so many characters.
    Text(usize),
    /// A password.
    Password,
    /// An id of ours.
    Id,
    /// A token, or another secret that a client gives back as it got it.
    Opaque,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// The fingerprint object.
    Fingerprint,
}

/// Declares a field without which the body is refused.
pub const fn required(name: &'static str, kind: Kind, description: &'static str) -> Field {
    Field { name, kind, is_required: true, description }
}

/// Declares a field that may be absent, or null.
pub const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Field {
    Field { name, kind, is_required: false, description }
}
