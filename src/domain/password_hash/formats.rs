//! The text formats of stored hashes: a table, with a function that reads each format.

use std::str::FromStr;

use base64::{
    Engine as _,
    alphabet::{Alphabet, STANDARD},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bcrypt::{BASE_64 as BCRYPT_BASE64, HashParts};
use phc::PasswordHash as Phc;

use super::{
    method::{Argon2Variant, BcryptInput, Method, Pbkdf2Function},
    stored::PasswordHash,
};

/// A stored hash, taken apart.
pub struct ParsedHash {
    /// How the digest was computed.
    pub method: Method,
    /// The salt, in bytes as the method takes it.
    pub salt: Vec<u8>,
    /// The output of the method. For bcrypt, these are the 31 characters of the format, otherwise bytes.
    pub digest: Vec<u8>,
}

/// The reason why a text can't be used as a stored hash: the end of a sentence about the hash. It contains no part of the hash.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableHash {
    /// The text begins like none of the formats.
    #[error("has no known format; known are {}", KNOWN)]
    Unknown,
    /// The text begins like a format, but does not continue like it. Contains the form that it should have.
    #[error("should have the form {0}")]
    Malformed(&'static str),
    /// The computation would take too much memory or time. Contains the value and its bound.
    #[error("costs too much: {0}")]
    TooCostly(String),
}

impl ParsedHash {
    /// Reads a hash of another system.
    ///
    /// # Errors
    /// [`UnusableHash`] if the format is unknown, if the text does not have the form of its format, or if the computation would
    /// take more memory or time than the bounds of the methods.
    pub fn parse_foreign(text: &str) -> Result<Self, UnusableHash> {
        let parsed = parse(text)?;
        parsed.method.check_cost(parsed.digest.len()).map_err(UnusableHash::TooCostly)?;
        Ok(parsed)
    }

    /// Reads a stored hash, which may be one of this server with any settings.
    ///
    /// # Errors
    /// As [`ParsedHash::parse_foreign`], except that argon2id may take what the settings permit.
    pub fn parse_stored(stored: &PasswordHash) -> Result<Self, UnusableHash> {
        match parse(stored.as_str())? {
            own if own.method.is_within_settings() => Ok(own),
            _ => Self::parse_foreign(stored.as_str()),
        }
    }

    /// Returns the text of the hash, in the one format in which this server stores hashes of its method.
    pub fn to_stored(&self) -> PasswordHash {
        PasswordHash::from_stored(write(self))
    }
}

/// A format of stored hashes.
struct Format {
    /// The beginning of every hash in this format, and of no hash in another.
    prefix: &'static str,
    /// The whole form, for messages.
    form: &'static str,
    /// Reads what follows the prefix. Returns `None` if it does not have the form.
    read: fn(&str) -> Option<ParsedHash>,
}

/// The formats. Each comment names who writes the format.
#[rustfmt::skip]
const FORMATS: &[Format] = &[
    // This server, passlib, pwdlib, argon2-cffi, Authelia, PHP: the PHC string format.
    Format { prefix: "$argon2id$", form: "$argon2id$v=19$m=…,t=…,p=…$SALT$HASH", read: |rest| argon2(Argon2Variant::Id, rest) },
    Format { prefix: "$argon2i$", form: "$argon2i$v=19$m=…,t=…,p=…$SALT$HASH", read: |rest| argon2(Argon2Variant::I, rest) },
    Format { prefix: "$argon2d$", form: "$argon2d$v=19$m=…,t=…,p=…$SALT$HASH", read: |rest| argon2(Argon2Variant::D, rest) },
    // Django.
    Format { prefix: "argon2$argon2id$", form: "argon2$argon2id$v=19$m=…,t=…,p=…$SALT$HASH", read: |rest| argon2(Argon2Variant::Id, rest) },
    Format { prefix: "argon2$argon2i$", form: "argon2$argon2i$v=19$m=…,t=…,p=…$SALT$HASH", read: |rest| argon2(Argon2Variant::I, rest) },
    // bcrypt in C, Python, Go and Rust. 2a, 2b and 2y compute the same for passwords of at most 255 bytes.
    Format { prefix: "$2a$", form: "$2a$COST$ and 53 characters", read: |rest| bcrypt(BcryptInput::Password, rest) },
    Format { prefix: "$2b$", form: "$2b$COST$ and 53 characters", read: |rest| bcrypt(BcryptInput::Password, rest) },
    Format { prefix: "$2y$", form: "$2y$COST$ and 53 characters", read: |rest| bcrypt(BcryptInput::Password, rest) },
    // Django.
    Format { prefix: "bcrypt$$2b$", form: "bcrypt$$2b$COST$ and 53 characters", read: |rest| bcrypt(BcryptInput::Password, rest) },
    Format { prefix: "bcrypt_sha256$$2b$", form: "bcrypt_sha256$$2b$COST$ and 53 characters", read: |rest| bcrypt(BcryptInput::Sha256Hex, rest) },
    // The same, as it is stored: the database has only hashes that begin with a dollar sign.
    Format { prefix: "$bcrypt_sha256$$2b$", form: "$bcrypt_sha256$$2b$COST$ and 53 characters", read: |rest| bcrypt(BcryptInput::Sha256Hex, rest) },
    // passlib.
    Format { prefix: "$bcrypt-sha256$v=2,t=2b,r=", form: "$bcrypt-sha256$v=2,t=2b,r=COST$SALT$HASH", read: passlib_bcrypt_sha256 },
    Format { prefix: "$pbkdf2-sha256$", form: "$pbkdf2-sha256$ITERATIONS$SALT$HASH", read: |rest| passlib_pbkdf2(Pbkdf2Function::Sha256, rest) },
    Format { prefix: "$pbkdf2-sha512$", form: "$pbkdf2-sha512$ITERATIONS$SALT$HASH", read: |rest| passlib_pbkdf2(Pbkdf2Function::Sha512, rest) },
    // Django.
    Format { prefix: "pbkdf2_sha256$", form: "pbkdf2_sha256$ITERATIONS$SALT$HASH", read: django_pbkdf2 },
    // Werkzeug.
    Format { prefix: "pbkdf2:sha256:", form: "pbkdf2:sha256:ITERATIONS$SALT$HASH", read: |rest| werkzeug_pbkdf2(Pbkdf2Function::Sha256, rest) },
    Format { prefix: "pbkdf2:sha512:", form: "pbkdf2:sha512:ITERATIONS$SALT$HASH", read: |rest| werkzeug_pbkdf2(Pbkdf2Function::Sha512, rest) },
    Format { prefix: "scrypt:", form: "scrypt:N:R:P$SALT$HASH", read: werkzeug_scrypt },
    // Django.
    Format { prefix: "scrypt$", form: "scrypt$N$SALT$R$P$HASH", read: django_scrypt },
    // passlib, Authelia: the PHC string format.
    Format { prefix: "$scrypt$", form: "$scrypt$ln=…,r=…,p=…$SALT$HASH", read: scrypt },
];

/// What is accepted, for a message.
const KNOWN: &str = "argon2, bcrypt, PBKDF2 with SHA-256 or SHA-512, and scrypt, as Django, passlib, bcrypt, pwdlib, Werkzeug, PHP \
                     and Authelia write them";

/// The least length of a digest, in bytes. A shorter one would match too many passwords.
const MIN_DIGEST: usize = 16;
/// The greatest length of a digest, in bytes. No library writes a longer one.
const MAX_DIGEST: usize = 64;
/// The greatest length of a salt, in bytes.
const MAX_SALT: usize = 128;

/// Reads base64 without regard to padding, and to bits after the last whole byte.
const fn lenient(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

/// base64, without padding where it is written.
const BASE64: GeneralPurpose = lenient(&STANDARD);

/// Reads a stored hash of any format, whatever it costs.
fn parse(text: &str) -> Result<ParsedHash, UnusableHash> {
    let begins = |format: &&Format| text.starts_with(format.prefix);
    let format = FORMATS.iter().find(begins).ok_or(UnusableHash::Unknown)?;
    let has_lengths = |parsed: &ParsedHash| {
        (MIN_DIGEST..=MAX_DIGEST).contains(&parsed.digest.len()) && (1..=MAX_SALT).contains(&parsed.salt.len())
    };
    let parsed = (format.read)(&text[format.prefix.len()..]).filter(has_lengths);
    parsed.ok_or(UnusableHash::Malformed(format.form))
}

/// Returns the text in which this server stores a hash.
fn write(hash: &ParsedHash) -> String {
    let (salt, digest) = (BASE64.encode(&hash.salt), BASE64.encode(&hash.digest));
    match hash.method {
        Method::Argon2 { variant, version, memory_kib, passes, lanes } => {
            let name = match variant {
                Argon2Variant::D => "argon2d",
                Argon2Variant::I => "argon2i",
                Argon2Variant::Id => "argon2id",
            };
            format!("${name}$v={version}$m={memory_kib},t={passes},p={lanes}${salt}${digest}")
        }
        Method::Bcrypt { cost, input } => {
            let text = String::from_utf8_lossy(&hash.digest);
            let text = format!("$2b${cost:02}${}{text}", BCRYPT_BASE64.encode(&hash.salt));
            match input {
                BcryptInput::Password => text,
                BcryptInput::Sha256Hex => format!("$bcrypt_sha256${text}"),
                BcryptInput::HmacBase64 => format!("$bcrypt-sha256$v=2,t=2b,r={cost}${}${}", &text[7..29], &text[29..]),
            }
        }
        Method::Pbkdf2 { function, rounds } => {
            let name = match function {
                Pbkdf2Function::Sha256 => "pbkdf2-sha256",
                Pbkdf2Function::Sha512 => "pbkdf2-sha512",
            };
            // passlib writes `.` for `+`.
            format!("${name}${rounds}${}${}", salt.replace('+', "."), digest.replace('+', "."))
        }
        Method::Scrypt { log_n, r, p } => format!("$scrypt$ln={log_n},r={r},p={p}${salt}${digest}"),
    }
}

/// Splits a text at `$` into exactly `N` parts.
fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split('$').collect::<Vec<_>>().try_into().ok()
}

/// Reads a number in decimal digits, at least 1.
fn number<T: FromStr + PartialOrd + Default>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && *number > T::default())
}

/// Reads a text in the PHC string format, without the first `$`. `method` returns the method with this version and these
/// parameters, which must have the given names and no others.
fn phc<const N: usize>(
    text: &str,
    names: [&str; N],
    method: impl FnOnce(Option<u32>, [u32; N]) -> Option<Method>,
) -> Option<ParsedHash> {
    let hash = Phc::new(&format!("${text}")).ok()?;
    let value = |name: &&str| hash.params.get_decimal(*name).filter(|value| *value > 0);
    let values: Option<Vec<u32>> = names.iter().map(value).collect();
    let has_no_others = hash.params.iter().count() == N;
    let values = values.filter(|_| has_no_others)?.try_into().ok()?;
    let (salt, digest) = (hash.salt?.as_ref().to_vec(), hash.hash?.as_bytes().to_vec());
    Some(ParsedHash { method: method(hash.version, values)?, salt, digest })
}

fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// Reads the base64 of passlib, which has `.` for `+`.
fn passlib_base64(text: &str) -> Option<Vec<u8>> {
    base64(&text.replace('.', "+"))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn argon2(variant: Argon2Variant, rest: &str) -> Option<ParsedHash> {
    phc(&format!("argon2${rest}"), ["m", "t", "p"], |version, [memory_kib, passes, lanes]| {
        // The first version of the format had no version.
        let version = version.unwrap_or(0x10);
        // RFC 9106 §3.1 demands 8 KiB for each lane. Nobody has more than 255 lanes.
        let is_valid = matches!(version, 0x10 | 0x13) && lanes <= 255 && memory_kib >= 8 * lanes;
        is_valid.then_some(Method::Argon2 { variant, version, memory_kib, passes, lanes })
    })
}

/// Reads the cost, the salt and the digest that follow `$2b$`.
fn bcrypt(input: BcryptInput, rest: &str) -> Option<ParsedHash> {
    let text = format!("$2b${rest}");
    let parts: HashParts = text.parse().ok()?;
    // The library checks the form, except that the cost has digits only and the bounds of the algorithm.
    let cost = number(&rest[..2]).filter(|cost| (4..=31).contains(cost))?;
    let digest = text.as_bytes()[29..].to_vec();
    Some(ParsedHash { method: Method::Bcrypt { cost, input }, salt: parts.get_salt_raw().to_vec(), digest })
}

fn passlib_bcrypt_sha256(rest: &str) -> Option<ParsedHash> {
    let [cost, salt, digest] = parts(rest)?;
    bcrypt(BcryptInput::HmacBase64, &format!("{:02}${salt}{digest}", number::<u32>(cost)?))
}

fn passlib_pbkdf2(function: Pbkdf2Function, rest: &str) -> Option<ParsedHash> {
    let [rounds, salt, digest] = parts(rest)?;
    let method = Method::Pbkdf2 { function, rounds: number(rounds)? };
    Some(ParsedHash { method, salt: passlib_base64(salt)?, digest: passlib_base64(digest)? })
}

fn django_pbkdf2(rest: &str) -> Option<ParsedHash> {
    let [rounds, salt, digest] = parts(rest)?;
    let method = Method::Pbkdf2 { function: Pbkdf2Function::Sha256, rounds: number(rounds)? };
    Some(ParsedHash { method, salt: salt.into(), digest: base64(digest)? })
}

fn werkzeug_pbkdf2(function: Pbkdf2Function, rest: &str) -> Option<ParsedHash> {
    let [rounds, salt, digest] = parts(rest)?;
    let method = Method::Pbkdf2 { function, rounds: number(rounds)? };
    Some(ParsedHash { method, salt: salt.into(), digest: hex(digest)? })
}

/// Returns the method with the parameter N in place of its logarithm. `None` if N is not a power of two, or is 1.
fn scrypt_method(n: &str, r: &str, p: &str) -> Option<Method> {
    let n = number::<u64>(n).filter(|n| n.is_power_of_two() && *n > 1)?;
    Some(Method::Scrypt { log_n: n.trailing_zeros() as u8, r: number(r)?, p: number(p)? })
}

fn werkzeug_scrypt(rest: &str) -> Option<ParsedHash> {
    let [costs, salt, digest] = parts(rest)?;
    let [n, r, p] = costs.split(':').collect::<Vec<_>>().try_into().ok()?;
    Some(ParsedHash { method: scrypt_method(n, r, p)?, salt: salt.into(), digest: hex(digest)? })
}

fn django_scrypt(rest: &str) -> Option<ParsedHash> {
    let [n, salt, r, p, digest] = parts(rest)?;
    Some(ParsedHash { method: scrypt_method(n, r, p)?, salt: salt.into(), digest: base64(digest)? })
}

/// Reads `ln=…,r=…,p=…$SALT$HASH`. It does not use the library for the PHC string format, which refuses a salt of fewer than 8
/// or more than 48 bytes: Django and Werkzeug write such salts, and [`write`] keeps them.
fn scrypt(rest: &str) -> Option<ParsedHash> {
    let [costs, salt, digest] = parts(rest)?;
    let [log_n, r, p] = costs.split(',').collect::<Vec<_>>().try_into().ok()?;
    let log_n = number(log_n.strip_prefix("ln=")?).filter(|log_n| *log_n < 64)?;
    let (r, p) = (number(r.strip_prefix("r=")?)?, number(p.strip_prefix("p=")?)?);
    Some(ParsedHash { method: Method::Scrypt { log_n, r, p }, salt: base64(salt)?, digest: base64(digest)? })
}
