//! Secrets of the operator: bytes that are wiped when dropped, never printed, and refused if they could be guessed.

use std::fmt;

use zeroize::Zeroizing;

/// The least number of bytes of a root secret.
pub const LEAST_ROOT_BYTES: usize = 32;

/// Secret bytes. They are wiped when dropped; `Debug` prints the type's name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes as they are.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for the one place that derives or signs with them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Checks that the secret has at least `least` bytes and can't be guessed.
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

/// Keys that documentation gives as examples and that contain none of [`SAMPLE_WORDS`].
const SAMPLE_KEYS: [&[u8]; 3] = [
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", // FastAPI's tutorial
    b"hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=",                     // Rocket's guide
    b"8Xui8SN4mI+7egV/9dlfYYLGQJeEx4+DwmSQLwDVXJg=",                     // Rocket's examples
];

/// The words that sample keys consist of, such as `supersecretkey`, `default_secret`, `your-256-bit-secret`. Of two words that
/// begin alike the longer one comes first.
const SAMPLE_WORDS: &str = "insecure password passphrase passwd changeme change default example sample production \
    development placeholder replace characters signing session django fastapi vestibule minimum \
    please should string random secret secure super least token admin \
    hs256 your this test long auth with bits key jwt";

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
    // The rest of a sample, with which it was padded, counts only if it would be long enough alone.
    rest.len() < plain.len() && (rest.len() < 16 || is_monotonous(rest.as_bytes()))
}

/// Returns whether a secret has few different bytes, a pattern that repeats, or a run such as `abcdef`.
fn is_monotonous(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let few = seen.iter().filter(|seen| **seen).count() < 8;

    let repeats_after = |period: usize| bytes.iter().skip(period).eq(bytes.iter().take(bytes.len() - period));
    let repeats = (1..=(bytes.len() / 2).min(31)).any(repeats_after);

    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    few || repeats || steps * 4 > bytes.len() * 3
}
