//! The page `/privacy`: it explains what the configuration of this server means for a person.

use serde_json::json;

use crate::support::{Server, Settings};

/// Returns the text of the page with these settings.
fn page(settings: Settings) -> String {
    Server::with(settings).call("GET", "/privacy").send().expect(200).text
}

#[test]
fn it_states_which_data_is_read_why_and_how_long_it_is_stored() {
    let text = page(vec![
        ("device_retention", json!("45d")),
        ("audit_retention", json!("100d")),
        ("refresh_token_lifetime", json!("3d")),
    ]);
    for part in [
        "What is read",
        "time zone",
        "keyed codes",
        "tied to your account",
        "forgotten 45 days after its last session has ended",
        "kept for 100 days",
        "at the latest 4 days after you last used it",
        "you must sign in again.",
        "download all stored data, or delete your account",
        "sign in without JavaScript",
        "Ask the operator of this server.",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn with_the_policy_off_it_says_that_nothing_is_read() {
    let text = page(vec![("fingerprint_policy", json!("off"))]);
    assert!(text.contains("reads no details of your device or browser"));
    for part in ["What is read", "keyed codes", "fonts", "sign in without JavaScript"] {
        assert!(!text.contains(part), "{part}");
    }
    assert!(text.contains("How long"));
}

#[test]
fn its_text_depends_on_the_policy() {
    assert!(page(vec![("fingerprint_policy", json!("log"))]).contains("The mismatch is noted in the log."));
    let asked = page(vec![("fingerprint_consent", json!("ask"))]);
    assert!(asked.contains("If you tick the box at the sign-in, this server reads"));
    assert!(asked.contains("leave the box “Tie this sign-in to this browser” unticked"));
    let required = page(vec![("fingerprint_policy", json!("require"))]);
    assert!(!required.contains("sign in without JavaScript"), "which does not work there");
}

#[test]
fn it_names_the_contact() {
    let rows = [
        ("privacy@example.com", "<a href=\"mailto:privacy@example.com\">privacy@example.com</a>"),
        ("The person at desk 4", "<p>The person at desk 4</p>"),
        ("<b>me</b>", "<p>&lt;b&gt;me&lt;/b&gt;</p>"),
        ("javascript:alert(1)", "<p>javascript:alert(1)</p>"),
    ];
    for (contact, markup) in rows {
        let text = page(vec![("privacy_contact", json!(contact))]);
        assert!(text.contains(markup), "{contact}: {text}");
    }
    let text = page(vec![("privacy_contact", json!("https://example.com/privacy"))]);
    assert!(text.contains("<a href=\"https://example.com/privacy\">"), "{text}");
}
