//! Encryption of values in the database: AES-256-GCM under a key that is derived from the root secret. Each ciphertext
//! is bound to a name as additional authenticated data. So a ciphertext that was moved to another row is rejected. The
//! stored form is the nonce (12 bytes), followed by the ciphertext and its tag (16 bytes).

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::DerivedKey;

/// Encrypts `plain` under a new random nonce and binds the ciphertext to `name`. Returns the stored form.
pub(super) fn seal(key: &DerivedKey, name: &str, plain: &[u8]) -> Vec<u8> {
    let mut text = plain.to_vec();
    let nonce = sealing_key(key)
        .seal_in_place_append_tag(Aad::from(name), &mut text)
        .expect("AES-GCM seals every text of this length");
    [nonce.as_ref().as_slice(), &text].concat()
}

/// Decrypts the output of [`seal`]. Returns `None` if the text was sealed under another key or name, was altered, or is
/// too short.
pub(super) fn open(key: &DerivedKey, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let length = sealing_key(key).open_in_place(nonce, Aad::from(name), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

/// Returns the key in the form of the library, which adds a new random nonce to each ciphertext.
fn sealing_key(key: &DerivedKey) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, key.bytes()).expect("AES-256 takes 32 bytes")
}
