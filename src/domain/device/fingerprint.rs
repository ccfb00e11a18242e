//! A fingerprint as a browser sent it, read into the components that we compare.
//!
//! Invariant: a [`Fingerprint`] holds normalised values of known components only, lives for one request and shows them
//! to nobody; the only way out of it is [`Fingerprint::seal`]. Pictures are digests already.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use super::debug_prints_only_the_name;
use super::normalise::canonical;
use super::sealed_fingerprint::{FingerprintKey, SealedFingerprint};
use super::weights::{LEAST_WEIGHT, compared, weight_of};

const MAX_BYTES: usize = 48 * 1024;
/// FingerprintJS's plugin list, the deepest value known, has five levels.
const MAX_DEPTH: usize = 16;

/// Why a value isn't a fingerprint. Each text is fit to be shown to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FingerprintError {
    /// Anything else than a JSON object.
    #[error("the fingerprint must be an object")]
    NotAnObject,
    /// So many fields.
    #[error("the fingerprint may have at most {max} fields, this one has {0}", max = Fingerprint::MAX_FIELDS)]
    TooManyFields(usize),
    /// So many bytes, counted as compact JSON and with the canvas in it.
    #[error("the fingerprint may be at most {MAX_BYTES} bytes long as JSON, this one is {0}")]
    TooLarge(usize),
    /// A value with more arrays and objects inside each other than any library makes.
    #[error("the values of the fingerprint may be nested at most {MAX_DEPTH} deep")]
    TooDeep,
}

/// What a browser says of its machine, normalised.
#[derive(Clone)]
pub struct Fingerprint {
    values: BTreeMap<&'static str, String>,
}

debug_prints_only_the_name!(Fingerprint);

impl Fingerprint {
    /// The most fields that it may have.
    pub const MAX_FIELDS: usize = 64;

    /// Reads an object of up to 64 fields, 48 KiB and 16 levels. Unknown fields are ignored, and so is a value that says
    /// nothing (null, "", "unknown", "undefined"); an object of only such fields is a fingerprint that binds nothing.
    ///
    /// # Errors
    /// [`FingerprintError`], a limit per variant.
    pub fn parse(value: &Value) -> Result<Self, FingerprintError> {
        let fields = value.as_object().ok_or(FingerprintError::NotAnObject)?;
        if fields.len() > Self::MAX_FIELDS {
            return Err(FingerprintError::TooManyFields(fields.len()));
        }
        // Before anything that recurses without a bound of its own.
        if !fields.values().all(|value| nests_at_most(MAX_DEPTH, value)) {
            return Err(FingerprintError::TooDeep);
        }
        let bytes = value.to_string().len();
        if bytes > MAX_BYTES {
            return Err(FingerprintError::TooLarge(bytes));
        }
        let known = fields.iter().filter_map(|(name, value)| {
            let component = compared(name)?;
            Some((component.name, canonical(component.form, value)?))
        });
        Ok(Self { values: known.collect() })
    }

    /// Whether it says enough to recognise the device by.
    #[must_use]
    pub fn can_bind(&self) -> bool {
        weight_of(self.values.keys()) >= LEAST_WEIGHT
    }

    /// The keyed form for one user, the only one that is ever stored or compared.
    #[must_use]
    pub fn seal(&self, key: &FingerprintKey, user_id: &Uuid) -> SealedFingerprint {
        let user = key.of_user(user_id);
        SealedFingerprint { macs: self.values.iter().map(|(name, value)| (*name, user.mac(name, value))).collect() }
    }
}

fn nests_at_most(depth: usize, value: &Value) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| nests_at_most(depth - 1, item)),
        Value::Object(fields) => depth > 0 && fields.values().all(|field| nests_at_most(depth - 1, field)),
        _ => true,
    }
}
