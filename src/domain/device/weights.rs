//! The table of the components that fingerprints are compared by.
//!
//! The weights come from measurements with FingerprintJS 3.4.2, ClientJS 0.1.11 and our own module, in Chromium 150 and
//! 156 and Firefox 153 on one machine. They show which fields change at which event. With these weights and the
//! thresholds 0.75 and 0.40 the scores are (`tests/measured.rs` has each event):
//!
//! - 0.81 or more for every everyday event,
//! - 0.60 to 0.69 for a private window or another monitor scale,
//! - 0.47 for resistFingerprinting,
//! - 0.25 to 0.38 for another Linux machine with the same browser.
//!
//! Invariant: each name occurs once. A component that is not in the table is neither compared nor stored.

/// Least weight of a baseline that is judged. Equality of one or two common values, such as the language or the number
/// of cores, proves nothing, and a browser that hides its features must not be at a disadvantage.
pub(super) const MIN_WEIGHT: u32 = 6;

/// The effect of a difference in a component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A different or missing value means another device, whatever the other components are.
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
    /// The items of a list in any order. The list is an array or a text with commas.
    Set,
    /// A picture. It is replaced by its digest when it is read.
    Picture,
}

/// A row of the table.
pub(super) struct Component {
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
    // The family stays the same at updates of the browser and of the library ("Chrome" became "Chrome Headless" with
    // ClientJS 0.2.1), and nobody changes it during a session.
    Component::new("os", Veto, Family),
    Component::new("browser", Veto, Family),
    // The most distinctive value of the old page script: it depends on fonts, driver and rasteriser. It changes only
    // with the pixel ratio and in private windows of Firefox, where it is new noise at each start.
    Component::new("canvasPrint", Weighted(3), Picture),
    // Renderer and driver, which only our own module sends. As distinctive as the canvas, without its noise.
    Component::new("gpu", Weighted(3), Whole),
    // These three did not change with an update, a time zone, a language or a screen. Only private windows of Firefox
    // report another number of cores. Each has few possible values, so it weighs less than a picture.
    Component::new("fonts", Weighted(2), Set),
    Component::new("cpu", Weighted(2), Whole),
    Component::new("hardwareConcurrency", Weighted(2), Whole),
    // Millions of machines share the same few values.
    Component::new("plugins", Weighted(1), Set),
    Component::new("deviceMemory", Weighted(1), Whole),
    Component::new("touchPoints", Weighted(1), Whole),
    // These change with another monitor, on a journey, or with the language of the browser, which also renames the time
    // zone.
    Component::new("screenPrint", Weighted(1), Whole),
    Component::new("timezone", Weighted(1), Whole),
    Component::new("language", Weighted(1), Whole),
    // Only the major version counts, because a point release is an everyday event.
    Component::new("osVersion", Weighted(1), Major),
    // A digest of all other values. It changed in 18 of 30 runs on one machine, with each real browser update and with
    // the setting for reduced motion. It can be compared only between runs of the same version of the same library.
    Component::new("visitorId", Weighted(1), Whole),
    // These change with every release, that is, every four weeks.
    Component::new("userAgent", Ignored, Whole),
    Component::new("browserVersion", Ignored, Whole),
];

/// Returns the row of a component that is compared. Returns `None` for a component that is unknown or [`Role::Shown`].
pub(super) fn compared(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.name == name && component.role != Ignored)
}

/// Returns the sum of the weights of the named components.
pub(super) fn weight_of<'n>(names: impl Iterator<Item = &'n &'static str>) -> u32 {
    let weight = |name: &&str| match compared(name).map(|component| component.role) {
        Some(Role::Weighted(weight)) => weight,
        _ => 0,
    };
    names.map(weight).sum()
}
