//! The commonest values of the components, for each family of systems and browsers.
//!
//! This is what a thief sends who knows the victim's browser and nothing else. So a component with such a value tells nothing:
//! it is not part of a baseline. The thief's fingerprint then scores 0 against every machine, whatever values it has.
//!
//! The values are the most frequent of the browsers that visited the sites behind the package `apify_fingerprint_datapoints`
//! 0.15.0 of August 2026 (14,192 browsers; Chrome on Windows 7,376, Chrome on macOS 2,773, Safari on macOS 1,254, Safari on
//! iPhone 1,028, Edge 1,000, Chrome on Android 311, Chrome on Linux 303, Firefox 84). The plugins are those that the HTML
//! standard hard-codes for a browser with a viewer of PDF.

/// The values of a component that tell nothing.
enum Values {
    /// All values: machines of one model have the same.
    All,
    /// These values, each as normalised text.
    Texts(&'static [&'static str]),
    /// The values that contain one of these texts. The second part is the commonest of them.
    Containing(
        &'static [&'static str],
        #[cfg_attr(not(test), expect(dead_code, reason = "what a thief sends in the tests"))] &'static str,
    ),
    /// These resolutions of the screen: the longer side and the shorter side.
    Resolutions(&'static [(u32, u32)]),
}

/// A row of the table: for which systems and browsers (all if empty), which component, which values.
struct Row(&'static [&'static str], &'static [&'static str], &'static str, Values);

use Values::{All, Containing, Resolutions, Texts};

const ROWS: [Row; 28] = [
    // All iPhones of a model draw alike, and so do all Macs with one chip in Safari. Safari 26 also adds noise to each session.
    Row(&["iOS"], &[], "canvasPrint", All),
    Row(&[], &["Safari"], "canvasPrint", All),
    // Every browser of Apple's engine has this renderer (99.9 %).
    Row(&[], &[], "gpu", Texts(&["Apple GPU"])),
    Row(&["iOS"], &[], "fonts", All),
    // Safari shows a page the fonts of the system and no others.
    Row(&[], &["Safari"], "fonts", All),
    Row(
        &["Windows"],
        &["Chrome", "Edge", "Opera"],
        "gpu",
        // 6.3 % of Chrome, 10.0 % of Edge; 3.5 %.
        Texts(&[
            "ANGLE (Intel, Intel(R) Iris(R) Xe Graphics (0x00009A49) Direct3D11 vs_5_0 ps_5_0, D3D11)",
            "ANGLE (Intel, Intel(R) UHD Graphics 620 (0x00005917) Direct3D11 vs_5_0 ps_5_0, D3D11)",
        ]),
    ),
    // Firefox reports one of a few groups of renderers: of nearly all machines with a graphics card one of these.
    Row(
        &[],
        &["Firefox"],
        "gpu",
        Containing(
            &["NVIDIA", "GeForce", "Intel", "Radeon", "AMD", "Apple", "Adreno", "Mali"],
            "ANGLE (NVIDIA, NVIDIA GeForce GTX 980 Direct3D11 vs_5_0 ps_5_0), or similar", // 40 %
        ),
    ),
    // The chip is the model, and there are about twelve.
    Row(
        &["Mac"],
        &["Chrome", "Edge", "Opera"],
        "gpu",
        Containing(&["Apple M"], "ANGLE (Apple, ANGLE Metal Renderer: Apple M4, Unspecified Version)"), // 16.6 %
    ),
    Row(&["Android"], &[], "gpu", Texts(&["Adreno (TM) 830"])), // 6.1 %
    Row(
        &["Linux"],
        &["Chrome"],
        "gpu",
        Texts(&["ANGLE (AMD, AMD Radeon Graphics (radeonsi renoir ACO), OpenGL ES 3.2)"]), // 5.3 %
    ),
    Row(&["Windows"], &["Chrome", "Edge"], "hardwareConcurrency", Texts(&["8"])), // 27 %, 30 %
    Row(&["Windows"], &["Firefox"], "hardwareConcurrency", Texts(&["16"])),       // 40 %
    Row(&["Mac"], &[], "hardwareConcurrency", Texts(&["8"])),                     // 33 %, Safari 95 %
    Row(&["iOS"], &[], "hardwareConcurrency", Texts(&["4"])),                     // 99.4 %
    Row(&["Android"], &[], "hardwareConcurrency", Texts(&["8"])),                 // 73 %
    Row(&["Linux"], &["Chrome"], "hardwareConcurrency", Texts(&["12"])),          // 20 %
    Row(&["Linux"], &["Firefox"], "hardwareConcurrency", Texts(&["8"])),          // 47 %
    Row(&["Windows", "Mac"], &[], "deviceMemory", Texts(&["16"])),                // 39 %, 43 %
    Row(&["Linux", "Android", "ChromeOS"], &[], "deviceMemory", Texts(&["8"])),   // 46 %, 52 %
    // 26.5 % and 23.7 %.
    Row(&["Windows"], &[], "screenPrint", Resolutions(&[(1920, 1080), (1536, 864)])),
    Row(&["Mac"], &["Chrome", "Edge", "Firefox"], "screenPrint", Resolutions(&[(1920, 1080)])),
    Row(&["Mac"], &["Safari"], "screenPrint", Resolutions(&[(1470, 956)])), // 8.1 %
    Row(&["iOS"], &[], "screenPrint", Resolutions(&[(852, 393)])),          // 23 %
    Row(&["Android"], &[], "screenPrint", Resolutions(&[(800, 360)])),      // 7.1 %
    Row(&["Linux", "ChromeOS"], &[], "screenPrint", Resolutions(&[(1920, 1080)])), // 26 %
    Row(
        &[],
        &[],
        "plugins",
        // 60 % to 99.9 %.
        Texts(&["PDF Viewer, Chrome PDF Viewer, Chromium PDF Viewer, Microsoft Edge PDF Viewer, WebKit built-in PDF"]),
    ),
    Row(&["Windows", "Linux", "ChromeOS"], &[], "cpu", Texts(&["amd64", "x86_64", "Win32", "Linux x86_64"])),
    Row(
        &["Mac", "iOS", "Android"],
        &[],
        "cpu",
        Texts(&["MacIntel", "iPhone", "iPad", "Linux armv81", "Linux armv8l", "Linux aarch64"]),
    ),
];

/// Returns whether a component with this text has the value that anybody would guess who knows the system and the browser. If
/// one of them is not known (an empty text), a value that is common on any system, or in any browser, tells nothing.
pub(super) fn tells_nothing(system: &str, browser: &str, component: &str, text: &str) -> bool {
    let names = |all: &[&str], one: &str| all.is_empty() || all.contains(&one);
    let covers = |row: &Row| names(row.0, system) && names(row.1, browser);
    let may_cover =
        |row: &Row| (system.is_empty() || names(row.0, system)) && (browser.is_empty() || names(row.1, browser));
    ROWS.iter().filter(|row| row.2 == component && may_cover(row)).any(|row| match row.3 {
        All => covers(row),
        Containing(parts, _) => parts.iter().any(|part| text.contains(part)),
        Texts(texts) => texts.iter().any(|known| is_same(component, known, text)),
        Resolutions(known) => resolution(text).is_some_and(|size| known.contains(&size)),
    })
}

/// Returns whether two texts are the same value. The plugins are a set.
fn is_same(component: &str, known: &str, text: &str) -> bool {
    let set = |text: &str| {
        let mut items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
        items.retain(|item| !item.is_empty());
        items.sort_unstable();
        items
    };
    if component == "plugins" { set(known) == set(text) } else { known == text.trim() }
}

/// Returns the resolution in the text of ClientJS, the longer side first; `None` for another text.
fn resolution(text: &str) -> Option<(u32, u32)> {
    let size = text.strip_prefix("Current Resolution: ")?.split(',').next()?;
    let (width, height) = size.split_once('x')?;
    let (width, height) = (width.trim().parse::<u32>().ok()?, height.trim().parse::<u32>().ok()?);
    Some((width.max(height), width.min(height)))
}

/// Returns the fingerprint that a thief would send: the commonest values for a system and a browser.
#[cfg(test)]
pub(super) fn commonest(system: &str, browser: &str) -> serde_json::Value {
    let covers = |all: &[&str], one: &str| all.is_empty() || all.contains(&one);
    let mut fields = serde_json::Map::new();
    for row in ROWS.iter().filter(|row| covers(row.0, system) && covers(row.1, browser)) {
        let value = match row.3 {
            All => continue,
            Containing(_, commonest) => commonest.to_owned(),
            Texts(texts) => texts[0].to_owned(),
            Resolutions(sizes) => format!("Current Resolution: {}x{}, Color Depth: 24", sizes[0].0, sizes[0].1),
        };
        fields.entry(row.2).or_insert(value.into());
    }
    serde_json::Value::Object(fields)
}
