//! The login names, the registration, the rules for new passwords, and the cost of password hashes.

use std::{num::NonZeroUsize, thread};

use super::{declare::settings, reader::Reader};
use crate::{
    config::{PasswordScheme, PasswordSchemes, Profile, Registration, UsernameField},
    domain::password_hash::{MAX_ARGON2_KIB, MAX_ARGON2_LANES, MAX_ARGON2_PASSES},
};

settings! {
    /// The login names, the registration, the rules for new passwords, and the cost of password hashes.
    pub struct Passwords, PasswordKeys in "passwords", |reader| check {
        /// The name with which users log in: `email`, `username`, or `either`.
        #[key("username_field", default = "either")]
        username_field: UsernameField,
        /// Whether anybody may create an account (`open`), or only the operator (`closed`).
        #[key("registration", default = "closed", dev = "open", main = true)]
        registration: Registration,
        /// The minimum number of characters of a new password, `8` to `64`.
        #[key("password_min_length", default = 10, dev = 8)]
        #[within(8..=64)]
        min_length: usize,
        /// The schemes of stored password hashes with which users may log in: `argon2id`, `bcrypt`, `pbkdf2_sha256`, which also
        /// stands for PBKDF2 with SHA-512, and `scrypt`. The first scheme is that of new hashes. A hash of another scheme, for
        /// example of an imported user, is replaced at the next login, except one of bcrypt if 72 bytes or more were typed.
        #[key("password_schemes", default = PasswordScheme::WORDS.to_vec())]
        schemes: PasswordSchemes,
        /// The memory for one password hash (argon2id) in KiB, at most `1048576`. A value below the default is allowed only in
        /// the profile `dev`.
        #[key("argon2_memory_kib", default = 19_456)]
        #[within(lowest(reader, 19_456, 8)..=MAX_ARGON2_KIB)]
        argon2_memory_kib: u32,
        /// The number of passes of a password hash (argon2id) over its memory, at most `100`. A value below the default is
        /// allowed only in the profile `dev`.
        #[key("argon2_iterations", default = 2)]
        #[within(lowest(reader, 2, 1)..=MAX_ARGON2_PASSES)]
        argon2_iterations: u32,
        /// The number of parallel lanes of a password hash (argon2id), `1` to `64`. Each lane needs at least 8 KiB of memory.
        #[key("argon2_parallelism", default = 1)]
        #[within(1..=MAX_ARGON2_LANES)]
        argon2_parallelism: u32,
        /// The number of password hashes that are computed at the same time, `1` to `1024`. Unset: one per processor core.
        #[key("hash_concurrency", example = "4")]
        #[otherwise(Ok(thread::available_parallelism().map_or(1, NonZeroUsize::get)))]
        #[within(1..=1024)]
        hash_concurrency: usize,
        /// The number of requests that may wait for their password hash. Further requests are refused with 503 `overloaded`.
        #[key("hash_queue", default = 64)]
        #[within(0..=100_000)]
        hash_queue: usize,
        then {
            /// Whether anybody may create an account.
            registration_open: bool = registration.map(|registration| registration == Registration::Open),
        }
    }
}

/// Returns the lowest allowed value. In the profile `dev` this is `argon2`, the minimum of the algorithm (RFC 9106 §3.1).
/// Otherwise it is `owasp`, the minimum of OWASP for argon2id (Password Storage Cheat Sheet).
fn lowest(reader: &Reader, owasp: u32, argon2: u32) -> u32 {
    if reader.profile == Profile::Dev { argon2 } else { owasp }
}

impl PasswordKeys {
    /// Refuses settings that can't be used together.
    fn check(&self, reader: &mut Reader) {
        // argon2 needs at least 8 KiB for each lane (RFC 9106 §3.1).
        reader.check("argon2_memory_kib", "must be at least 8 for each of {argon2_parallelism}", || {
            Ok(self.argon2_memory_kib? < 8 * self.argon2_parallelism?)
        });
    }
}
