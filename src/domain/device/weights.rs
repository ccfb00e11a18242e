//! The table of the components of a fingerprint, with the weight of each component.
//!
//! The weights come from measurements with FingerprintJS 3.4.2, ClientJS 0.1.11 and the browser module of this server,
//! in Chromium 150 and 156 and Firefox 153 on one machine. The measurements show which fields change at which event.
//! The default thresholds are 0.75 for a match and 0.40 for drift. With these weights, the scores are as follows
//! (`tests/measured.rs` has each event):
//!
//! - 0.81 or more for every everyday event,
//! - 0.60 to 0.69 for a private window or another monitor scale,
//! - 0.47 for resistFingerprinting,
//! - 0.25 to 0.38 for another Linux machine with the same browser.
//!
//! Invariant: each name occurs once. A component that is not in the table is neither compared nor stored.

/// The least weight of a baseline that is judged. If only one or two common values are equal, such as the language or
/// the number of cores, this proves nothing. A browser that hides its features must not be refused because of this.
pub(super) const MIN_WEIGHT: u32 = 6;

/// The effect of a difference in a component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A different or missing value means another device, whatever the values of the other components are.
    Veto,
    /// The component counts with this weight.
    Weighted(u32),
    /// The component is known, but neither compared nor stored, because it changes with every release. The list of
    /// devices takes such values from the header `User-Agent`.
    Ignored,
}

/// The part of a component's value that is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The whole value.
    Whole,
    /// The first word, without a leading "Mobile".
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
    pub(super) form: Form,
}

impl Component {
    const fn new(name: &'static str, role: Role, form: Form) -> Self {
        Self { name, role, form }
    }
}

use Form::{Family, Major, Picture, Set, Whole};
use Role::{Ignored, Veto, Weighted};

/// All known components.
pub(super) const COMPONENTS: [Component; 17] = [
    // The family stays the same when the browser or the library is updated: ClientJS 0.2.1 reports "Chrome Headless"
    // instead of "Chrome", which is the same family. Nobody changes the browser or the system during a session.
    Component::new("os", Veto, Family),
    Component::new("browser", Veto, Family),
    // The most distinctive value that ClientJS sends: it depends on fonts, driver and rasteriser. It changes only with
    // the pixel ratio and in private windows of Firefox, which add new noise at each start.
    Component::new("canvasPrint", Weighted(3), Picture),
    // The renderer and the driver, which only the browser module of this server sends. They are as distinctive as the
    // canvas and have no noise.
    Component::new("gpu", Weighted(3), Whole),
    // The following three components did not change with an update, another time zone, another language or another
    // screen. Only private windows of Firefox report another number of cores. Each of them has few possible values, so
    // its weight is less than the weight of the canvas.
    Component::new("fonts", Weighted(2), Set),
    Component::new("cpu", Weighted(2), Whole),
    Component::new("hardwareConcurrency", Weighted(2), Whole),
    // Millions of machines have the same values of the following three components.
    Component::new("plugins", Weighted(1), Set),
    Component::new("deviceMemory", Weighted(1), Whole),
    Component::new("touchPoints", Weighted(1), Whole),
    // The following three components change with another monitor, on a journey, or with the language of the browser.
    // The language also changes the name of the time zone.
    Component::new("screenPrint", Weighted(1), Whole),
    Component::new("timezone", Weighted(1), Whole),
    Component::new("language", Weighted(1), Whole),
    // Only the major version counts, because a point release is an everyday event.
    Component::new("osVersion", Weighted(1), Major),
    // A digest of all values that the library reads. It changed in 18 of 30 runs on one machine, also with each real
    // browser update and with the setting for reduced motion. Its values are comparable only if the same version of the
    // same library computed them.
    Component::new("visitorId", Weighted(1), Whole),
    // The following two components change with every release of the browser, that is, every four weeks.
    Component::new("userAgent", Ignored, Whole),
    Component::new("browserVersion", Ignored, Whole),
];

/// Returns the row of a component that is compared. Returns `None` for a component that is unknown or
/// [`Role::Ignored`].
pub(super) fn compared(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.name == name && component.role != Ignored)
}

/// Returns the sum of the weights of the named components. A name without a weight counts as 0.
pub(super) fn weight_of<'n>(names: impl Iterator<Item = &'n &'static str>) -> u32 {
    let weight = |name: &&str| match compared(name).map(|component| component.role) {
        Some(Role::Weighted(weight)) => weight,
        _ => 0,
    };
    names.map(weight).sum()
}
