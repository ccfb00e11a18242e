//! The methods of password hashes, and the bounds of what a stored hash may cost. The bounds allow what other systems use, and
//! at most some seconds of one processor.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::scheme::PasswordScheme;

/// A method of hashing, with its cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// Argon2 (RFC 9106).
    Argon2 {
        /// The variant.
        variant: Argon2Variant,
        /// The version: `0x13`, or `0x10` of the years before the RFC.
        version: u32,
        /// The memory in KiB.
        memory_kib: u32,
        /// The number of passes over the memory.
        passes: u32,
        /// The number of lanes.
        lanes: u32,
    },
    /// bcrypt, which reads at most 72 bytes.
    Bcrypt {
        /// The binary logarithm of the number of rounds.
        cost: u32,
        /// What bcrypt hashes.
        input: BcryptInput,
    },
    /// PBKDF2 (RFC 8018 §5.2).
    Pbkdf2 {
        /// The hash function of the HMAC.
        function: Pbkdf2Function,
        /// The number of iterations.
        rounds: u32,
    },
    /// scrypt (RFC 7914).
    Scrypt {
        /// The binary logarithm of the parameter N.
        log_n: u8,
        /// The block size.
        r: u32,
        /// The number of blocks that are computed one after the other.
        p: u32,
    },
}

/// A variant of Argon2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argon2Variant {
    /// Argon2d.
    D,
    /// Argon2i.
    I,
    /// Argon2id.
    Id,
}

/// What bcrypt hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BcryptInput {
    /// The password, of which bcrypt ignores what follows the 72nd byte.
    Password,
    /// The SHA-256 hash of the password in hexadecimal digits, as Django's `BCryptSHA256PasswordHasher` takes it.
    Sha256Hex,
    /// The HMAC-SHA-256 of the password in base64, with the salt as its key, as passlib's `bcrypt_sha256` takes it.
    HmacBase64,
}

impl BcryptInput {
    /// Returns what bcrypt hashes for a password with this salt.
    pub fn prepare(self, password: &[u8], salt: &[u8; 16]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Password => password.to_vec(),
            Self::Sha256Hex => {
                Sha256::digest(password).iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()
            }
            Self::HmacBase64 => {
                let key = bcrypt::BASE_64.encode(salt);
                let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
                BASE64_STANDARD.encode(mac.chain_update(password).finalize().into_bytes()).into_bytes()
            }
        })
    }
}

/// The hash function of PBKDF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pbkdf2Function {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Pbkdf2Function {
    /// Returns the length of the function's output, in bytes.
    pub(super) const fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Method {
    /// Returns the family of the method.
    pub const fn scheme(&self) -> PasswordScheme {
        match self {
            Self::Argon2 { .. } => PasswordScheme::Argon2id,
            Self::Bcrypt { .. } => PasswordScheme::Bcrypt,
            Self::Pbkdf2 { .. } => PasswordScheme::Pbkdf2,
            Self::Scrypt { .. } => PasswordScheme::Scrypt,
        }
    }
}

/// The greatest value of the setting `argon2_memory_kib`. A hash of this server may take so much.
pub const MAX_ARGON2_KIB: u32 = 1_048_576;
/// The greatest value of the setting `argon2_iterations`.
pub const MAX_ARGON2_PASSES: u32 = 100;
/// The greatest value of the setting `argon2_parallelism`.
pub const MAX_ARGON2_LANES: u32 = 64;

/// The most memory that an imported hash may take: 256 MiB. OWASP and the documentation of the libraries recommend at most
/// 128 MiB.
const MAX_MEMORY_KIB: u64 = 256 * 1024;

/// The most memory that an imported argon2 hash may fill, counted once for each pass: 2 GiB.
const MAX_FILLED_KIB: u64 = 2 * 1024 * 1024;

/// The most memory that an imported scrypt hash may fill, in all blocks together: 1 GiB. Filling memory takes scrypt twice as
/// long.
const MAX_SCRYPT_KIB: u64 = 1024 * 1024;

/// The greatest values of the parameters r and p of scrypt. The libraries use 8, and at most 16.
const MAX_SCRYPT_PARAMETER: u32 = 64;

/// The highest cost of bcrypt. Each step doubles the time; the libraries use 10 to 12.
const MAX_BCRYPT_COST: u32 = 15;

/// The most iterations of PBKDF2, counted for each block of its output. Django uses 1,200,000.
const MAX_ROUNDS: u64 = 5_000_000;

impl Method {
    /// Returns whether a longer text would match too: bcrypt reads no byte after the 72nd.
    pub fn ignores_end_of(&self, text: &str) -> bool {
        matches!(self, Self::Bcrypt { input: BcryptInput::Password, .. }) && text.len() >= 72
    }

    /// Returns the method whose work, together with that of this method, is as much as the work of `preferred`. `None` if this
    /// method is as much work already, or if one of the two is not argon2, whose works can't be compared.
    ///
    /// A wrong password for a hash that was made with lower settings would otherwise be refused sooner than one for a name
    /// without an account.
    pub fn missing_work(&self, preferred: &Self) -> Option<Self> {
        let (
            Self::Argon2 { memory_kib, passes, .. },
            Self::Argon2 { memory_kib: wanted, passes: times, variant, version, lanes },
        ) = (self, preferred)
        else {
            return None;
        };
        let filled = |memory: u32, passes: u32| u64::from(memory) * u64::from(passes);
        let missing = filled(*wanted, *times).checked_sub(filled(*memory_kib, *passes))?;
        let passes = missing.div_ceil(u64::from(*wanted)).max(1);
        let memory_kib = u32::try_from(missing / passes).ok().filter(|memory| *memory >= 8 * lanes)?;
        let passes = u32::try_from(passes).ok()?;
        Some(Self::Argon2 { variant: *variant, version: *version, memory_kib, passes, lanes: *lanes })
    }

    /// Returns the memory that the computation takes, in KiB, rounded up.
    pub fn memory_kib(&self) -> u64 {
        match *self {
            Self::Argon2 { memory_kib, .. } => memory_kib.into(),
            // Beside the N blocks there are p blocks for the result, and one to work in.
            Self::Scrypt { log_n, r, p } => {
                let more = (128 * u64::from(r)).saturating_mul(u64::from(p) + 1);
                scrypt_kib(log_n, r).saturating_add(more.div_ceil(1024))
            }
            // bcrypt takes 4 KiB and PBKDF2 less.
            Self::Bcrypt { .. } | Self::Pbkdf2 { .. } => 4,
        }
    }

    /// Checks that a digest of `length` bytes is computed with bounded memory and time. The error names the bound.
    pub(super) fn check_cost(&self, length: usize) -> Result<(), String> {
        let at_most = |what: &str, value: u64, most: u64| {
            if value > most {
                Err(format!("it has {value} {what}; the most that is accepted is {most}"))
            } else {
                Ok(())
            }
        };
        match *self {
            Self::Bcrypt { cost, .. } => at_most("as the cost of bcrypt", cost.into(), MAX_BCRYPT_COST.into()),
            Self::Pbkdf2 { function, rounds } => {
                let blocks = length.div_ceil(function.output_len()) as u64;
                at_most("iterations", u64::from(rounds) * blocks, MAX_ROUNDS)
            }
            Self::Argon2 { memory_kib, passes, .. } => {
                at_most("KiB of memory", memory_kib.into(), MAX_MEMORY_KIB)?;
                let filled = u64::from(memory_kib) * u64::from(passes);
                at_most("KiB of memory to fill, in all passes together", filled, MAX_FILLED_KIB)
            }
            Self::Scrypt { log_n, r, p } => {
                at_most("as the parameter r or p of scrypt", r.max(p).into(), MAX_SCRYPT_PARAMETER.into())?;
                at_most("KiB of memory", scrypt_kib(log_n, r), MAX_MEMORY_KIB)?;
                // A small block is read at random places, which takes as long as reading more.
                let filled = scrypt_kib(log_n, r.max(8)).saturating_mul(p.into());
                at_most("KiB of memory to fill, in all blocks together", filled, MAX_SCRYPT_KIB)
            }
        }
    }

    /// Returns whether the settings of this server may have made a hash with this method.
    pub(super) fn is_within_settings(&self) -> bool {
        matches!(
            *self,
            Self::Argon2 { variant: Argon2Variant::Id, version: 0x13, memory_kib, passes, lanes }
                if memory_kib <= MAX_ARGON2_KIB && passes <= MAX_ARGON2_PASSES && lanes <= MAX_ARGON2_LANES
        )
    }
}

/// Returns the memory of N blocks of scrypt in KiB: each has 128 × r bytes.
fn scrypt_kib(log_n: u8, r: u32) -> u64 {
    let bytes = 1_u64.checked_shl(log_n.into()).and_then(|n| n.checked_mul(128 * u64::from(r)));
    bytes.map_or(u64::MAX, |bytes| bytes.div_ceil(1024))
}
