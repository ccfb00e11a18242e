//! Which fingerprints are accepted, and what is stored.

use serde_json::{Value, json};

use super::is_bound;
use crate::support::{Server, Session, fingerprints::chromium, json::with};

#[test]
fn the_same_machine_has_different_macs_for_every_user() {
    let server = Server::start();
    let of = |name: &str| server.user(name).login_with(json!({"fingerprint": chromium()})).id;
    let (ada, bob) = (server.sealed_fingerprint(&of("ada")), server.sealed_fingerprint(&of("bob")));
    let macs = |text: &str| {
        let stored: Value = serde_json::from_str(text).expect("JSON");
        let macs = stored["macs"].as_object().expect("one for each component").clone();
        macs.into_iter().map(|(_, mac)| mac.to_string()).collect::<Vec<_>>()
    };
    let (ada, bob) = (macs(&ada), macs(&bob));
    assert_eq!(ada.len(), 7);
    assert!(ada.iter().all(|mac| !bob.contains(mac)));
}

#[test]
fn an_invalid_fingerprint_is_refused_at_login_and_refresh() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login_with(json!({"fingerprint": chromium()}));
    let fields =
        |count: usize| Value::Object((0..count).map(|number| (format!("field{number}"), json!(number))).collect());
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let bad = [
        json!("text"),
        json!(7),
        json!(true),
        json!([]),
        json!([chromium()]),
        fields(65),
        json!({"canvasPrint": "x".repeat(48 * 1024)}),
        json!({"plugins": deep}),
    ];
    for odd in bad {
        let refused = ada.try_login(json!({"fingerprint": odd})).expect_error(422, "invalid_request");
        assert_eq!(refused.bad_fields(), ["fingerprint"]);
        let refused = session.try_refresh_on(&server, &odd).expect_error(422, "invalid_request");
        assert_eq!(refused.bad_fields(), ["fingerprint"]);
    }
    assert_eq!(server.mismatches(), 0, "nobody was compared");
    ada.login_with(json!({"fingerprint": fields(64)}));
    ada.login_with(json!({"fingerprint": {"canvasPrint": "x".repeat(48 * 1024 - 100), "odd": [null, {"a": [1.5]}]}}));
    session.try_refresh_on(&server, &chromium()).expect(200);
}

#[test]
fn no_value_of_a_fingerprint_is_stored_in_plain_text() {
    let server = Server::start();
    let values = json!({
        "visitorId": "rawvisitor", "userAgent": "rawagent/1.0", "os": "Rawos", "osVersion": "rawversion",
        "browser": "Rawser", "browserVersion": "rawbrowserversion", "screenPrint": "rawscreen", "timezone": "rawzone",
        "language": "rawlanguage", "cpu": "rawcpu", "plugins": "rawplugin", "fonts": "rawfont", "gpu": "rawgpu",
        "canvasPrint": "rawcanvas", "deviceMemory": "rawmemory", "hardwareConcurrency": "rawcores", "touchPoints": "rawtouch",
        "unheard of": "rawunknown"
    });
    let session = server.user("ada").login_with(json!({"fingerprint": values}));
    assert!(is_bound(&session));
    let session = Session::from(&server, &session.try_refresh_on(&server, &values).expect(200));
    let refused = with(&values, json!({"os": "Rawtwo"}));
    session.try_refresh_on(&server, &refused).expect_error(401, "device_mismatch");
    for entry in std::fs::read_dir(server.directory()).expect("a directory").flatten() {
        let bytes = std::fs::read(entry.path()).expect("a file");
        let found = bytes.windows(3).any(|window| window.eq_ignore_ascii_case(b"raw"));
        // A MAC can contain the letters `raw` by chance, so the file is then searched for the complete values.
        if found {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            let hit = [&values, &refused]
                .into_iter()
                .flat_map(|sent| sent.as_object().expect("an object").values())
                .find(|value| text.contains(&value.as_str().expect("a text").to_lowercase()));
            assert_eq!(hit, None, "{}", entry.path().display());
        }
    }
}
