//! The secret values that must not be found, and the search for them.

use std::collections::BTreeMap;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use sha2::{Digest as _, Sha256};

use crate::process::Answer;

/// The secret values, each with a description.
#[derive(Default)]
pub(crate) struct Secrets {
    texts: BTreeMap<String, String>,
    /// Values of 256 random bits, as bytes. A digest of such a value reveals nothing, so it may be stored.
    random: BTreeMap<Vec<u8>, String>,
}

impl Secrets {
    /// Adds a value. `what` describes it.
    pub(crate) fn add(&mut self, what: &str, value: &str) {
        assert!(value.len() >= 6, "{what} is too short to be told from chance: {value:?}");
        self.texts.insert(value.to_owned(), what.to_owned());
    }

    /// Adds a token, its claims and its signature.
    pub(crate) fn token(&mut self, what: &str, token: &str) {
        self.add(what, token);
        for part in token.split('.').skip(1) {
            self.add(&format!("a part of {what}"), part);
        }
    }

    /// Adds a value, its encodings and its SHA-256 digests: if there are few values of its kind, the value could be guessed
    /// from a digest.
    pub(crate) fn value(&mut self, what: &str, value: &str) {
        self.add(what, value);
        let digest = Sha256::digest(value.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let forms = [STANDARD.encode(digest), URL_SAFE_NO_PAD.encode(digest), hex[..32].to_owned()];
        for form in forms.into_iter().chain([STANDARD.encode(value), URL_SAFE_NO_PAD.encode(value)]) {
            self.add(&format!("{what}, encoded"), form.trim_end_matches('='));
        }
        // The digest cut to 128 bits, because stored digests are often cut.
        self.add(&format!("{what}, encoded"), &URL_SAFE_NO_PAD.encode(&digest[..16]));
    }

    /// Adds a value that is the base64url of 32 random bytes: as text, decoded, and encoded once more.
    pub(crate) fn random(&mut self, what: &str, value: &str) {
        let bytes = URL_SAFE_NO_PAD.decode(value).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(bytes.len(), 32, "{what}");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let texts = [value.to_owned(), STANDARD.encode(&bytes), STANDARD.encode(value), hex.to_uppercase(), hex];
        let texts = texts.into_iter().map(|text| text.trim_end_matches('=').as_bytes().to_vec());
        for form in texts.chain([bytes]) {
            self.random.insert(form, what.to_owned());
        }
    }

    /// Adds the tokens, the device id, the CSRF token and the cookies of a response.
    pub(crate) fn answer(&mut self, what: &str, answer: &Answer) {
        for field in ["access_token", "refresh_token"] {
            if let Some(token) = answer.body[field].as_str() {
                self.token(&format!("the {field} of {what}"), token);
            }
        }
        for field in ["device_id", "csrf_token"] {
            if let Some(value) = answer.body[field].as_str() {
                self.value(&format!("the {field} of {what}"), value);
            }
        }
        for (name, value) in answer.cookies.iter().filter(|(_, value)| !value.is_empty()) {
            self.add(&format!("the cookie {name} of {what}"), value);
        }
    }

    /// Returns the descriptions of the secrets that these bytes contain, as text or as a SHA-256 digest in binary form.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let raw_digests = self
            .texts
            .iter()
            .filter(|(value, _)| value.len() < 200)
            .map(|(value, what)| (Sha256::digest(value.as_bytes()).to_vec(), what));
        let texts = self.texts.iter().map(|(value, what)| (value.as_bytes().to_vec(), what));
        let random = self.random.iter().map(|(value, what)| (value.clone(), what));
        let finds = |needle: &[u8]| memmem(bytes, needle);
        texts.chain(raw_digests).chain(random).filter(|(needle, _)| finds(needle)).map(|(_, what)| &**what).collect()
    }
}

/// Returns whether `needle` is in `hay`. For speed, compares the other bytes only where the first byte of `needle` was found.
pub(crate) fn memmem(hay: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let mut from = 0;
    while let Some(at) = hay[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if hay[from..].starts_with(rest) {
            return true;
        }
    }
    false
}
