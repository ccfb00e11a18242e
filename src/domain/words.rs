//! Macros for types that are written as words from a fixed list: `words!` for one word, `switches!` for a list of words.

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

/// Declares a struct of booleans. It is written as the list of the names of the booleans that are `true`.
macro_rules! switches {
    ($(#[$doc:meta])* pub $Name:ident { $($(#[$switch_doc:meta])* $switch:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name {
            $($(#[$switch_doc])* pub $switch: bool),+
        }

        impl $Name {
            /// The names of all booleans.
            pub const WORDS: &[&str] = &[$(stringify!($switch)),+];

            /// Returns the value in which the booleans with these names are `true`; `None` if a name is unknown.
            pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
                let mut value = Self { $($switch: false),+ };
                for word in words {
                    match word {
                        $(stringify!($switch) => value.$switch = true,)+
                        _ => return None,
                    }
                }
                Some(value)
            }

            /// Returns the names of the booleans that are `true`, in the order of [`WORDS`](Self::WORDS).
            pub fn to_words(self) -> Vec<&'static str> {
                [$((stringify!($switch), self.$switch)),+].into_iter().filter_map(|(word, on)| on.then_some(word)).collect()
            }
        }
    };
}
pub(super) use {switches, words};
