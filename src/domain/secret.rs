//! Secrets that the operator configures. Their memory is overwritten when they are dropped, they are never printed, and
//! secrets that are easy to guess are refused.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The least number of bytes of a root secret.
pub const LEAST_ROOT_BYTES: usize = 32;

/// Secret bytes. Their memory is overwritten when they are dropped. `Debug` prints only the name of the type.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Wraps the bytes without a check.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes. Only code that creates keys from them calls this function.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns whether `presented` is the secret. The time of the comparison tells the length of the secret, and nothing else
    /// about it.
    pub fn is(&self, presented: &[u8]) -> bool {
        self.0.ct_eq(presented).into()
    }

    /// Checks that the secret has at least `least` bytes and is not easy to guess.
    ///
    /// # Errors
    /// A sentence that completes "the secret …".
    pub fn check(&self, least: usize) -> Result<(), String> {
        if self.0.len() < least {
            return Err(format!("must have at least {least} bytes, and has {}", self.0.len()));
        }
        if is_weak(&self.0) {
            return Err("is easy to guess (a repeated pattern, or a well-known sample); \
                        make one with `openssl rand -base64 48`"
                .to_owned());
        }
        Ok(())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Keys that are examples in the documentation of other projects and that contain none of [`SAMPLE_WORDS`].
const SAMPLE_KEYS: [&[u8]; 3] = [
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", // FastAPI's tutorial
    b"hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=",                     // Rocket's guide
    b"8Xui8SN4mI+7egV/9dlfYYLGQJeEx4+DwmSQLwDVXJg=",                     // Rocket's examples
];

/// The words of which sample keys consist, such as `supersecretkey`, `default_secret`, `your-256-bit-secret`. If one
/// word is the beginning of another word, the longer word comes first: the words are removed from a secret in this
/// order.
const SAMPLE_WORDS: &str = "insecure password passphrase passwd changeme change default example sample production \
    development placeholder replace characters signing session django fastapi vestibule minimum \
    please should string random secret secure super least token admin \
    hs256 your this test long auth with bits key jwt";

/// Returns whether a secret is a known example, is monotonous, or consists mainly of [`SAMPLE_WORDS`].
fn is_weak(secret: &[u8]) -> bool {
    if SAMPLE_KEYS.contains(&secret) || is_monotonous(secret) {
        return true;
    }
    let Ok(text) = std::str::from_utf8(secret) else { return false };
    let plain: Zeroizing<String> =
        Zeroizing::new(text.to_lowercase().chars().filter(|char| !"-_. ".contains(*char)).collect());
    let mut rest = plain.clone();
    for word in SAMPLE_WORDS.split_whitespace() {
        rest = Zeroizing::new(rest.replace(word, ""));
    }
    // A secret that contains sample words is weak, unless the rest has at least 16 bytes and is not monotonous.
    rest.len() < plain.len() && (rest.len() < 16 || is_monotonous(rest.as_bytes()))
}

/// Returns whether a secret is monotonous. It is monotonous in one of three cases: it has fewer than 8 different bytes;
/// it repeats a pattern of at most 31 bytes; or in more than about three quarters of the pairs of neighbouring bytes,
/// the two differ by at most 1, as in `abcdef`.
fn is_monotonous(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let few = seen.iter().filter(|seen| **seen).count() < 8;

    let repeats_after = |period: usize| bytes.iter().skip(period).eq(bytes.iter().take(bytes.len() - period));
    let repeats = (1..=(bytes.len() / 2).min(31)).any(repeats_after);

    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    few || repeats || steps * 4 > bytes.len() * 3
}
