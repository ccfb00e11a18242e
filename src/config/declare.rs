//! The macro `settings!`, which declares the keys of a section.
//!
//! A key is declared once. The declaration determines how the key is read, what `config show` prints, and the texts of
//! `Rocket.toml` and of the table in `README.md`. A test compares the two files with the declarations. The documentation of a
//! field is the public meaning of its key, so it is written for an operator who reads these files.
//!
//! With the word `check` before the keys, the method `check` is called after the keys were read. The method refuses values that
//! can't be used together.
//!
//! `#[key("name", …)]` declares the name and the options of a key. If the type of the field does not determine how the key is
//! read, there are two more attributes: `#[otherwise(EXPRESSION)]` is the value of an unset key, which follows from the keys
//! above it or from other sections, and `#[within(A..=B)]` has the bounds of a number or a span, both included. If a key has
//! both, `otherwise` comes first.
//!
//! | option of `#[key]` | meaning |
//! | --- | --- |
//! | `default = VALUE` | the value of a key that no source sets |
//! | `dev = VALUE` | the default in the profile `dev`, if it differs |
//! | `example = TEXT` | the value in `Rocket.toml` of a key without a default |
//! | `secret = true` | the value is never printed |
//! | `main = true` | the key is in the table of `README.md` |

/// Declares a section: its keys, and a struct with one field for each key. The struct `$Keys` has the same fields, and each is
/// the value or the proof that a problem was recorded. The fields after `then` have no key; their values are computed from the
/// values of the keys.
macro_rules! settings {
    ($(#[doc = $about:literal])+ pub struct $Section:ident, $Keys:ident in $section:literal,
     |$reader:ident $(, $argument:ident: $Argument:ty)*| $($check:ident)? {
        $(
            $(#[doc = $doc:literal])+
            #[key($name:literal $(, $option:ident = $value:expr)* $(,)?)]
            $(#[otherwise($otherwise:expr)])?
            $(#[within($bounds:expr)])?
            $field:ident: $Type:ty,
        )+
        $(then { $($(#[doc = $derived_doc:literal])+ $derived:ident: $Derived:ty = $from:expr,)+ })?
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $Section {
            $(
                $(#[doc = $doc])+
                ///
                #[doc = concat!("Setting: `", $name, "`." $(, $crate::config::declare::documented!($option, $value))*)]
                pub $field: $Type,
            )+
            $($($(#[doc = $derived_doc])+ pub $derived: $Derived,)+)?
        }

        pub(super) struct $Keys {
            $(pub $field: $crate::config::reader::Read<$Type>,)+
            $($(pub $derived: $crate::config::reader::Read<$Derived>,)+)?
        }

        impl $Keys {
            pub(super) const TABLE: &[$crate::config::schema::Key] = &[$($crate::config::schema::Key {
                name: $name,
                section: $section,
                meaning: concat!($($doc),+),
                $($option: $crate::config::declare::declared!($option, $value),)*
                ..$crate::config::schema::Key::EMPTY
            }),+];

            pub(super) fn read($reader: &mut $crate::config::reader::Reader $(, $argument: $Argument)*) -> Self {
                $(
                    let $field: $crate::config::reader::Read<$Type> = $reader.find($name, None $(.or(Some($otherwise)))?);
                    $(let $field = $reader.within($name, $field, &$bounds);)?
                )+
                $($(let $derived = $from;)+)?
                let keys = Self { $($field,)+ $($($derived,)+)? };
                $crate::config::declare::checked!(keys.($($check)?)($reader $(, $argument)*));
                keys
            }

            pub(super) fn complete(self) -> $crate::config::reader::Read<$Section> {
                Ok($Section { $($field: self.$field?,)+ $($($derived: self.$derived?,)+)? })
            }
        }
    };
}

/// The call of the method that checks the keys of a section, if the section has one.
macro_rules! checked {
    ($keys:ident.()($($argument:expr),+)) => {};
    ($keys:ident.($check:ident)($($argument:expr),+)) => {
        $keys.$check($($argument),+)
    };
}

/// The value of an option of `#[key(…)]` in the declaration. A default is a function, because a `Value` can't be a constant.
macro_rules! declared {
    (default, $value:expr) => {
        Some(|| figment::value::Value::from($value))
    };
    (dev, $value:expr) => {
        Some(|| figment::value::Value::from($value))
    };
    ($option:ident, $value:expr) => {
        $value
    };
}

/// The text of an option of `#[key(…)]` in the documentation of the field.
macro_rules! documented {
    (default, $value:expr) => {
        concat!(" Default: `", stringify!($value), "`.")
    };
    (dev, $value:expr) => {
        concat!(" In the profile `dev`: `", stringify!($value), "`.")
    };
    ($option:ident, $value:expr) => {
        ""
    };
}
pub(super) use {checked, declared, documented, settings};
