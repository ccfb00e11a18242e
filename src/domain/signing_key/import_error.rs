//! The errors of the import of a signing key.

/// The least number of bits of an RSA modulus (RFC 7518 §3.3).
pub(super) const LEAST_RSA_BITS: usize = 2048;

/// A reason for which a file cannot be imported as a signing key.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file contains no PEM block, or only blocks of an unknown kind.
    #[error("it is not a PEM file, which begins with `-----BEGIN PRIVATE KEY-----`")]
    NotPem,
    /// The text between the BEGIN and END lines is not base64.
    #[error("the text between its BEGIN and END lines is damaged")]
    Damaged,
    /// The key is encrypted with a passphrase.
    #[error(
        "it is encrypted; decrypt it first, with `openssl pkey -in FILE -out PLAIN.pem`, and delete that file afterwards"
    )]
    Encrypted,
    /// The file contains a public key or a certificate, but no private key. The text names which of the two.
    #[error("it holds a {0}; the private key is needed, without which nothing can be signed")]
    Public(&'static str),
    /// The file contains several private keys.
    #[error("it contains several private keys; import a file with only one")]
    Several,
    /// The private key has another format, such as the format of OpenSSH. The text is the label of the PEM block.
    #[error("it is of another format ({0}); write it as PKCS#8 first, with `openssl pkey` or `ssh-keygen -p -m PKCS8`")]
    Format(String),
    /// The RSA key is shorter than 2048 bits. Contains its number of bits.
    #[error("its RSA key has {0} bits; at least {least} are needed", least = LEAST_RSA_BITS)]
    Weak(usize),
    /// The public exponent of the RSA key is too small (FIPS 186-5 §A.1.1).
    #[error("its RSA key has a public exponent below 65537; make another key")]
    Exponent,
    /// The primes of the RSA key make it easy to factor (FIPS 186-5 §A.1.3).
    #[error(
        "the primes of its RSA key are too small, of unequal length, too close to each other or not prime; make another key"
    )]
    Primes,
    /// The key has a type, a length or a curve that this server does not use for signing.
    #[error("its key can't be used: it must be RSA of 2048 to 8192 bits, EC on P-256 or P-384, or Ed25519")]
    Unusable,
    /// The key does not belong to the requested algorithm.
    #[error("its key signs with {has}, not with {requested}")]
    Algorithm {
        /// The algorithm of the key.
        has: &'static str,
        /// The requested algorithm.
        requested: &'static str,
    },
}
