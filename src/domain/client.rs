//! The secret of a confidential client, and its hash, which is in the configuration.
//!
//! The secret is 256 random bits that this server generates. Such a secret cannot be guessed, so the hash is one
//! SHA-256 and not a slow password hash. Invariant: the secret and its hash are different types, and the hash is not
//! accepted as a secret.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{audience::StringOrUri, unicode};

/// The id of the client `default`, to which a request belongs if it names no client. This client is always configured.
pub const DEFAULT_CLIENT: &str = "default";

/// The length of the longest id of a client that is made at run time, in characters.
pub const MAX_ID_CHARS: usize = 64;

/// The length of the longest name of a client, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// Reads the id of a client that is made at run time.
///
/// # Errors
/// A message if the text does not have 1 to 64 letters, digits and `.`, `_`, `~`, `-` (the unreserved characters of RFC 3986).
pub fn check_id(text: &str) -> Result<String, &'static str> {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "._~-".contains(c));
    if text.is_empty() || text.len() > MAX_ID_CHARS || !is_plain {
        return Err("must have 1 to 64 letters, digits and . _ ~ -");
    }
    // Clients leave such a part of a path out (RFC 3986 §5.2.4).
    if matches!(text, "." | "..") {
        return Err("must not be . or ..");
    }
    Ok(text.to_owned())
}

/// Reads the name of a client for people.
///
/// # Errors
/// A message if the text is empty or too long, or has an invisible character.
pub fn check_name(text: &str) -> Result<String, &'static str> {
    let shown = unicode::normalise(text)?;
    unicode::refuse_invisible(&shown)?;
    if shown.is_empty() || shown.chars().count() > MAX_NAME_CHARS {
        return Err("must have 1 to 64 characters");
    }
    Ok(shown)
}

/// Reads an audience of a client.
///
/// # Errors
/// A message if the text is not a name or a URL of at most 255 characters.
pub fn check_audience(text: &str) -> Result<String, &'static str> {
    let audience = text.parse::<StringOrUri>().map(|audience| audience.to_string());
    audience.map_err(|()| "must be a name or a URL of at most 255 characters, without spaces")
}

/// The prefix of a hash. It names the hash function, so that a later version can accept another function too.
const SCHEME: &str = "sha256$";

/// The secret of a client: base64url of 32 random bytes, 43 characters.
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// Returns the secret that consists of 32 bytes. The caller passes new random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Returns the secret in clear text. Only the command that prints it for the client calls this function.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the hash of the secret for the configuration.
    pub fn hash(&self) -> ClientSecretHash {
        ClientSecretHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// The hash of a client secret, for the setting `clients.<id>.secret_hash`: `sha256$`, followed by the base64url of the
/// SHA-256 of the secret's text.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecretHash([u8; 32]);

/// Reads the text that [`fmt::Display`] writes. Accepts no other spelling.
impl FromStr for ClientSecretHash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let encoded = text.strip_prefix(SCHEME).filter(|encoded| encoded.len() == 43).ok_or(())?;
        URL_SAFE_NO_PAD.decode(encoded).ok().and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(())
    }
}

impl ClientSecretHash {
    /// Returns whether `presented` is the secret of this hash. Compares in constant time.
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
    fn a_hash_matches_its_secret_only() {
        let secret = ClientSecret::from_bytes([7; 32]);
        let hash = secret.hash().to_string().parse::<ClientSecretHash>().expect("the text of a hash");
        assert!(hash.matches(secret.reveal()));
        for other in ["", " ", "x", &format!("{} ", secret.reveal()), &secret.reveal()[1..], &hash.to_string()] {
            assert!(!hash.matches(other), "{other}");
        }
        assert_eq!(format!("{secret:?} {hash:?}"), "ClientSecret ClientSecretHash");
    }

    #[test]
    fn a_malformed_hash_is_refused() {
        let good = ClientSecret::from_bytes([7; 32]).hash().to_string();
        for text in ["", "sha256$", "sha512$x", &good[7..], &good[..49], &format!("{good}="), &good.replace('$', ":")] {
            text.parse::<ClientSecretHash>().expect_err(text);
        }
        // The last character has 2 unused bits, which must be zero. `B` sets one of them.
        assert!(format!("{}B", &good[..49]).parse::<ClientSecretHash>().is_err());
    }
}
