//! How people sign in and register, and how passwords are hashed.

use std::{num::NonZeroUsize, thread};

use super::{declare::settings, profile::Profile, reader::Reader, setting::vocabulary};

vocabulary! {
    /// The name that people sign in with.
    pub UsernameField {
        /// Their email address.
        Email = "email",
        /// Their username.
        Username = "username",
        /// Either of the two.
        Either = "either",
    }
}

vocabulary! {
    /// Whether anybody may create an account.
    pub Registration {
        /// Anybody may.
        Open = "open",
        /// Only an operator may.
        Closed = "closed",
    }
}

settings! {
    /// The names for a sign-in, the rules for new passwords, and the cost of hashing.
    pub struct Passwords, PasswordKeys in "passwords", |reader| {
        /// The name that people sign in with: `email`, `username`, or `either`.
        #[key("username_field", default = "either")]
        username_field: UsernameField,
        /// Whether anybody may create an account: `open` or `closed`.
        #[key("registration", default = "closed", dev = "open", main = true)]
        registration: Registration,
        /// The least number of characters of a new password, 8 to 64.
        #[key("password_min_length", default = 10, dev = 8)]
        #[read(within = 8..=64)]
        min_length: usize,
        /// Memory of a password hash in KiB. Less than the default is refused outside the profile `dev`.
        #[key("argon2_memory_kib", default = 19_456)]
        #[read(within = lowest(reader, 19_456, 8)..=1_048_576)]
        argon2_memory_kib: u32,
        /// Passes of a password hash over its memory. Fewer than the default are refused outside the profile `dev`.
        #[key("argon2_iterations", default = 2)]
        #[read(within = lowest(reader, 2, 1)..=100)]
        argon2_iterations: u32,
        /// Lanes of a password hash.
        #[key("argon2_parallelism", default = 1)]
        #[read(within = lowest(reader, 1, 1)..=64)]
        argon2_parallelism: u32,
        /// How many password hashes are computed at once. Unset: one per core.
        #[key("hash_concurrency", example = "4")]
        #[read(within = 1..=1024, otherwise = Ok(thread::available_parallelism().map_or(1, NonZeroUsize::get)))]
        hash_concurrency: usize,
        /// How many password hashes may wait. With more the answer is 503 `overloaded`.
        #[key("hash_queue", default = 64)]
        #[read(within = 0..=100_000)]
        hash_queue: usize,
        then {
            /// Whether anybody may create an account.
            registration_open: bool = registration.map(|registration| registration == Registration::Open),
        }
    }
}

/// Returns the lowest value that is allowed: OWASP's minimum for argon2id (Password Storage Cheat Sheet), or in the profile
/// `dev` the minimum of argon2 itself (RFC 9106 §3.1).
fn lowest(reader: &Reader, owasp: u32, argon2: u32) -> u32 {
    if reader.profile == Profile::Dev { argon2 } else { owasp }
}

impl PasswordKeys {
    /// Refuses settings that can't be used together.
    pub(super) fn check(&self, reader: &mut Reader) {
        // RFC 9106 §3.1.
        if let (Ok(memory), Ok(lanes)) = (self.argon2_memory_kib, self.argon2_parallelism)
            && memory < 8 * lanes
        {
            let lanes = reader.describe("argon2_parallelism");
            reader.refuse("argon2_memory_kib", format!("must be at least 8 for each of {lanes}"));
        }
    }
}
