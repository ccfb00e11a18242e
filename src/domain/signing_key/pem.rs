//! Private keys in PEM (RFC 7468), as `openssl` and others write them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{ec, ed25519, rsa};
use crate::domain::jwt::{Algorithm, Family};

/// Why a file gives no signing key.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It has no PEM.
    #[error("it is not a PEM file, which begins with `-----BEGIN PRIVATE KEY-----`")]
    NotPem,
    /// What stands between the lines is not base64.
    #[error("what stands between its BEGIN and END lines is damaged")]
    Damaged,
    /// A passphrase protects it.
    #[error(
        "it is encrypted; decrypt it first, with `openssl pkey -in FILE -out PLAIN.pem`, and delete that file afterwards"
    )]
    Encrypted,
    /// A public key or a certificate.
    #[error("it holds a {0}; the private key is needed, without which nothing can be signed")]
    Public(&'static str),
    /// Several private keys.
    #[error("it holds several private keys; import a file with one")]
    Several,
    /// The format of OpenSSH, or another one.
    #[error("it is of another format ({0}); write it as PKCS#8 first, with `openssl pkey` or `ssh-keygen -p -m PKCS8`")]
    Format(String),
    /// An RSA key that is too short.
    #[error("its RSA key has {0} bits; at least {least} are needed", least = rsa::LEAST_BITS)]
    Weak(usize),
    /// An RSA key whose public exponent is too small (FIPS 186-5 §A.1.1).
    #[error("its RSA key has a public exponent below 65537; make another key")]
    Exponent,
    /// An RSA key that is easily factored (FIPS 186-5 §A.1.3).
    #[error("the primes of its RSA key are too small, of unequal length or too close to each other; make another key")]
    Primes,
    /// Of a kind that signs nothing here.
    #[error("its key can't be used: it must be RSA of 2048 to 8192 bits, EC on P-256 or P-384, or Ed25519")]
    Unusable,
    /// The key signs otherwise than was asked for.
    #[error("its key signs with {has}, not with {asked}")]
    Algorithm {
        /// What it can do.
        has: &'static str,
        /// What was asked for.
        asked: &'static str,
    },
}

/// A block between `BEGIN` and `END`.
struct Block<'t> {
    label: &'t str,
    body: &'t str,
}

/// The blocks of a text.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((label, after)) = rest.split_once("-----BEGIN ").and_then(|(_, rest)| rest.split_once("-----")) {
        let Some((body, after)) = after.split_once(&format!("-----END {label}-----")) else { break };
        found.push(Block { label, body });
        rest = after;
    }
    found
}

/// The algorithm of the one private key in a text, and its material.
pub(super) fn read(text: &str, rsa_algorithm: Algorithm) -> Result<(Algorithm, Zeroizing<Vec<u8>>), ImportError> {
    debug_assert_eq!(rsa_algorithm.family(), Family::Rsa);
    let blocks = blocks(text);
    let mut private = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    let block = match (private.next(), private.next()) {
        (Some(block), None) => block,
        (Some(_), Some(_)) => return Err(ImportError::Several),
        (None, _) => return Err(no_private_key(&blocks)),
    };
    // `Proc-Type: 4,ENCRYPTED` is how PKCS#1 and SEC 1 say it (RFC 1421 §4.6.1.1).
    if block.label == "ENCRYPTED PRIVATE KEY" || block.body.contains("ENCRYPTED") {
        return Err(ImportError::Encrypted);
    }
    if !matches!(block.label, "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY") {
        return Err(ImportError::Format(block.label.to_owned()));
    }
    let mut base64 = Zeroizing::new(String::with_capacity(block.body.len()));
    base64.extend(block.body.chars().filter(|c| !c.is_ascii_whitespace()));
    let der = Zeroizing::new(STANDARD.decode(base64.as_bytes()).map_err(|_| ImportError::Damaged)?);
    let ec = || ec::read(&der);
    let ed25519 = || ed25519::read(&der).map(|material| (Algorithm::EdDsa, material));
    let rsa = || rsa::read(&der).map(|material| (rsa_algorithm, material));
    match (ec().or_else(ed25519).or_else(rsa), rsa::bits(&der)) {
        (Some((algorithm, _)), Some(bits)) if algorithm.family() == Family::Rsa && bits < rsa::LEAST_BITS => {
            Err(ImportError::Weak(bits))
        }
        (Some((algorithm, material)), _) if algorithm.family() == Family::Rsa => {
            rsa::check_fips(&material).map(|()| (algorithm, material))
        }
        (Some(key), _) => Ok(key),
        // Shorter ones are refused by the library already.
        (None, Some(bits)) if (256..rsa::LEAST_BITS).contains(&bits) => Err(ImportError::Weak(bits)),
        (None, _) => Err(ImportError::Unusable),
    }
}

fn no_private_key(blocks: &[Block<'_>]) -> ImportError {
    match blocks.first().map(|block| block.label) {
        Some(label) if label.ends_with("PUBLIC KEY") => ImportError::Public("public key"),
        Some(label) if label.ends_with("CERTIFICATE") => ImportError::Public("certificate"),
        Some(_) | None => ImportError::NotPem,
    }
}
