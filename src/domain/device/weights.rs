//! The one table of what a fingerprint is compared by.
//!
//! The figures were measured with FingerprintJS 3.4.2 and ClientJS 0.1.11 and with our own module, in Chromium 150 and
//! 156 and Firefox 153 on one machine: which fields change at which event. With them and the thresholds 0.75 / 0.40
//! every everyday event scores 0.81 or more, a private window or another monitor scale 0.60 to 0.69, resistFingerprinting
//! 0.47, another Linux machine with the same browser 0.25 to 0.38 (`tests/measured.rs` holds each of them).
//!
//! Invariant: a name stands here once. What isn't here is neither compared nor kept.

/// A baseline lighter than this is not judged: agreement of one or two common values (a language, a core count) says
/// nothing, and a browser that hides its features must not be punished for it.
pub(super) const LEAST_WEIGHT: u32 = 6;

/// What a difference in a component does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Another value, or none, is another device whatever the rest says.
    Veto,
    /// Counts so much.
    Weighs(u32),
    /// Changes with every release, so it is for the list of devices; not compared, therefore not kept.
    Shown,
}

/// What of a component's value is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// All of it.
    Whole,
    /// The first word.
    Family,
    /// A version up to its first separator.
    Major,
    /// A list in any order, as an array or separated by commas.
    Set,
    /// A picture, replaced by its digest at once.
    Picture,
}

/// One row of the table.
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
use Role::{Shown, Veto, Weighs};

/// Every component that is known.
pub(super) const COMPONENTS: [Component; 17] = [
    // The family survives updates and library upgrades ("Chrome" became "Chrome Headless" with ClientJS 0.2.1), and
    // nobody changes it in the middle of a session.
    Component::new("os", Veto, Family),
    Component::new("browser", Veto, Family),
    // The most telling of what the old page script sends: fonts, driver and rasteriser in one. Changed only with the
    // pixel ratio, and in Firefox's private windows, where it is noise made anew at each start.
    Component::new("canvasPrint", Weighs(3), Picture),
    // Renderer and driver, from our own module only; as telling as the canvas and without its noise.
    Component::new("gpu", Weighs(3), Whole),
    // These three never changed through an update, a zone, a language or a screen; only Firefox's private windows
    // report another number of cores. Few values each, so less than a picture.
    Component::new("fonts", Weighs(2), Set),
    Component::new("cpu", Weighs(2), Whole),
    Component::new("hardwareConcurrency", Weighs(2), Whole),
    // The same few values for millions of machines.
    Component::new("plugins", Weighs(1), Set),
    Component::new("deviceMemory", Weighs(1), Whole),
    Component::new("touchPoints", Weighs(1), Whole),
    // Changes with another monitor, on a journey, and with the browser's language, which also renames the zone.
    Component::new("screenPrint", Weighs(1), Whole),
    Component::new("timezone", Weighs(1), Whole),
    Component::new("language", Weighs(1), Whole),
    // Only the major part: a point release is an everyday event.
    Component::new("osVersion", Weighs(1), Major),
    // A digest of everything at once: it changed in 18 of 30 runs on one machine, with each real browser update and
    // with a switch to reduced motion. It only means something from one version of one library.
    Component::new("visitorId", Weighs(1), Whole),
    // New with every release, every four weeks.
    Component::new("userAgent", Shown, Whole),
    Component::new("browserVersion", Shown, Whole),
];

/// The row of a component that is compared; `None` for what is only shown or unknown.
pub(super) fn compared(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.name == name && component.role != Shown)
}

/// The weight of the components of these names.
pub(super) fn weight_of<'n>(names: impl Iterator<Item = &'n &'static str>) -> u32 {
    let weight = |name: &&str| match compared(name).map(|component| component.role) {
        Some(Role::Weighs(weight)) => weight,
        _ => 0,
    };
    names.map(weight).sum()
}
