//! The table of the components of a fingerprint, with the weight of each component.
//!
//! A weight is what a component tells apart: about the bits by which it distinguishes two machines with the same system and
//! the same browser, as -log2 of the probability that two of them have the same value. The probabilities are from 14,192
//! browsers (`common.rs` names the source). How long a value lasts is from 169 runs of Chromium 156 and Firefox 153 in their
//! modes on one machine, and from the measurements with FingerprintJS 3.4.2 and ClientJS 0.1.11.
//!
//! | component | bits | changes with | weight |
//! | --- | --- | --- | --- |
//! | `canvasPrint` | 8 among all browsers (AmIUnique 8.3) | scale of the screen, graphics backend, fonts | 6 |
//! | `gpu` | Chrome 3.5 to 6.2, Edge 5.5, Firefox 1.7, Safari 0 | the graphics backend or driver | 6 |
//! | `fonts`, a long list | Chrome on Windows 3.7 | installed programs | 4 |
//! | `fonts`, our short list | 0 within a system | | 0 |
//! | `hardwareConcurrency` | 1.6 to 3.1 | private windows of Firefox, virtual machines | 2 |
//! | `screenPrint` | 2.7 to 6 | another monitor, the scale | 2 |
//! | `deviceMemory` | 1.2 to 1.7 | a page without https, one update of Chrome | 1 |
//! | `plugins`, `cpu` | 0, more where a value is unusual | | 1 |
//! | `touchPoints` | 0.4 | resistFingerprinting | 0, but see below |
//! | `language`, `timezone` | known to the thief | a journey, a setting | 0 |
//! | `osVersion`, `visitorId` | 0, and 0 beyond those of which it is the digest | updates | 0 |
//!
//! The commonest value of a component tells nothing, so a baseline does not contain it (`common.rs`).
//!
//! Canvas, GPU and a long list of fonts *identify*: at least one of them must be equal. A baseline without any of them is not
//! binding: a session with it counts as not bound to a device, and only another system or browser is refused.
//!
//! The thresholds are 0.75 for a match and 0.40 for drift. `tests/measured.rs` has each event with its score.
//!
//! Invariant: each name occurs once. A component that is not in the table is neither compared nor stored.

/// The least weight of a baseline that is judged.
pub(super) const MIN_WEIGHT: u32 = 6;

/// The effect of a difference in a component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A different or missing value means another device, whatever the values of the other components are.
    Veto,
    /// The component counts with this weight, and one of the identifying components must be equal.
    Identifying(u32),
    /// The component counts with this weight.
    Weighted(u32),
    /// The component is stored, but compared only to recognise the desktop view of a phone or a tablet.
    Companion,
    /// The component is known, but neither compared nor stored.
    Ignored,
}

impl Role {
    /// Returns the word for the role.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Veto => "veto",
            Self::Identifying(_) => "identifies",
            Self::Weighted(_) => "weighs",
            Self::Companion => "companion",
            Self::Ignored => "ignored",
        }
    }

    /// Returns the weight; 0 for a component that has none.
    pub(super) const fn weight(self) -> u32 {
        match self {
            Self::Identifying(weight) | Self::Weighted(weight) => weight,
            Self::Veto | Self::Companion | Self::Ignored => 0,
        }
    }
}

/// The part of a component's value that is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The whole value.
    Whole,
    /// The family of an operating system or a browser.
    Family,
    /// The part of a version before the first separator.
    Major,
    /// The items of a list, in any order. The list is an array or a text with commas.
    Set,
    /// The digest of a picture. The picture is replaced by its digest when the fingerprint is read.
    Picture,
}

/// A row of the table.
pub(super) struct Component {
    /// The name of the field in the JSON object.
    pub(super) name: &'static str,
    pub(super) role: Role,
    /// The role in scheme 1, which baselines of version 0.1.0 have.
    pub(super) first: Role,
    pub(super) form: Form,
}

impl Component {
    const fn new(name: &'static str, role: Role, first: Role, form: Form) -> Self {
        Self { name, role, first, form }
    }

    /// Returns the role of the component in a scheme.
    pub(super) const fn role_in(&self, scheme: Scheme) -> Role {
        match scheme {
            Scheme::First => self.first,
            Scheme::Second => self.role,
        }
    }
}

use Form::{Family, Major, Picture, Set, Whole};
use Role::{Companion, Identifying, Ignored, Veto, Weighted};

/// All known components.
pub(super) const COMPONENTS: [Component; 17] = [
    Component::new("os", Veto, Veto, Family),
    Component::new("browser", Veto, Veto, Family),
    Component::new("canvasPrint", Identifying(6), Weighted(3), Picture),
    Component::new("gpu", Identifying(6), Weighted(3), Whole),
    Component::new("fonts", Identifying(4), Weighted(2), Set),
    Component::new("hardwareConcurrency", Weighted(2), Weighted(2), Whole),
    Component::new("screenPrint", Weighted(2), Weighted(1), Whole),
    Component::new("deviceMemory", Weighted(1), Weighted(1), Whole),
    Component::new("cpu", Weighted(1), Weighted(2), Whole),
    Component::new("plugins", Weighted(1), Weighted(1), Set),
    Component::new("touchPoints", Companion, Weighted(1), Whole),
    Component::new("timezone", Ignored, Weighted(1), Whole),
    Component::new("language", Ignored, Weighted(1), Whole),
    Component::new("osVersion", Ignored, Weighted(1), Major),
    Component::new("visitorId", Ignored, Weighted(1), Whole),
    // The list of devices takes these values from the header `User-Agent`.
    Component::new("userAgent", Ignored, Ignored, Whole),
    Component::new("browserVersion", Ignored, Ignored, Whole),
];

/// The fonts for which the browser module of this server looks. A list of these alone is short, and tells no machines of one
/// system apart.
pub(super) const SHORT_LIST: [&str; 20] = [
    "Arial", "Calibri", "Cambria", "Cantarell", "Consolas", "Courier New", "DejaVu Sans", "Futura", "Georgia",
    "Helvetica Neue", "Liberation Sans", "Menlo", "Noto Sans", "Roboto", "San Francisco", "Segoe UI", "Tahoma",
    "Times New Roman", "Ubuntu", "Verdana",
];

/// The version of the rules: which components count, how they are normalised, and the input of their MACs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// The rules of version 0.1.0. Its baselines continue until a fingerprint matches them; then they are replaced.
    First,
    /// The present rules.
    Second,
}

impl Scheme {
    /// Returns the number that is stored.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }
}

/// Returns the row of a component that is stored under a scheme; `None` for any other component.
pub(super) fn stored(name: &str, scheme: Scheme) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.name == name && component.role_in(scheme) != Ignored)
}

/// Returns the sum of the weights of the named components. A name without a weight counts as 0.
pub(super) fn weight_of<'n>(names: impl Iterator<Item = &'n &'static str>, scheme: Scheme) -> u32 {
    names.filter_map(|name| stored(name, scheme)).map(|component| component.role_in(scheme).weight()).sum()
}

/// Returns whether a baseline of these components can tell the device from others.
pub(super) fn can_bind<'n>(names: impl Iterator<Item = &'n &'static str> + Clone, scheme: Scheme) -> bool {
    let identifies = |name: &&str| stored(name, scheme).is_some_and(|row| matches!(row.role, Identifying(_)));
    weight_of(names.clone(), scheme) >= MIN_WEIGHT && (scheme == Scheme::First || names.clone().any(identifies))
}
