//! A browser's fingerprint, read from JSON into the components that are compared.
//!
//! Invariant: a [`Fingerprint`] contains only normalised values of known components. It exists for one request, and
//! only [`Fingerprint::seal`] uses its values. Pictures have been replaced by their digests.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use super::debug_prints_only_the_name;
use super::normalise::canonical;
use super::sealed_fingerprint::{FingerprintKey, SealedFingerprint};
use super::weights::{MIN_WEIGHT, compared, weight_of};

/// The greatest length of a fingerprint as compact JSON, in bytes.
const MAX_BYTES: usize = 48 * 1024;
/// The greatest nesting depth of a field's value. The deepest known value, the plugin list of FingerprintJS, has five
/// levels.
const MAX_DEPTH: usize = 16;

/// A reason for which a value is not a fingerprint. The messages may be returned to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FingerprintError {
    /// The value is not a JSON object.
    #[error("the fingerprint must be an object")]
    NotAnObject,
    /// The object has more than [`Fingerprint::MAX_FIELDS`] fields. Contains the number of fields.
    #[error("the fingerprint may have at most {max} fields, this one has {0}", max = Fingerprint::MAX_FIELDS)]
    TooManyFields(usize),
    /// The object is too long. Contains its length in bytes as compact JSON, including the canvas.
    #[error("the fingerprint may be at most {MAX_BYTES} bytes long as JSON, this one is {0}")]
    TooLarge(usize),
    /// A value has arrays and objects that are nested deeper than 16 levels.
    #[error("the values of the fingerprint may be nested at most {MAX_DEPTH} deep")]
    TooDeep,
}

/// A fingerprint: the normalised components that a browser reports about its machine, by name.
#[derive(Clone)]
pub struct Fingerprint {
    values: BTreeMap<&'static str, String>,
}

debug_prints_only_the_name!(Fingerprint);

impl Fingerprint {
    /// The greatest number of fields.
    pub const MAX_FIELDS: usize = 64;

    /// Reads a JSON object with at most 64 fields, 48 KiB and 16 levels. Ignores unknown fields and fields without
    /// information (null, "", "unknown", "undefined"). An object that has only such fields is a valid fingerprint, but
    /// it binds no session to a device.
    ///
    /// # Errors
    /// [`FingerprintError`], with a variant for each limit.
    pub fn parse(value: &Value) -> Result<Self, FingerprintError> {
        let fields = value.as_object().ok_or(FingerprintError::NotAnObject)?;
        if fields.len() > Self::MAX_FIELDS {
            return Err(FingerprintError::TooManyFields(fields.len()));
        }
        // The depth is checked first, because the code below recurses without a limit of its own.
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

    /// Returns whether the fingerprint has enough weight to recognise a device.
    #[must_use]
    pub fn can_bind(&self) -> bool {
        weight_of(self.values.keys()) >= MIN_WEIGHT
    }

    /// Returns the sealed form of the fingerprint for one user. Only sealed fingerprints are stored and compared.
    #[must_use]
    pub fn seal(&self, key: &FingerprintKey, user_id: &Uuid) -> SealedFingerprint {
        let user = key.of_user(user_id);
        SealedFingerprint { macs: self.values.iter().map(|(name, value)| (*name, user.mac(name, value))).collect() }
    }
}

/// Returns whether arrays and objects in `value` are nested at most `depth` levels deep. A scalar has 0 levels.
fn nests_at_most(depth: usize, value: &Value) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| nests_at_most(depth - 1, item)),
        Value::Object(fields) => depth > 0 && fields.values().all(|field| nests_at_most(depth - 1, field)),
        _ => true,
    }
}
