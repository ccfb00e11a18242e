//! The root secret, and the keys that are derived from it with HKDF-SHA-256 (RFC 5869), one key for each label.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    DerivedKey, aead,
    jwt::{base64url, from_base64url},
};

/// The name to which the ciphertext of a sealed first secret is bound.
const SEALED_AS: &str = "first secret";

/// The purpose of a derived key. Each purpose has its own label, so two purposes never have the same key.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// The key that seals private signing keys in the database.
    SealSigningKeys,
    /// The key that signs refresh tokens. It is never published.
    RefreshTokens,
    /// The key that hashes the `device_id` secrets.
    DeviceIds,
    /// The key for the MACs of fingerprint components.
    Fingerprints,
    /// The key from which CSRF tokens are computed.
    Csrf,
    /// The key that hashes login names: for the rate limits every typed name, and for the audit log the names that no
    /// user has.
    LoginNames,
    /// The key from which the password of the sample user is computed in the profile `dev`.
    SampleUser,
    /// The key for the recognition value, by which the server detects a root secret that does not belong to the
    /// database.
    Recognition,
    /// The key that seals the first root secret after another root secret has replaced it.
    SealFirstSecret,
}

impl Purpose {
    /// Returns the label (`info` of HKDF) of the purpose. If a label changes, the derived key changes too.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SealSigningKeys => b"vestibule v1 seal signing keys",
            Self::RefreshTokens => b"vestibule v1 refresh tokens",
            Self::DeviceIds => b"vestibule v1 device ids",
            Self::Fingerprints => b"vestibule v1 fingerprints",
            Self::Csrf => b"vestibule v1 csrf",
            Self::LoginNames => b"vestibule v1 unknown names",
            Self::SampleUser => b"vestibule v1 sample user",
            Self::Recognition => b"vestibule v1 recognition",
            Self::SealFirstSecret => b"vestibule v1 seal first secret",
        }
    }
}

/// The root secret: at least 32 random bytes that are stored outside the database. This type contains the pseudorandom
/// key that HKDF extracts from the bytes, not the bytes themselves.
#[derive(Clone)]
pub struct RootSecret(Zeroizing<[u8; 32]>);

impl RootSecret {
    /// Returns the root secret that consists of `bytes`. The code that reads the bytes has checked their length.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(Hkdf::<Sha256>::extract(None, bytes).0.into()))
    }

    /// Returns the key for one purpose.
    pub fn derive(&self, purpose: Purpose) -> DerivedKey {
        let mut key = Zeroizing::new([0; 32]);
        let extracted = Hkdf::<Sha256>::from_prk(self.0.as_slice()).expect("HKDF-SHA-256 extracts 32 bytes");
        extracted.expand(purpose.label(), key.as_mut_slice()).expect("HKDF-SHA-256 can expand to 32 bytes");
        DerivedKey::new(key)
    }

    /// Returns the recognition value: a text that identifies this secret without revealing it.
    pub fn recognition(&self) -> String {
        base64url(&self.derive(Purpose::Recognition).mac(&[]))
    }

    /// Returns this secret in its form for the database, sealed under a key of `successor`, the secret that replaces
    /// it.
    pub fn seal(&self, successor: &Self) -> String {
        base64url(&aead::seal(&successor.derive(Purpose::SealFirstSecret), SEALED_AS, self.0.as_slice()))
    }

    /// Opens the output of [`RootSecret::seal`]. Returns `None` if `self` is not the successor under which the secret
    /// was sealed, or if the text was altered.
    pub fn open(&self, sealed: &str) -> Option<Self> {
        let opened = aead::open(&self.derive(Purpose::SealFirstSecret), SEALED_AS, &from_base64url(sealed)?)?;
        Some(Self(Zeroizing::new(opened.as_slice().try_into().ok()?)))
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Returns the key of a purpose for the secret of the bytes 0 to 31, and the next purpose. The keys were computed by
    /// another implementation of HKDF.
    fn golden(purpose: Purpose) -> (&'static str, Option<Purpose>) {
        match purpose {
            Purpose::SealSigningKeys => {
                ("1923064446a95373cfb9fd800ed8ea2db3363f9b7918da7f66ac96b9ec1ec73a", Some(Purpose::RefreshTokens))
            }
            Purpose::RefreshTokens => {
                ("c95c5b62fbe589f32e1318881c7c7e6ca3ef9a449395bf7310047ddc67e456bf", Some(Purpose::DeviceIds))
            }
            Purpose::DeviceIds => {
                ("e637b7e77550536fb5bba5573395d135b7900f41e57d2b4c1771a94e89d31b17", Some(Purpose::Fingerprints))
            }
            Purpose::Fingerprints => {
                ("e3cbc6986819523fac03f6055eb546b9bd4b97f2a56c03e978812ee246201ad1", Some(Purpose::Csrf))
            }
            Purpose::Csrf => {
                ("614e545576ab3c4d75ee76017dcb9754c76fc5b6a67f91a0a35b80754588955b", Some(Purpose::LoginNames))
            }
            Purpose::LoginNames => {
                ("3038455fcac6aef7791ca247904d49eb812df6ef61e494953fa9f5665163b54e", Some(Purpose::SampleUser))
            }
            Purpose::SampleUser => {
                ("a126bd0cc9bf10eefc3637eaabf20f4d3b93fa4293d6554c0158bcf5b4c8695e", Some(Purpose::Recognition))
            }
            Purpose::Recognition => {
                ("a21863986e945c118d060e3f353ddef9bdd279c240f6e87a8d7e4dbbc4afbbab", Some(Purpose::SealFirstSecret))
            }
            Purpose::SealFirstSecret => ("c251f36b2467e7f8586e4f8ffa6cfd653f265a4142c05c6c583014d24768bf9a", None),
        }
    }

    /// Returns all purposes, as the rows of [`golden`] name them.
    fn purposes() -> Vec<Purpose> {
        std::iter::successors(Some(Purpose::SealSigningKeys), |purpose| golden(*purpose).1).collect()
    }

    /// Returns the key of a secret for a purpose, in hexadecimal digits.
    fn key(secret: &RootSecret, purpose: Purpose) -> String {
        secret.derive(purpose).bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn secret() -> RootSecret {
        RootSecret::new(&std::array::from_fn::<u8, 32, _>(|at| at as u8))
    }

    #[test]
    fn the_key_of_each_purpose_does_not_change() {
        // Everything that the database contains under a key must stay readable after an update of the server.
        for purpose in purposes() {
            assert_eq!(key(&secret(), purpose), golden(purpose).0, "{purpose:?}");
        }
    }

    #[test]
    fn each_purpose_and_each_secret_has_keys_of_its_own() {
        let other = RootSecret::new(&[0; 32]);
        let keys = |secret: &RootSecret| purposes().into_iter().map(|purpose| key(secret, purpose)).collect::<Vec<_>>();
        let all: BTreeSet<String> = keys(&secret()).into_iter().chain(keys(&other)).collect();
        assert_eq!((purposes().len(), all.len()), (9, 18));
    }

    #[test]
    fn a_sealed_secret_is_opened_by_its_successor_only() {
        let (first, successor) = (secret(), RootSecret::new(&[1; 32]));
        let sealed = first.seal(&successor);
        let opened = successor.open(&sealed).expect("it opens");
        assert_eq!(key(&opened, Purpose::RefreshTokens), key(&first, Purpose::RefreshTokens));
        assert!(first.open(&sealed).is_none() && RootSecret::new(&[2; 32]).open(&sealed).is_none());
    }
}
