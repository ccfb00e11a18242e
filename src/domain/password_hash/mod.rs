//! Stored hashes of passwords, of this server and of the systems whose users move to it. The hashing itself is in
//! `memory/hasher`.
//!
//! [`ParsedHash::parse_foreign`] reads every format in the table of `formats.rs`, and refuses a hash whose computation would
//! take more than a bounded amount of memory and time.

mod formats;
mod method;
mod scheme;
mod stored;

pub use self::{
    formats::{ParsedHash, UnusableHash},
    method::{Argon2Variant, BcryptInput, MAX_ARGON2_KIB, MAX_ARGON2_LANES, MAX_ARGON2_PASSES, Method, Pbkdf2Function},
    scheme::{PasswordScheme, PasswordSchemes},
    stored::PasswordHash,
};

#[cfg(test)]
pub(crate) mod tests;
