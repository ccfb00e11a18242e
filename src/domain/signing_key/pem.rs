//! The import of private keys in PEM (RFC 7468), as `openssl` and other programs write them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    ec, ed25519,
    import_error::{ImportError, LEAST_RSA_BITS},
    rsa,
};
use crate::domain::jwt::{Algorithm, Family};

/// A PEM block: the label of its BEGIN line, and the text up to its END line.
struct Block<'t> {
    label: &'t str,
    body: &'t str,
}

/// Returns the PEM blocks of a text. Stops at the first block without an END line.
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

/// Reads the only private key of a text. Returns the algorithm and the material of the key. The algorithm of an RSA key
/// is `rsa_algorithm`.
pub(super) fn read(text: &str, rsa_algorithm: Algorithm) -> Result<(Algorithm, Zeroizing<Vec<u8>>), ImportError> {
    debug_assert_eq!(rsa_algorithm.family(), Family::Rsa);
    let blocks = blocks(text);
    let mut private = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    let block = match (private.next(), private.next()) {
        (Some(block), None) => block,
        (Some(_), Some(_)) => return Err(ImportError::Several),
        (None, _) => return Err(no_private_key(&blocks)),
    };
    // PKCS#1 and SEC 1 mark encryption by `Proc-Type: 4,ENCRYPTED` (RFC 1421 §4.6.1.1).
    if block.label == "ENCRYPTED PRIVATE KEY" || block.body.contains("ENCRYPTED") {
        return Err(ImportError::Encrypted);
    }
    if !matches!(block.label, "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY") {
        return Err(ImportError::Format(block.label.to_owned()));
    }
    // The capacity suffices for the whole text. A reallocation would leave a part of the key in memory that is not
    // overwritten.
    let mut base64 = Zeroizing::new(String::with_capacity(block.body.len()));
    base64.extend(block.body.chars().filter(|c| !c.is_ascii_whitespace()));
    let der = Zeroizing::new(STANDARD.decode(base64.as_bytes()).map_err(|_| ImportError::Damaged)?);
    let ec = || ec::read(&der);
    let ed25519 = || ed25519::read(&der).map(|material| (Algorithm::EdDsa, material));
    let rsa = || rsa::read(&der).map(|material| (rsa_algorithm, material));
    match (ec().or_else(ed25519).or_else(rsa), rsa::bits(&der)) {
        (Some((algorithm, _)), Some(bits)) if algorithm.family() == Family::Rsa && bits < LEAST_RSA_BITS => {
            Err(ImportError::Weak(bits))
        }
        (Some((algorithm, material)), _) if algorithm.family() == Family::Rsa => {
            rsa::check_fips(&material).map(|()| (algorithm, material))
        }
        (Some(key), _) => Ok(key),
        // The library does not read an RSA key of fewer than 2048 bits. So the key is absent, but its length is known.
        // A number of fewer than 256 bits is not taken for a modulus.
        (None, Some(bits)) if (256..LEAST_RSA_BITS).contains(&bits) => Err(ImportError::Weak(bits)),
        (None, _) => Err(ImportError::Unusable),
    }
}

/// Returns the error for a text without a private key. It depends on the label of the first block.
fn no_private_key(blocks: &[Block<'_>]) -> ImportError {
    match blocks.first().map(|block| block.label) {
        Some(label) if label.ends_with("PUBLIC KEY") => ImportError::Public("public key"),
        Some(label) if label.ends_with("CERTIFICATE") => ImportError::Public("certificate"),
        Some(_) | None => ImportError::NotPem,
    }
}
