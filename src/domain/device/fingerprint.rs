//! A browser's fingerprint, read from JSON into the components that are compared.
//!
//! Invariant: a [`Fingerprint`] contains only normalised values of known components. It exists for one request, and
//! only [`Fingerprint::seal`] uses its values. Pictures have been replaced by their digests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use super::common::tells_nothing;
use super::debug_prints_only_the_name;
use super::families::{derived_family, in_the_other_view, stored_by_scheme_1};
use super::normalise::{canonical, canonical_family};
use super::presented::PresentedFingerprint;
use super::sealed_fingerprint::{FingerprintKey, SealedFingerprint};
use super::weights::{COMPONENTS, Component, Form, MIN_WEIGHT, SHORT_LIST, Scheme, weight_of};

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
    /// The values by which scheme 2 compares.
    values: BTreeMap<&'static str, String>,
    /// The values by which scheme 1 compares.
    first: BTreeMap<&'static str, String>,
    /// The components that have the commonest value for their system and browser.
    told_nothing: BTreeSet<&'static str>,
    /// The names of the system and the browser, as they were reported.
    families: BTreeMap<&'static str, String>,
    /// Whether the machine has a touch screen.
    has_touch: bool,
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
        Ok(Self::of_components(fields))
    }

    /// Reads the known components of an object whose bounds were checked.
    fn of_components(fields: &serde_json::Map<String, Value>) -> Self {
        let mut read = Self {
            values: BTreeMap::new(),
            first: BTreeMap::new(),
            told_nothing: BTreeSet::new(),
            families: BTreeMap::new(),
            has_touch: false,
        };
        let mut plain = BTreeMap::new();
        for component in &COMPONENTS {
            let Some(value) = fields.get(component.name) else { continue };
            let canonical = canonical(component, value);
            read.first.extend(canonical.first.map(|text| (component.name, text)));
            read.values.extend(canonical.second.map(|text| (component.name, text)));
            plain.extend(canonical.plain.map(|text| (component.name, text)));
            if let (Form::Family, Some(name)) = (component.form, value.as_str()) {
                read.families.insert(component.name, name.trim().to_owned());
            }
        }
        // What a library reports without system and browser is judged by what else tells them.
        let family = |name: &str| plain.get(name).cloned().or_else(|| derived_family(name, fields)).unwrap_or_default();
        let (system, browser) = (family("os"), family("browser"));
        let is_guess = |name: &&'static str| {
            let told = plain.get(*name).is_some_and(|text| {
                tells_nothing(&system, &browser, name, text) || (*name == "fonts" && is_short_list(text))
            });
            told || (*name == "canvasPrint" && tells_nothing(&system, &browser, name, ""))
        };
        read.told_nothing = read.values.keys().copied().filter(|name| is_guess(name)).collect();
        read.has_touch = plain.get("touchPoints").is_some_and(|points| points != "0");
        read
    }

    /// Returns whether the fingerprint says enough about a machine, whether or not other machines say the same.
    #[must_use]
    pub fn says_enough(&self) -> bool {
        weight_of(self.first.keys(), Scheme::First) >= MIN_WEIGHT
    }

    /// Returns all known components, each with its weight and with what this fingerprint says of it. It contains no value.
    #[must_use]
    pub fn explain(&self) -> Vec<Explained> {
        let explain = |component: &Component| Explained {
            name: component.name,
            role: component.role.as_str(),
            weight: component.role.weight(),
            is_present: self.values.contains_key(component.name),
            is_common: self.told_nothing.contains(component.name),
        };
        COMPONENTS.iter().map(explain).collect()
    }

    /// Returns the sealed form of the fingerprint for one user. Only sealed fingerprints are stored and compared.
    #[must_use]
    pub fn seal(&self, key: &FingerprintKey, user_id: &Uuid) -> PresentedFingerprint {
        let of_scheme = |scheme, values: &BTreeMap<&'static str, String>| {
            let user = key.of_user(user_id, scheme);
            let stored = values.iter().filter(|(name, _)| super::weights::stored(name, scheme).is_some());
            SealedFingerprint { scheme, macs: stored.map(|(name, value)| (*name, user.mac(name, value))).collect() }
        };
        let user = key.of_user(user_id, Scheme::First);
        let first_families = self.families.iter().map(|(name, text)| {
            let words = stored_by_scheme_1(name, text);
            (*name, words.iter().map(|word| user.mac(name, &canonical_family(word))).collect())
        });
        let user = key.of_user(user_id, Scheme::Second);
        let system = self.families.get("os").map(|text| super::families::family_of("os", text));
        let other_view = system.filter(|_| self.has_touch).and_then(|system| in_the_other_view(&system));
        PresentedFingerprint {
            first: of_scheme(Scheme::First, &self.first),
            first_families: first_families.collect(),
            second: of_scheme(Scheme::Second, &self.values),
            told_nothing: self.told_nothing.clone(),
            system_in_the_other_view: other_view.map(|system| user.mac("os", &canonical_family(system))),
        }
    }
}

/// A component, and what a fingerprint says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The name of the field.
    pub name: &'static str,
    /// What a difference means: `veto`, `identifies`, `weighs`, `companion` or `ignored`.
    pub role: &'static str,
    /// The weight of the component, 0 to 6.
    pub weight: u32,
    /// Whether the fingerprint has the component.
    pub is_present: bool,
    /// Whether the value is the one that anybody would guess, so that it tells nothing.
    pub is_common: bool,
}

/// Returns whether all fonts of a list are on the short list.
fn is_short_list(fonts: &str) -> bool {
    fonts.split(',').map(str::trim).filter(|font| !font.is_empty()).all(|font| SHORT_LIST.contains(&font))
}

/// Returns whether arrays and objects in `value` are nested at most `depth` levels deep. A scalar has 0 levels.
fn nests_at_most(depth: usize, value: &Value) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| nests_at_most(depth - 1, item)),
        Value::Object(fields) => depth > 0 && fields.values().all(|field| nests_at_most(depth - 1, field)),
        _ => true,
    }
}
