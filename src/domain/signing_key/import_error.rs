//! Why a file gives no signing key.

/// Bits of an RSA modulus at the least (RFC 7518 §3.3).
pub(super) const LEAST_RSA_BITS: usize = 2048;

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
    #[error("its RSA key has {0} bits; at least {least} are needed", least = LEAST_RSA_BITS)]
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
