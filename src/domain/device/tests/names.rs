//! Tests of device names: sent by a client, and derived from a user agent.

use super::*;

/// Pairs of a user agent and the expected name.
const CASES: [(&str, Option<&str>); 33] = [
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
        Some("Chrome 156 on Linux"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
        Some("Chrome 156 on Windows"),
    ),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
        Some("Chrome 150 on ChromeOS"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
        Some("Chrome 156 on Android"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/125.0.6422.80 Mobile/15E148 Safari/604.1",
        Some("Chrome 125 on iOS"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
        Some("Edge 156 on Windows"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36 EdgA/124.0.2478.64",
        Some("Edge 124 on Android"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/124.0.2478.71 Mobile/15E148 Safari/605.1.15",
        Some("Edge 124 on iOS"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
        Some("Edge 18 on Windows"),
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0",
        Some("Opera 110 on macOS"),
    ),
    ("Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18", Some("Opera 12 on Windows")),
    ("Opera/7.0 (Windows NT 5.1)", Some("Opera 7 on Windows")),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        Some("Samsung Internet 25 on Android"),
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", Some("Firefox 153 on Linux")),
    ("Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0", Some("Firefox 126 on Android")),
    (
        "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/126.0 Mobile/15E148 Safari/605.1.15",
        Some("Firefox 126 on iPadOS"),
    ),
    ("Mozilla/5.0 (X11; FreeBSD amd64; rv:128.0) Gecko/20100101 Firefox/128.0", Some("Firefox 128")),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15",
        Some("Safari 17 on macOS"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
        Some("Safari 17 on iOS"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        None,
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 4.0.3) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
        None,
    ),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", None),
    ("curl/8.5.0", Some("curl 8")),
    ("python-requests/2.31", Some("python-requests 2")),
    ("PostmanRuntime/7.3", Some("PostmanRuntime 7")),
    ("Wget/1.21.4 (linux-gnu)", Some("Wget 1")),
    ("", None),
    ("   ", None),
    ("curl", None),
    ("curl/", None),
    ("curl/8888888888.1", None),
    ("<script>/1", None),
    ("Chrome/\u{1f600}156 \u{e9}/\u{301}1", None),
];

#[test]
fn a_user_agent_is_described_by_browser_major_version_and_system() {
    for (user_agent, name) in CASES {
        assert_eq!(DeviceName::from_user_agent(user_agent).as_ref().map(DeviceName::as_str), name, "{user_agent}");
    }
    assert_eq!(DeviceName::from_user_agent(&format!("{}/1", "a".repeat(41))), None);
}

#[test]
fn a_name_is_one_line_of_1_to_100_characters() {
    for (text, name) in [("  Work\u{a0}laptop \n", "Work\u{a0}laptop"), ("Jose\u{301}", "Jos\u{e9}"), ("👩‍💻", "👩‍💻")]
    {
        assert_eq!(DeviceName::parse(text).expect("a name").as_str(), name);
    }
    assert_eq!(DeviceName::parse(&"\u{e9}".repeat(100)).expect("a name").as_str().chars().count(), 100);
    assert!(DeviceName::parse(&"e\u{301}".repeat(100)).is_ok(), "counted in NFC");
    assert_eq!(DeviceName::parse(&"a".repeat(101)), Err(DeviceNameError::TooLong));
    for empty in ["", " ", "\t\n"] {
        assert_eq!(DeviceName::parse(empty), Err(DeviceNameError::Empty));
    }
    for bad in
        ["a\u{200b}b", "\u{feff}a", "a\nb", "a\0b", "a\u{7f}b", "a\u{85}b", "a\u{2028}b", "a\u{202e}b", "a\u{2066}b"]
    {
        assert_eq!(DeviceName::parse(bad), Err(DeviceNameError::Control), "{bad:?}");
    }
}

#[test]
fn a_name_is_a_json_string() {
    let name = DeviceName::parse("Phone").expect("a name");
    assert_eq!(serde_json::to_string(&name).expect("JSON"), "\"Phone\"");
    assert_eq!(name.to_string(), "Phone");
}
