//! The secret of a confidential client, and the stored form that the configuration has of it.
//!
//! The secret is 256 random bits that we made, so one SHA-256 is enough: a slow hash makes guesses dear, and there is nothing
//! to guess. Invariant: secret and stored form are different types, and the second shows nothing that works if presented.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What stands before the hash, so that a later scheme can be told from this one.
const SCHEME: &str = "sha256$";

/// The secret of a client: base64url of 32 random bytes, 43 characters.
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// Takes 32 bytes fresh from a secure generator.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text that the client gets, for the one place that prints it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is configured in its place.
    pub fn hash(&self) -> ClientSecretHash {
        ClientSecretHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// `sha256$` and the base64url of the SHA-256 of a secret's text: the setting `clients.<id>.secret_hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecretHash([u8; 32]);

impl ClientSecretHash {
    /// Reads the one text that [`fmt::Display`] gives.
    ///
    /// # Errors
    /// A sentence that says what it must be, without the text: it may be a secret in the wrong place.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = "what `vestibule client secret ID` prints: sha256$ and 43 characters of base64url";
        let encoded = text.strip_prefix(SCHEME).filter(|encoded| encoded.len() == 43).ok_or(wrong)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| wrong)?;
        bytes.try_into().map(Self).map_err(|_| wrong)
    }

    /// Whether `presented` is the secret, in a time that does not depend on where it differs.
    pub fn matches(&self, presented: &str) -> bool {
        Sha256::digest(presented.as_bytes()).ct_eq(&self.0).into()
    }
}

impl fmt::Display for ClientSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for ClientSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecretHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_secret_and_no_other() {
        let secret = ClientSecret::from_bytes([7; 32]);
        let hash = ClientSecretHash::parse(&secret.hash().to_string()).expect("what it writes it reads");
        assert!(hash.matches(secret.reveal()));
        for other in ["", " ", "x", &format!("{} ", secret.reveal()), &secret.reveal()[1..], &hash.to_string()] {
            assert!(!hash.matches(other), "{other}");
        }
        assert_eq!(format!("{secret:?} {hash:?}"), "ClientSecret ClientSecretHash");
    }

    #[test]
    fn what_is_no_hash_is_refused_without_being_repeated() {
        let good = ClientSecret::from_bytes([7; 32]).hash().to_string();
        for text in ["", "sha256$", "sha512$x", &good[7..], &good[..49], &format!("{good}="), &good.replace('$', ":")] {
            let message = ClientSecretHash::parse(text).expect_err(text);
            assert!(text.len() < 8 || !message.contains(text), "{message}");
        }
        // Bits that say nothing: another text of the same bytes.
        assert!(ClientSecretHash::parse(&format!("{}B", &good[..49])).is_err());
    }
}
