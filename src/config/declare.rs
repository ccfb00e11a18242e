//! The declaration of keys: `keys!` for the keys of a section, `settings!` where the section has one field for each of them.
//!
//! A key is declared once. From the declaration follow how the key is read, what `config show` prints, and the texts of
//! `Rocket.toml` and of the table in `README.md`, which a test compares. The documentation of the field is the meaning of the
//! key, so it is written for the reader of those files.
//!
//! `#[key("name", …)]` declares what is known of a key. `#[read(…)]` declares how its value is read, if the type alone doesn't
//! say it.
//!
//! | option | meaning |
//! | --- | --- |
//! | `default = VALUE` | the value of a key that no source sets |
//! | `dev = VALUE` | the default in the profile `dev`, if it differs |
//! | `example = TEXT` | the value that `Rocket.toml` shows for a key without a default |
//! | `secret = true` | the value is never shown |
//! | `main = true` | the key is in the table of `README.md` |
//!
//! | step | meaning |
//! | --- | --- |
//! | `otherwise = EXPRESSION` | the value of an unset key, which follows from the keys above it or from other sections |
//! | `within = A..=B` | the bounds of a number or a span |
//! | `check = FUNCTION` | refuses a value with a sentence |
//! | `parse = FUNCTION` | reads the value in place of its type |
//! | `show = FUNCTION` | shows the value in place of its type |

/// Declares the keys of a section as a struct that has for each key a field with what was read.
macro_rules! keys {
    ($Keys:ident in $section:literal, |$reader:ident $(, $argument:ident: $Argument:ty)*| {
        $(
            $(#[doc = $doc:literal])+
            #[key($name:literal $(, $option:ident = $value:expr)* $(,)?)]
            $(#[read($($step:ident = $how:expr),+ $(,)?)])?
            $field:ident: $Type:ty,
        )+
        then { $($derived:ident: $Derived:ty = $from:expr,)* }
    }) => {
        pub(super) struct $Keys {
            $(pub $field: $crate::config::reader::Read<$Type>,)+
            $(pub $derived: $crate::config::reader::Read<$Derived>,)*
        }

        impl $Keys {
            pub(super) const TABLE: &[$crate::config::schema::Key] = &[$({
                let key = $crate::config::schema::Key::new($name, $section, concat!($($doc),+));
                $(let key = $crate::config::declare::declared!(key, $option, $value);)*
                key
            }),+];

            pub(super) fn read($reader: &mut $crate::config::reader::Reader $(, $argument: $Argument)*) -> Self {
                $(let $field: $crate::config::reader::Read<$Type> = {
                    let lookup = $crate::config::reader::Lookup::new($name);
                    $($(let lookup = lookup.$step($how);)+)?
                    $reader.find(lookup)
                };)+
                $(let $derived = $from;)*
                Self { $($field,)+ $($derived,)* }
            }
        }
    };
}

/// Declares a section: a struct with a field for each key, and its keys. The fields after `then` have no key; their
/// values follow from the keys.
macro_rules! settings {
    ($(#[doc = $about:literal])+ pub struct $Section:ident, $Keys:ident in $section:literal,
     |$reader:ident $(, $argument:ident: $Argument:ty)*| {
        $(
            $(#[doc = $doc:literal])+
            #[key($($declared:tt)+)]
            $(#[read($($read:tt)+)])?
            $field:ident: $Type:ty,
        )+
        $(then { $($(#[doc = $derived_doc:literal])+ $derived:ident: $Derived:ty = $from:expr,)+ })?
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $Section {
            $($(#[doc = $doc])+ pub $field: $Type,)+
            $($($(#[doc = $derived_doc])+ pub $derived: $Derived,)+)?
        }

        $crate::config::declare::keys! {
            $Keys in $section, |$reader $(, $argument: $Argument)*| {
                $($(#[doc = $doc])+ #[key($($declared)+)] $(#[read($($read)+)])? $field: $Type,)+
                then { $($($derived: $Derived = $from,)+)? }
            }
        }

        impl $Keys {
            pub(super) fn complete(self) -> $crate::config::reader::Read<$Section> {
                Ok($Section { $($field: self.$field?,)+ $($($derived: self.$derived?,)+)? })
            }
        }
    };
}

/// One option of `#[key(…)]`.
macro_rules! declared {
    ($key:ident, default, $value:expr) => {
        $key.default(|| figment::value::Value::from($value))
    };
    ($key:ident, dev, $value:expr) => {
        $key.dev(|| figment::value::Value::from($value))
    };
    ($key:ident, $option:ident, $value:expr) => {
        $key.$option($value)
    };
}
pub(super) use {declared, keys, settings};
