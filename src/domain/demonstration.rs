//! What can happen to a browser between two refreshes, as the demonstration plays it: switches that change a fingerprint. The
//! changes are those that were measured with the browser module of this server (`tests/fixtures/fingerprint_events.json`).

use serde_json::{Map, Value, json};

/// A change of the browser, its settings or its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// The user has travelled to another time zone.
    TimeZone,
    /// The browser has updated itself to the next version.
    BrowserUpdate,
    /// The user has opened a private window.
    PrivateWindow,
    /// The setting `privacy.resistFingerprinting` of Firefox is on, as in Tor Browser.
    ResistFingerprinting,
    /// The user has opened another browser on the same machine.
    OtherBrowser,
    /// The request comes from another machine with the same system and the same browser.
    OtherMachine,
}

impl Switch {
    /// All switches.
    pub const ALL: [Self; 6] = [
        Self::TimeZone,
        Self::BrowserUpdate,
        Self::PrivateWindow,
        Self::ResistFingerprinting,
        Self::OtherBrowser,
        Self::OtherMachine,
    ];

    /// Returns the word for the switch in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimeZone => "time_zone",
            Self::BrowserUpdate => "browser_update",
            Self::PrivateWindow => "private_window",
            Self::ResistFingerprinting => "resist_fingerprinting",
            Self::OtherBrowser => "other_browser",
            Self::OtherMachine => "other_machine",
        }
    }

    /// Returns the switch for a word; `None` if there is no such switch.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|switch| switch.as_str() == word)
    }

    /// Returns what has happened, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::TimeZone => "Another time zone",
            Self::BrowserUpdate => "A browser update",
            Self::PrivateWindow => "A private window",
            Self::ResistFingerprinting => "Fingerprinting resistance",
            Self::OtherBrowser => "Another browser",
            Self::OtherMachine => "Another machine",
        }
    }

    /// Changes a fingerprint as the switch says.
    fn apply(self, fields: &mut Map<String, Value>) {
        let text = |fields: &Map<String, Value>, name: &str| {
            fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let is_firefox = text(fields, "browser") == "Firefox";
        let changes = match self {
            Self::TimeZone => {
                let is_there = text(fields, "timezone") == "Asia/Tokyo";
                json!({"timezone": if is_there { "Europe/Vienna" } else { "Asia/Tokyo" }})
            }
            Self::BrowserUpdate => {
                let version = text(fields, "browserVersion");
                let next = next_version(&version);
                json!({"userAgent": text(fields, "userAgent").replace(&version, &next), "browserVersion": next})
            }
            // Firefox then hides the number of cores. Chrome reveals in a private window what it reveals in any other.
            Self::PrivateWindow if is_firefox => json!({"visitorId": VISITOR, "hardwareConcurrency": 4}),
            Self::PrivateWindow => json!({}),
            Self::ResistFingerprinting => json!({
                "visitorId": VISITOR,
                "screenPrint": "Current Resolution: 1400x900, Available Resolution: 1400x900, Color Depth: 24, \
                    Device XDPI: undefined, Device YDPI: undefined",
                "timezone": "Atlantic/Reykjavik",
                "hardwareConcurrency": 4,
                "touchPoints": 5,
                "canvasPrint": null,
                "gpu": null,
            }),
            Self::OtherBrowser if is_firefox => json!({
                "visitorId": VISITOR,
                "browser": "Chrome",
                "browserVersion": "156.0.0.0",
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
                "canvasPrint": CANVAS,
                "gpu": "ANGLE (Mesa/X.org, llvmpipe (LLVM 15.0.6 256 bits), OpenGL 4.5)",
                "deviceMemory": 16,
            }),
            Self::OtherBrowser => json!({
                "visitorId": VISITOR,
                "browser": "Firefox",
                "browserVersion": "153.0",
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
                "canvasPrint": CANVAS,
                "gpu": "llvmpipe, or similar",
                "deviceMemory": "unknown",
            }),
            Self::OtherMachine => json!({
                "visitorId": VISITOR,
                "canvasPrint": CANVAS,
                "gpu": "ANGLE (AMD, AMD Radeon RX 7600 (radeonsi navi33), OpenGL 4.6)",
                "fonts": "Arial, Cantarell, Ubuntu",
                "hardwareConcurrency": 24,
                "screenPrint": "Current Resolution: 3440x1440, Available Resolution: 3440x1400, Color Depth: 30, \
                    Device XDPI: undefined, Device YDPI: undefined",
                "deviceMemory": 32,
            }),
        };
        let Value::Object(changes) = changes else { return };
        fields.extend(changes);
        fields.retain(|_, value| !value.is_null());
    }
}

/// A digest of the other browser and the other machine.
const VISITOR: &str = "79003d0241775356";

/// The drawing of the other browser and the other machine.
const CANVAS: &str = "97d3e8a0b2e7118b";

/// Returns a version whose first number is greater by one. A text that does not begin with a number stays as it is.
fn next_version(version: &str) -> String {
    let (major, rest) =
        version.split_once('.').map_or((version, String::new()), |(major, rest)| (major, format!(".{rest}")));
    major.parse::<u32>().map_or_else(|_| version.to_owned(), |major| format!("{}{rest}", major.saturating_add(1)))
}

/// Returns a fingerprint after all of these changes. They are made in the order of [`Switch::ALL`]. A value that is not an
/// object stays as it is.
pub fn changed(fingerprint: &Value, switches: &[Switch]) -> Value {
    let Value::Object(fields) = fingerprint else { return fingerprint.clone() };
    let mut fields = fields.clone();
    for switch in Switch::ALL.into_iter().filter(|switch| switches.contains(switch)) {
        switch.apply(&mut fields);
    }
    Value::Object(fields)
}

/// Returns the fingerprint of a sample machine: Chromium 156 on Linux, as the browser module of this server read it.
pub fn sample() -> Value {
    json!({
        "visitorId": "47338d3673166933",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
        "os": "Linux",
        "osVersion": "x86_64",
        "browser": "Chrome",
        "browserVersion": "156.0.0.0",
        "screenPrint": "Current Resolution: 2560x1440, Available Resolution: 2560x1440, Color Depth: 24, \
            Device XDPI: undefined, Device YDPI: undefined",
        "timezone": "Europe/Vienna",
        "language": "en-US",
        "cpu": "amd64",
        "plugins": "PDF Viewer, Chrome PDF Viewer, Chromium PDF Viewer, Microsoft Edge PDF Viewer, WebKit built-in PDF",
        "deviceMemory": 16,
        "hardwareConcurrency": 2,
        "touchPoints": 0,
        "fonts": "Arial, Courier New, DejaVu Sans, Liberation Sans, Times New Roman",
        "canvasPrint": "dfa5c78921424acf",
        "gpu": "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::device::{Fingerprint, FingerprintKey, Thresholds, Verdict, compare, judge};

    /// Returns the verdict on the sample browser after these changes.
    fn verdict(before: &Value, switches: &[Switch]) -> Verdict {
        let user = uuid::Uuid::nil();
        let key = FingerprintKey::from_bytes([7; 32]);
        let seal = |value: &Value| Fingerprint::parse(value).expect("a fingerprint").seal(&key, &user);
        let score = compare(&seal(before).baseline(), &seal(&changed(before, switches)));
        judge(&score, Thresholds::default())
    }

    #[test]
    fn everyday_changes_match_and_another_browser_or_machine_does_not() {
        let mut firefox = changed(&sample(), &[Switch::OtherBrowser]);
        firefox["canvasPrint"] = json!("8e32e56b410d1798");
        for before in [sample(), firefox] {
            for (switch, expected) in [
                (Switch::TimeZone, Verdict::Match),
                (Switch::BrowserUpdate, Verdict::Match),
                (Switch::PrivateWindow, Verdict::Match),
                (Switch::ResistFingerprinting, Verdict::Mismatch),
                (Switch::OtherBrowser, Verdict::Mismatch),
                (Switch::OtherMachine, Verdict::Mismatch),
            ] {
                assert_eq!(verdict(&before, &[switch]), expected, "{switch:?} of {before}");
            }
            assert_eq!(verdict(&before, &[]), Verdict::Match);
            assert_eq!(verdict(&before, &Switch::ALL), Verdict::Mismatch);
        }
    }

    #[test]
    fn an_update_changes_the_version_and_nothing_else() {
        let after = changed(&sample(), &[Switch::BrowserUpdate]);
        assert_eq!(after["browserVersion"], "157.0.0.0");
        assert!(after["userAgent"].as_str().is_some_and(|text| text.contains("Chrome/157.0.0.0")));
        assert_eq!(next_version("17.0"), "18.0");
        assert_eq!(next_version("153"), "154");
        assert_eq!(next_version("beta"), "beta");
        assert_eq!(next_version(""), "");
    }

    #[test]
    fn every_switch_has_a_word_and_changes_no_other_value_than_an_object() {
        for switch in Switch::ALL {
            assert_eq!(Switch::of_word(switch.as_str()), Some(switch));
        }
        assert_eq!(Switch::of_word("none"), None);
        for value in [json!([]), json!("x"), json!(null)] {
            assert_eq!(changed(&value, &Switch::ALL), value);
        }
        assert!(changed(&json!({}), &Switch::ALL).is_object());
        assert!(changed(&json!({"browser": 7, "browserVersion": [], "userAgent": {}}), &Switch::ALL).is_object());
    }
}
