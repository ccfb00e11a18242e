//! Macros for types that are written as text: `words!` for one word from a fixed list, `switches!` for a list of such words,
//! `text!` for a text with a rule, such as a maximum length.

/// Declares an enum with one variant for each word.
macro_rules! words {
    ($(#[$doc:meta])* pub $Name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $Name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $Name {
            /// The words of all variants.
            pub const WORDS: &[&str] = &[$($word),+];

            /// Returns the word of the variant, as it is written in the configuration.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        /// Reads a word. Fails if no variant has this word.
        impl std::str::FromStr for $Name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(()),
                }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// Declares a struct of booleans. It is written as the list of the names of the booleans that are `true`. `at least N`
/// after the name is the minimum number of booleans that are `true`.
macro_rules! switches {
    ($(#[$doc:meta])* pub $Name:ident $(at least $least:literal)? { $($(#[$switch_doc:meta])* $switch:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name {
            $($(#[$switch_doc])* pub $switch: bool),+
        }

        impl $Name {
            /// The names of all booleans.
            pub const WORDS: &[&str] = &[$(stringify!($switch)),+];

            /// The least number of booleans that are `true`.
            pub const LEAST: usize = 0 $(+ $least)?;

            /// Returns the value in which the booleans with these names are `true`; `None` if a name is unknown, or if there
            /// are fewer than [`LEAST`](Self::LEAST).
            pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
                let mut value = Self { $($switch: false),+ };
                for word in words {
                    match word {
                        $(stringify!($switch) => value.$switch = true,)+
                        _ => return None,
                    }
                }
                Some(value).filter(|value| value.to_words().len() >= Self::LEAST)
            }

            /// Returns the names of the booleans that are `true`, in the order of [`WORDS`](Self::WORDS).
            pub fn to_words(self) -> Vec<&'static str> {
                [$((stringify!($switch), self.$switch)),+].into_iter().filter_map(|(word, on)| on.then_some(word)).collect()
            }
        }
    };
}

/// Declares a type for texts with a rule, such as a maximum length. `$read` returns a text as it is stored; `None` if the text
/// breaks the rule.
macro_rules! text {
    ($(#[$doc:meta])* pub $Name:ident, $read:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $Name(String);

        /// Reads a text. Fails if the text breaks the rule of the type.
        impl std::str::FromStr for $Name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                let read: fn(&str) -> Option<String> = $read;
                read(text).map(Self).ok_or(())
            }
        }

        impl $Name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::ops::Deref for $Name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<&str> for $Name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use {switches, text, words};
