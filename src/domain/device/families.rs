//! The families of operating systems and browsers, with the names that parsers of user agents give them.
//!
//! A parser may rename a system with an update (ua-parser 2 says macOS where 1 said Mac OS), and another parser may be used
//! tomorrow. Two names of one family are equal, in any case of their letters.

use serde_json::{Map, Value};

use super::user_agent;

/// A family: its name here, the names of it, and the first words by which scheme 1 stored it.
struct Family {
    name: &'static str,
    /// In lower case. A name with further words behind it, such as a version, is the same family.
    names: &'static [&'static str],
    first_words: &'static [&'static str],
}

const fn family(name: &'static str, names: &'static [&'static str], first_words: &'static [&'static str]) -> Family {
    Family { name, names, first_words }
}

/// Operating systems. The distributions of Linux are one family, because some browsers name them and others do not.
const SYSTEMS: [Family; 6] = [
    family("Windows", &["windows", "win32", "win64"], &["Windows", "windows"]),
    family(
        "Mac",
        &["mac", "macos", "mac os", "os x", "osx", "macintosh", "darwin"],
        &["Mac", "macOS", "MacOS", "mac", "macos", "Macintosh", "OS", "Darwin"],
    ),
    family(
        "ChromeOS",
        &["chromium os", "chrome os", "chromeos", "chromiumos", "cros"],
        &["Chromium", "Chrome", "ChromeOS", "CrOS"],
    ),
    family(
        "Linux",
        &["linux", "gnu/linux", "ubuntu", "debian", "fedora", "arch", "mint", "suse", "opensuse", "x11"],
        &["Linux", "linux", "Ubuntu", "Debian", "Fedora", "GNU/Linux"],
    ),
    family("Android", &["android"], &["Android", "android"]),
    family(
        "iOS",
        &["ios", "ipados", "iphone os", "iphone", "ipad", "ipod"],
        &["iOS", "ios", "iPadOS", "iPhone", "iPad"],
    ),
];

/// Browsers. A name of the phone's version is a name of the browser.
const BROWSERS: [Family; 6] = [
    family(
        "Edge",
        &["edge", "microsoft edge", "msedge", "mobile edge", "edgios", "edga"],
        &["Edge", "edge", "Microsoft"],
    ),
    family("Opera", &["opera", "opr", "mobile opera"], &["Opera", "opera"]),
    family("Samsung", &["samsung", "samsungbrowser"], &["Samsung", "samsung"]),
    family("Firefox", &["firefox", "mozilla firefox", "mobile firefox", "fxios"], &["Firefox", "firefox", "Mozilla"]),
    family(
        "Chrome",
        &["chrome", "google chrome", "chromium", "headlesschrome", "headless chrome", "mobile chrome", "crios"],
        &["Chrome", "chrome", "Google", "Chromium", "chromium", "HeadlessChrome", "Headless"],
    ),
    family("Safari", &["safari", "mobile safari", "mobilesafari", "apple safari"], &["Safari", "safari", "Apple"]),
];

/// Returns the families of a component; an empty list if the component is no family.
fn families(component: &str) -> &'static [Family] {
    match component {
        "os" => &SYSTEMS,
        "browser" => &BROWSERS,
        _ => &[],
    }
}

/// Returns the family of a name; `None` for a name that is not in the table.
fn find(component: &str, text: &str) -> Option<&'static Family> {
    let text = text.trim().to_lowercase();
    let is_named = |name: &&&str| {
        text.strip_prefix(**name).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphabetic()))
    };
    families(component).iter().find(|family| family.names.iter().any(|name| is_named(&name)))
}

/// Returns the family of an operating system or a browser. For a name that is not in the table, it is the first word in lower
/// case, without a leading "mobile".
pub(super) fn family_of(component: &str, text: &str) -> String {
    find(component, text).map_or_else(|| first_word(text).to_lowercase(), |family| family.name.to_owned())
}

/// Returns the family of the system or the browser that other fields of a fingerprint name: the platform, the vendor or the
/// user agent, as FingerprintJS reports them. `None` if they name none.
pub(super) fn derived_family(component: &str, fields: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| {
        let field = fields.get(name)?;
        field.as_str().or_else(|| field.get("value").and_then(Value::as_str))
    };
    let by_platform = || {
        let platform = text("platform").filter(|_| component == "os")?;
        PLATFORMS.iter().find(|(start, _)| platform.starts_with(start)).map(|(_, family)| (*family).to_owned())
    };
    let by_user_agent = || {
        let described = user_agent::describe(text("userAgent")?)?;
        let (browser, system) = described.split_once(" on ")?;
        Some(family_of(component, if component == "os" { system } else { browser }))
    };
    let by_vendor = || {
        let vendor = text("vendor").filter(|_| component == "browser")?;
        VENDORS.iter().find(|(start, _)| vendor.starts_with(start)).map(|(_, family)| (*family).to_owned())
    };
    by_platform().or_else(by_user_agent).or_else(by_vendor)
}

/// The beginning of `navigator.platform`, and the system. A longer beginning precedes a shorter one.
const PLATFORMS: [(&str, &str); 9] = [
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iPod", "iOS"),
    ("Mac", "Mac"),
    ("Win", "Windows"),
    ("Android", "Android"),
    ("Linux arm", "Android"),
    ("Linux aarch64", "Android"),
    ("Linux", "Linux"),
];

/// The beginning of `navigator.vendor`, and the browser.
const VENDORS: [(&str, &str); 2] = [("Apple", "Safari"), ("Google", "Chrome")];

/// Returns the names by which scheme 1 stored the families that `text` may belong to: the first word of a name.
pub(super) fn stored_by_scheme_1(component: &str, text: &str) -> Vec<String> {
    let known = find(component, text).map_or(&[][..], |family| family.first_words);
    known.iter().map(|word| (*word).to_owned()).chain([first_word(text).to_owned()]).collect()
}

/// Returns the first word, without a leading "Mobile".
pub(super) fn first_word(text: &str) -> &str {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some(mobile), Some(second)) if mobile.eq_ignore_ascii_case("mobile") => second,
        (Some(first), _) => first,
        (None, _) => text,
    }
}

/// Returns the system that the same machine reports when its browser asks for the desktop view of pages, or back. `None` if
/// there is no such system.
pub(super) fn in_the_other_view(system: &str) -> Option<&'static str> {
    match system {
        "Android" => Some("Linux"),
        "Linux" => Some("Android"),
        "iOS" => Some("Mac"),
        "Mac" => Some("iOS"),
        _ => None,
    }
}
