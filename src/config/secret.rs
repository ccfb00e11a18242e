//! Secrets: bytes that are wiped when dropped, never printed, and refused when they could be guessed.

use std::{fmt, fs::File, io::Read as _, path::Path};

use figment::value::Value;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::setting::Setting;

/// What stands in for a secret wherever a configuration is shown.
pub(super) const REDACTED: &str = "[redacted]";

/// What a root secret needs to be beyond guessing.
pub(super) const LEAST_ROOT_BYTES: usize = 32;

/// More than any key needs; keeps `/dev/zero` from being read to its end.
const LONGEST_FILE: u64 = 4096;

/// Secret bytes. Wiped on drop; `Debug` prints the type's name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The bytes, for the one place that derives or signs with them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// What is to become the root secret, from a file as `root_secret_file` names one.
    ///
    /// # Errors
    /// A sentence: the file can't be read, or what it holds could be guessed.
    pub fn root_from_file(path: &Path) -> Result<Self, String> {
        let secret = Self::from_file(path)?;
        secret.check(LEAST_ROOT_BYTES)?;
        Ok(secret)
    }

    /// The content of `path`; the line end that an editor leaves behind a text is not part of it.
    pub(super) fn from_file(path: &Path) -> Result<Self, String> {
        let mut bytes = Zeroizing::new(Vec::new());
        File::open(path)
            .and_then(|file| file.take(LONGEST_FILE + 1).read_to_end(&mut bytes))
            .map_err(|error| format!("can't be read: {error}"))?;
        if bytes.len() as u64 > LONGEST_FILE {
            return Err(format!("must be a file of at most {LONGEST_FILE} bytes"));
        }
        // Random bytes may end in a line feed that belongs to them; a text may not.
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let length = text.trim_end_matches(['\r', '\n']).len();
            bytes.truncate(length);
        }
        Ok(Self(bytes))
    }

    /// Refuses a secret shorter than `least` bytes, or one that a guesser tries early.
    pub(super) fn check(&self, least: usize) -> Result<(), String> {
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

impl Setting for Secret {
    fn parse(value: &Value) -> Result<Self, String> {
        let text = value.as_str().ok_or("a text in quotes")?;
        Ok(Self(Zeroizing::new(text.as_bytes().to_vec())))
    }

    fn show(&self) -> Json {
        json!(REDACTED)
    }
}

/// Keys that documentation gives as examples and that contain none of [`SAMPLE_WORDS`].
const SAMPLE_KEYS: [&[u8]; 3] = [
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", // FastAPI's tutorial
    b"hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=",                     // Rocket's guide
    b"8Xui8SN4mI+7egV/9dlfYYLGQJeEx4+DwmSQLwDVXJg=",                     // Rocket's examples
];

/// What sample keys are made of, such as `supersecretkey`, `default_secret`, `your-256-bit-secret`. The
/// longer of two that begin alike comes first.
const SAMPLE_WORDS: [&str; 40] = [
    "insecure",
    "password",
    "passphrase",
    "passwd",
    "changeme",
    "change",
    "default",
    "example",
    "sample",
    "production",
    "development",
    "placeholder",
    "replace",
    "characters",
    "signing",
    "session",
    "django",
    "fastapi",
    "vestibule",
    "minimum",
    "please",
    "should",
    "string",
    "random",
    "secret",
    "secure",
    "super",
    "least",
    "token",
    "admin",
    "hs256",
    "your",
    "this",
    "test",
    "long",
    "auth",
    "with",
    "bits",
    "key",
    "jwt",
];

fn is_weak(secret: &[u8]) -> bool {
    if SAMPLE_KEYS.contains(&secret) || is_monotonous(secret) {
        return true;
    }
    let Ok(text) = std::str::from_utf8(secret) else { return false };
    let plain: Zeroizing<String> =
        Zeroizing::new(text.to_lowercase().chars().filter(|char| !"-_. ".contains(*char)).collect());
    let mut rest = plain.clone();
    for word in SAMPLE_WORDS {
        rest = Zeroizing::new(rest.replace(word, ""));
    }
    // What a sample was padded with counts for nothing unless it would do by itself.
    rest.len() < plain.len() && (rest.len() < 16 || is_monotonous(rest.as_bytes()))
}

/// Few different bytes, a pattern that repeats, or a run such as `abcdef`.
fn is_monotonous(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let few = seen.iter().filter(|seen| **seen).count() < 8;

    let repeats_after = |period: usize| bytes.iter().skip(period).eq(bytes.iter().take(bytes.len() - period));
    let repeats = (1..=(bytes.len() / 2).min(31)).any(repeats_after);

    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    few || repeats || steps * 4 > bytes.len() * 3
}
