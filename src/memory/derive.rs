//! The computation of password hashes. This is the only module that uses `argon2`, `bcrypt`, `pbkdf2` and `scrypt` for it.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use pbkdf2::pbkdf2_hmac;
use sha2::{Sha256, Sha512};

use crate::domain::password_hash::{Argon2Variant, Method, Pbkdf2Function};

/// The memory in which argon2 works.
pub(crate) type Blocks = Vec<Block>;

/// Computes the digest of a password: `length` bytes, or for bcrypt the characters of its format. Uses and enlarges `blocks` if
/// the method is argon2. The error says which parameter the library refuses.
pub(crate) fn derive(
    method: &Method,
    password: &[u8],
    salt: &[u8],
    length: usize,
    blocks: &mut Blocks,
) -> Result<Vec<u8>, String> {
    let mut digest = vec![0; length];
    match *method {
        Method::Argon2 { variant, version, memory_kib, passes, lanes } => {
            let params = Params::new(memory_kib, passes, lanes, Some(length)).map_err(text)?;
            let version = Version::try_from(version).map_err(text)?;
            let needed = params.block_count();
            if blocks.len() < needed {
                blocks.resize(needed, Block::default());
            }
            Argon2::new(algorithm(variant), version, params)
                .hash_password_into_with_memory(password, salt, &mut digest, &mut blocks[..needed])
                .map_err(text)?;
        }
        Method::Bcrypt { cost, input } => {
            let salt: [u8; 16] = salt.try_into().map_err(text)?;
            let hashed = bcrypt::hash_with_salt(&*input.prepare(password, &salt), cost, salt).map_err(text)?;
            digest = hashed.to_string().into_bytes().split_off(BCRYPT_DIGEST_AT);
        }
        Method::Pbkdf2 { function: Pbkdf2Function::Sha256, rounds } => {
            pbkdf2_hmac::<Sha256>(password, salt, rounds, &mut digest);
        }
        Method::Pbkdf2 { function: Pbkdf2Function::Sha512, rounds } => {
            pbkdf2_hmac::<Sha512>(password, salt, rounds, &mut digest);
        }
        Method::Scrypt { log_n, r, p } => {
            let params = scrypt::Params::new(log_n, r, p).map_err(text)?;
            scrypt::scrypt(password, salt, &params, &mut digest).map_err(text)?;
        }
    }
    Ok(digest)
}

/// The place of the digest in the text of a bcrypt hash.
const BCRYPT_DIGEST_AT: usize = 29;

fn algorithm(variant: Argon2Variant) -> Algorithm {
    match variant {
        Argon2Variant::D => Algorithm::Argon2d,
        Argon2Variant::I => Algorithm::Argon2i,
        Argon2Variant::Id => Algorithm::Argon2id,
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
