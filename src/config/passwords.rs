//! How people log in and register, and how passwords are hashed.

use std::{num::NonZeroUsize, thread};

use super::{
    Profile,
    reader::{Read, Reader},
    setting::vocabulary,
};

/// OWASP's minimum for argon2id (Password Storage Cheat Sheet).
const OWASP: Argon2Params = Argon2Params { memory_kib: 19_456, iterations: 2, parallelism: 1 };
/// Past this one login costs seconds, or a gigabyte.
const HIGHEST: Argon2Params = Argon2Params { memory_kib: 1_048_576, iterations: 100, parallelism: 64 };

vocabulary! {
    /// What people log in with.
    pub UsernameField {
        /// Their email address.
        Email = "email",
        /// Their user name.
        Username = "username",
        /// Either of the two.
        Either = "either",
    }
}

vocabulary! {
    /// Whether anybody may make an account.
    Registration {
        Open = "open",
        Closed = "closed",
    }
}

/// How people log in and register, and how passwords are hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passwords {
    /// Of new hashes.
    pub argon2: Argon2Params,
    /// In characters, 8 to 64.
    pub min_length: usize,
    /// How many are computed at once, at least 1.
    pub hash_concurrency: usize,
    /// How many may wait for that; past it the server is overloaded.
    pub hash_queue: usize,
    /// What people log in with.
    pub username_field: UsernameField,
    /// Whether anybody may make an account.
    pub registration_open: bool,
}

/// The cost of an argon2id hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory, in KiB; at least 8 per lane.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Passwords {
    pub(super) fn read(reader: &mut Reader) -> Read<Self> {
        let argon2 = Argon2Params::read(reader);
        let min_length = reader.within("password_min_length", 8..=64);
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let hash_concurrency = hash_concurrency(reader, cores);
        let hash_queue = reader.within("hash_queue", 0..=100_000);
        let username_field = reader.read("username_field");
        let registration = reader.read::<Registration>("registration");
        Ok(Self {
            argon2: argon2?,
            min_length: min_length?,
            hash_concurrency: hash_concurrency?,
            hash_queue: hash_queue?,
            username_field: username_field?,
            registration_open: registration? == Registration::Open,
        })
    }
}

fn hash_concurrency(reader: &mut Reader, cores: usize) -> Read<usize> {
    match reader.or("hash_concurrency", Ok(cores))? {
        slots @ 1..=1024 => Ok(slots),
        _ => Err(reader.refuse("hash_concurrency", "must be from 1 to 1024")),
    }
}

impl Argon2Params {
    fn read(reader: &mut Reader) -> Read<Self> {
        let dev = reader.profile == Profile::Dev;
        let lowest = if dev { Self { memory_kib: 8, iterations: 1, parallelism: 1 } } else { OWASP };
        let memory_kib = reader.within("argon2_memory_kib", lowest.memory_kib..=HIGHEST.memory_kib);
        let iterations = reader.within("argon2_iterations", lowest.iterations..=HIGHEST.iterations);
        let parallelism = reader.within("argon2_parallelism", lowest.parallelism..=HIGHEST.parallelism);
        let params = Self { memory_kib: memory_kib?, iterations: iterations?, parallelism: parallelism? };
        // RFC 9106 §3.1.
        if params.memory_kib < 8 * params.parallelism {
            let lanes = reader.describe("argon2_parallelism");
            return Err(reader.refuse("argon2_memory_kib", format!("must be at least 8 for each of {lanes}")));
        }
        Ok(params)
    }
}
