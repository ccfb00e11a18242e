//! The values of placeholders. A value has one of four types that every engine has.

/// A value that is bound to a placeholder.
pub enum Value {
    /// A number, or an instant in seconds since 1970. `None` is SQL's null.
    Int(Option<i64>),
    /// A boolean.
    Bool(bool),
    /// A text. `None` is SQL's null.
    Text(Option<String>),
    /// Bytes.
    Blob(Vec<u8>),
}

macro_rules! values {
    ($($from:ty => $value:expr),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from(content: $from) -> Self {
                $value(content)
            }
        })*
    };
}

values! {
    i64 => |number| Self::Int(Some(number)),
    Option<i64> => Self::Int,
    bool => Self::Bool,
    String => |text| Self::Text(Some(text)),
    Option<String> => Self::Text,
    &String => |text: &String| Self::Text(Some(text.clone())),
    &str => |text: &str| Self::Text(Some(text.to_owned())),
    Option<&str> => |text: Option<&str>| Self::Text(text.map(str::to_owned)),
    &[u8] => |bytes: &[u8]| Self::Blob(bytes.to_vec()),
}
