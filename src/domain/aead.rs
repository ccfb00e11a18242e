//! Encryption of values in the database: AES-256-GCM under a key that is derived from the root secret. Each ciphertext
//! is bound to a name, so that it cannot be exchanged for another one. The stored form is the nonce, followed by the
//! ciphertext and its tag.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::DerivedKey;

/// Encrypts `plain` and binds the ciphertext to `name`.
pub(super) fn seal(key: &DerivedKey, name: &str, plain: &[u8]) -> Vec<u8> {
    let mut text = plain.to_vec();
    let nonce = sealing_key(key)
        .seal_in_place_append_tag(Aad::from(name), &mut text)
        .expect("AES-GCM seals anything this short");
    [nonce.as_ref().as_slice(), &text].concat()
}

/// Decrypts the output of [`seal`]. Returns `None` if it was sealed under another key or name, or was altered.
pub(super) fn open(key: &DerivedKey, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let length = sealing_key(key).open_in_place(nonce, Aad::from(name), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

fn sealing_key(key: &DerivedKey) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, key.bytes()).expect("AES-256 takes 32 bytes")
}
