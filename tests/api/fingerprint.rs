//! What a fingerprint binds a session to.

use serde_json::{Value, json};

use crate::support::{Answer, Server, Session, Settings};

/// Nothing is throttled.
fn unlimited(more: Settings) -> Settings {
    let off = ["login_rate_per_ip", "login_failures_per_account", "refresh_rate_per_session"];
    off.into_iter().map(|key| (key, "0".into())).chain(more).collect()
}

/// A drawing as ClientJS sends it: the captured start, the rest made up, the captured length.
fn canvas(seed: &str, length: usize) -> String {
    let start = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAS";
    start.chars().chain(seed.chars().cycle()).take(length).collect()
}

/// Chromium 156 on Linux, FingerprintJS 3.4.2 and ClientJS 0.1.11, as captured.
fn chromium() -> Value {
    json!({
        "visitorId": "0b4b0000000000000000000000000000",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
        "os": "Linux",
        "osVersion": "x86_64",
        "browser": "Chrome",
        "browserVersion": "156.0.0.0",
        "screenPrint": "Current Resolution: 800x600, Available Resolution: 800x600, Color Depth: 24, Device XDPI: undefined, Device YDPI: undefined",
        "timezone": "Coordinated Universal Time",
        "language": "en-US",
        "cpu": "amd64",
        "plugins": "PDF Viewer, Chrome PDF Viewer, Chromium PDF Viewer, Microsoft Edge PDF Viewer, WebKit built-in PDF",
        "fonts": "Arial, Bauhaus 93, Courier New, Times New Roman, ",
        "canvasPrint": canvas("Chromium", 9578),
        "deviceMemory": 16,
        "hardwareConcurrency": 2
    })
}

/// Firefox 153 on the same machine, as captured.
fn firefox() -> Value {
    with(
        &chromium(),
        json!({
            "visitorId": "65300000000000000000000000000000",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            "browser": "Firefox",
            "browserVersion": "153.0",
            "screenPrint": "Current Resolution: 1366x768, Available Resolution: 1366x768, Color Depth: 24, Device XDPI: undefined, Device YDPI: undefined",
            "fonts": "Arial, Bauhaus 93, Bitstream Vera Serif, Courier New, DejaVu LGC Sans Mono, Times New Roman, ",
            "canvasPrint": canvas("Firefox", 9410),
            "deviceMemory": "unknown"
        }),
    )
}

/// What our own module sends, as captured.
fn own_module() -> Value {
    with(
        &chromium(),
        json!({
            "visitorId": "bd3c0000000000000000000000000000",
            "osVersion": "x86.64",
            "screenPrint": "Current Resolution: 800x600, Available Resolution: 800x600, Color Depth: 24, Pixel Ratio: 1",
            "timezone": "UTC",
            "cpu": "Linux",
            "fonts": "Arial, Courier New, DejaVu Sans, Liberation Sans, Times New Roman",
            "canvasPrint": "e2bf176a67b6286a582f57e43198e27a",
            "gpu": "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)",
            "touchPoints": 0
        }),
    )
}

/// `sample` with some fields replaced; `null` takes one out.
fn with(sample: &Value, changes: Value) -> Value {
    let mut fields = sample.as_object().expect("an object").clone();
    fields.extend(changes.as_object().expect("an object").clone());
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}

/// A score of 11 of 16.
fn drifted() -> Value {
    with(&chromium(), json!({"visitorId": "b", "screenPrint": "1600x1200", "canvasPrint": canvas("HiDPI", 9500)}))
}

/// The same browser and system, a score of 4 of 16.
fn another_machine() -> Value {
    with(
        &chromium(),
        json!({
            "visitorId": "c", "canvasPrint": canvas("other", 9600), "fonts": "Arial, Cantarell",
            "hardwareConcurrency": 8, "screenPrint": "1920x1080", "deviceMemory": 32,
            "timezone": "Central European Time", "language": "fr"
        }),
    )
}

fn refresh(server: &Server, token: &str, fingerprint: &Value) -> Answer {
    server.post("/auth/refresh", json!({"refresh_token": token, "fingerprint": fingerprint}))
}

impl Session<'_> {
    /// Shows the refresh token and the device.
    fn try_refresh_on(&self, server: &Server, fingerprint: &Value) -> Answer {
        refresh(server, &self.refresh, fingerprint)
    }
}

/// One text of the database.
fn text(server: &Server, sql: &'static str, subject: &str) -> String {
    server.value(sql, &[subject])
}

fn baseline(server: &Server, session: &str) -> String {
    text(server, "select coalesce(fingerprint, 'none') from sessions where id = $1", session)
}

fn is_bound(session: &Session<'_>) -> bool {
    let list = session.get("/auth/active_sessions").expect(200).body;
    let own = list.as_array().expect("a list").iter().find(|shown| shown["current"] == true).expect("its own");
    own["device_bound"].as_bool().expect("a flag")
}

fn events(server: &Server, event: &str) -> usize {
    text(server, "select cast(count(*) as text) from audit_events where event = $1", event).parse().expect("a number")
}

#[track_caller]
fn is_over(session: &Session<'_>) {
    session.get("/users/me").expect_error(401, "token_revoked");
    session.try_refresh().expect_error(401, "token_revoked");
}

// What a device_id does.

#[test]
fn a_captured_fingerprint_binds_the_session() {
    let server = Server::start();
    let ada = server.user("ada");
    for sample in [chromium(), firefox(), own_module()] {
        let bound = ada.login_with(json!({"fingerprint": sample}));
        assert!(is_bound(&bound));
        bound.try_refresh_on(&server, &sample).expect(200);
    }
    let free = ada.login();
    assert!(!is_bound(&free));
    // Nothing to compare with, so nothing is compared.
    let free = Session::from(&server, &free.try_refresh_on(&server, &chromium()).expect(200));
    assert!(!is_bound(&free), "a refresh binds nothing that the login did not");
    free.refreshed();
}

#[test]
fn every_measured_event_gets_the_answer_that_the_design_asks_for() {
    let server = Server::with(unlimited(vec![]));
    let ada = server.user("ada");
    let b = || json!("b");
    let everyday = [
        ("second load, second profile, private window, resized, dark", chromium(), json!({})),
        ("one major on", chromium(), json!({"userAgent": "later", "browserVersion": "157.0.0.0"})),
        ("update 150 to 156", chromium(), json!({"visitorId": b(), "userAgent": "x", "browserVersion": "150"})),
        ("other screen", chromium(), json!({"visitorId": b(), "screenPrint": "2560x1440"})),
        ("journey to Tokyo", chromium(), json!({"visitorId": b(), "timezone": "Japan Standard Time"})),
        ("German", chromium(), json!({"visitorId": b(), "language": "de", "timezone": "Koordinierte Weltzeit"})),
        ("reduced motion, more contrast, forced colours", chromium(), json!({"visitorId": b()})),
        ("ClientJS 0.2.1", chromium(), json!({"browser": "Chrome Headless", "timezone": "+00"})),
        ("FingerprintJS 5.2.0", chromium(), json!({"visitorId": b()})),
        ("Firefox, second load", firefox(), json!({})),
        ("own module, second load", own_module(), json!({})),
    ];
    for (name, stored, changes) in everyday {
        let session = ada.login_with(json!({"fingerprint": stored}));
        session.try_refresh_on(&server, &with(&stored, changes)).expect(200);
        assert_eq!((events(&server, "device_drift"), events(&server, "device_mismatch")), (0, 0), "{name}");
    }
    let resisting = json!({
        "visitorId": "95b00000000000000000000000000000",
        "screenPrint": "Current Resolution: 800x600, Available Resolution: 800x600, Color Depth: 24, Device XDPI: undefined, Device YDPI: undefined",
        "timezone": "Greenwich Mean Time", "canvasPrint": canvas("noise", 2078), "hardwareConcurrency": 4
    });
    let private = json!({"visitorId": b(), "canvasPrint": canvas("noise", 9410), "hardwareConcurrency": 4});
    let plain_http = json!({"visitorId": null, "canvasPrint": null, "deviceMemory": null, "cpu": "x86_64"});
    let unusual = [
        ("HiDPI", chromium(), drifted()),
        ("Firefox, private window or strict protection", firefox(), with(&firefox(), private)),
        ("Firefox, resistFingerprinting", firefox(), with(&firefox(), resisting)),
        ("own module over plain http", own_module(), with(&own_module(), plain_http)),
    ];
    for (count, (name, stored, presented)) in unusual.into_iter().enumerate() {
        let session = ada.login_with(json!({"fingerprint": stored}));
        let before = baseline(&server, &session.id);
        session.try_refresh_on(&server, &presented).expect(200);
        assert_eq!((events(&server, "device_drift"), events(&server, "device_mismatch")), (count + 1, 0), "{name}");
        assert_eq!(baseline(&server, &session.id), before, "{name}: the baseline stays");
    }
    let foreign = [
        ("Chromium against Firefox", chromium(), firefox()),
        ("Firefox against Chromium", firefox(), chromium()),
        ("another system", chromium(), with(&chromium(), json!({"os": "Windows"}))),
        ("no system", chromium(), with(&chromium(), json!({"os": null}))),
        ("no browser", chromium(), with(&chromium(), json!({"browser": "unknown"}))),
        ("another machine", chromium(), another_machine()),
        ("nothing at all", chromium(), json!({})),
        ("only what everybody has", chromium(), json!({"os": "Linux", "browser": "Chrome", "language": "en-US"})),
    ];
    for (count, (name, stored, presented)) in foreign.into_iter().enumerate() {
        let session = ada.login_with(json!({"fingerprint": stored}));
        let before = baseline(&server, &session.id);
        session.try_refresh_on(&server, &presented).expect_error(401, "device_mismatch");
        assert_eq!(events(&server, "device_mismatch"), count + 1, "{name}");
        assert_eq!(baseline(&server, &session.id), before, "{name}");
        session.try_refresh_on(&server, &stored).expect(200);
    }
}

#[test]
fn a_match_renews_the_baseline_and_drift_does_not() {
    let server = Server::start();
    let ada = server.user("ada");
    let first = json!({"visitorId": "b", "timezone": "Japan Standard Time"});
    let second = json!({"visitorId": "b", "timezone": "Japan Standard Time", "screenPrint": "4K", "language": "de", "osVersion": "7"});
    let session = ada.login_with(json!({"fingerprint": chromium()}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &with(&chromium(), first)).expect(200));
    // 13 of 16 beside the renewed baseline, 11 beside the first.
    session.try_refresh_on(&server, &with(&chromium(), second)).expect(200);
    assert_eq!(events(&server, "device_drift"), 0);

    let session = ada.login_with(json!({"fingerprint": chromium()}));
    let mut presented = drifted();
    let session = Session::from(&server, &session.try_refresh_on(&server, &presented).expect(200));
    presented = with(&presented, json!({"fonts": "Arial", "cpu": "arm64"}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &presented).expect(200));
    assert_eq!(events(&server, "device_drift"), 2);
    // A step of 2 beside the last one, and below 0.40 beside the baseline.
    presented = with(&presented, json!({"hardwareConcurrency": 64}));
    session.try_refresh_on(&server, &presented).expect_error(401, "device_mismatch");
    session.try_refresh_on(&server, &chromium()).expect(200);
}

#[test]
fn drift_is_recorded_with_session_and_score() {
    let server = Server::start();
    let session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    session.try_refresh_on(&server, &drifted()).expect(200);
    let of_session = "select detail from audit_events where event = 'device_drift' and session_id = $1";
    assert_eq!(text(&server, of_session, &session.id), r#"{"score":0.69}"#);
}

#[test]
fn a_mismatch_rotates_nothing() {
    let server = Server::start();
    let session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let row = "select json_array(generation, generations_made_at, last_used_at, refresh_expires_at, fingerprint)
        from sessions where id = $1";
    let before = text(&server, row, &session.id);
    server.advance(100);
    session.try_refresh().expect_error(401, "device_mismatch");
    let refused = session.try_refresh_on(&server, &another_machine()).expect_error(401, "device_mismatch");
    assert!(refused.header("www-authenticate").is_some_and(|challenge| challenge.contains("error=\"invalid_token\"")));
    assert_eq!(text(&server, row, &session.id), before);
    assert!(session.is_accepted(), "what was given out holds");
    session.try_refresh_on(&server, &chromium()).expect(200);
}

#[test]
fn the_third_mismatch_in_a_row_ends_the_session() {
    let server = Server::start();
    let ada = server.user("ada");
    let (session, other) = (ada.login_with(json!({"fingerprint": chromium()})), ada.login());
    for _ in 0..3 {
        session.try_refresh_on(&server, &another_machine()).expect_error(401, "device_mismatch");
    }
    session.try_refresh_on(&server, &chromium()).expect_error(401, "token_revoked");
    is_over(&session);
    assert!(other.is_accepted());
    let reason = text(&server, "select revoked_reason from sessions where id = $1", &session.id);
    assert_eq!((reason.as_str(), events(&server, "device_mismatch")), ("device_mismatch", 3));
}

#[test]
fn a_success_between_mismatches_starts_the_count_anew() {
    let server = Server::start();
    let mut session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    for fingerprint in [chromium(), drifted(), chromium()] {
        for _ in 0..2 {
            session.try_refresh().expect_error(401, "device_mismatch");
        }
        session = Session::from(&server, &session.try_refresh_on(&server, &fingerprint).expect(200));
    }
    assert!(session.is_accepted());
}

#[test]
fn a_repeat_within_the_grace_is_a_success_too() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    first.try_refresh_on(&server, &chromium()).expect(200);
    for _ in 0..3 {
        for _ in 0..2 {
            first.try_refresh().expect_error(401, "device_mismatch");
        }
        first.try_refresh_on(&server, &chromium()).expect(200);
    }
}

#[test]
fn drift_is_recorded_at_a_repeat_too() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    first.try_refresh_on(&server, &chromium()).expect(200);
    first.try_refresh_on(&server, &drifted()).expect(200);
    assert_eq!(events(&server, "device_drift"), 1);
}

#[test]
fn an_old_token_is_reused_whatever_device_shows_it() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let second = Session::from(&server, &first.try_refresh_on(&server, &chromium()).expect(200));
    server.advance(31);
    first.try_refresh_on(&server, &another_machine()).expect_error(401, "refresh_reused");
    second.try_refresh_on(&server, &chromium()).expect_error(401, "token_revoked");
    assert_eq!(events(&server, "device_mismatch"), 0);
}

#[test]
fn a_repeat_within_the_grace_needs_the_device() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let second = first.try_refresh_on(&server, &chromium()).expect(200);
    server.advance(30);
    first.try_refresh().expect_error(401, "device_mismatch");
    first.try_refresh_on(&server, &another_machine()).expect_error(401, "device_mismatch");
    let again = first.try_refresh_on(&server, &chromium()).expect(200);
    assert_eq!(again.text_at("refresh_token"), second.text_at("refresh_token"));
}

#[test]
fn a_session_that_is_over_says_so_whatever_device_asks() {
    let server = Server::start();
    let session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    session.call("POST", "/auth/logout").send().expect(200);
    session.try_refresh_on(&server, &another_machine()).expect_error(401, "token_revoked");
    assert_eq!(events(&server, "device_mismatch"), 0);
}

#[test]
fn the_same_machine_looks_different_for_every_user() {
    let server = Server::start();
    let of = |name: &str| server.user(name).login_with(json!({"fingerprint": chromium()})).id;
    let (ada, bob) = (baseline(&server, &of("ada")), baseline(&server, &of("bob")));
    let macs = |text: &str| {
        let stored: Value = serde_json::from_str(text).expect("JSON");
        let macs = stored["macs"].as_object().expect("one for each component").clone();
        macs.into_iter().map(|(_, mac)| mac.to_string()).collect::<Vec<_>>()
    };
    let (ada, bob) = (macs(&ada), macs(&bob));
    assert_eq!(ada.len(), 13);
    assert!(ada.iter().all(|mac| !bob.contains(mac)));
}

#[test]
fn a_fingerprint_too_light_to_be_judged_binds_only_to_the_families() {
    let server = Server::start();
    let ada = server.user("ada");
    let light = json!({"os": "Linux", "browser": "Firefox", "language": "en-US", "timezone": "UTC"});
    let session = ada.login_with(json!({"fingerprint": light}));
    assert!(!is_bound(&session));
    let moved = with(&light, json!({"language": "de", "timezone": null}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &moved).expect(200));
    session.try_refresh_on(&server, &with(&light, json!({"browser": "Chrome"}))).expect_error(401, "device_mismatch");
    let nothing = ada.login_with(json!({"fingerprint": {"canvasPrint": "unknown", "gpu": null, "unheard of": "x"}}));
    assert!(!is_bound(&nothing));
    nothing.refreshed();
}

// The policies.

#[test]
fn off_does_not_even_look() {
    let server = Server::with(vec![("fingerprint_policy", "off".into())]);
    let ada = server.user("ada");
    for odd in [json!(7), json!("x".repeat(50_000)), chromium()] {
        let session = ada.login_with(json!({"fingerprint": odd}));
        assert!(!is_bound(&session));
        assert_eq!(baseline(&server, &session.id), "none");
        session.try_refresh_on(&server, &json!([1])).expect(200);
    }
}

#[test]
fn off_lets_go_of_sessions_that_were_bound_and_enforce_holds_them_again() {
    let server = Server::start();
    let token = server.user("ada").login_with(json!({"fingerprint": chromium()})).refresh;
    let server = server.restart_with(vec![("fingerprint_policy", "off".into())]);
    let answer = server.post("/auth/refresh", json!({"refresh_token": token})).expect(200);
    let token = answer.text_at("refresh_token").to_owned();
    let server = server.restart_with(vec![]);
    server.post("/auth/refresh", json!({"refresh_token": token})).expect_error(401, "device_mismatch");
    refresh(&server, &token, &chromium()).expect(200);
}

#[test]
fn log_compares_and_records_and_refuses_nothing() {
    let server = Server::with(vec![("fingerprint_policy", "log".into())]);
    let mut session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let before = baseline(&server, &session.id);
    for count in 1..=4 {
        session = Session::from(&server, &session.try_refresh_on(&server, &another_machine()).expect(200));
        assert_eq!(events(&server, "device_mismatch"), count);
    }
    session = session.refreshed();
    Session::from(&server, &session.try_refresh_on(&server, &drifted()).expect(200));
    assert_eq!((events(&server, "device_mismatch"), events(&server, "device_drift")), (5, 1));
    assert_eq!(baseline(&server, &session.id), before);
}

#[test]
fn require_lets_nobody_in_without_one() {
    let server = Server::with(vec![("fingerprint_policy", "require".into())]);
    let ada = server.user("ada");
    for more in [json!({}), json!({"fingerprint": null})] {
        let refused = ada.try_login(more).expect_error(422, "invalid_request");
        assert_eq!(refused.bad_fields(), ["fingerprint"]);
    }
    let session = ada.login_with(json!({"fingerprint": chromium()}));
    assert!(is_bound(&session));
    session.try_refresh().expect_error(401, "device_mismatch");
    session.try_refresh_on(&server, &chromium()).expect(200);
}

#[test]
fn require_lets_sessions_from_before_go_on() {
    let server = Server::start();
    let token = server.user("ada").login().refresh;
    let server = server.restart_with(vec![("fingerprint_policy", "require".into())]);
    server.post("/auth/refresh", json!({"refresh_token": token})).expect(200);
}

#[test]
fn the_thresholds_are_settings() {
    let settings = vec![("fingerprint_match", 1.0.into()), ("fingerprint_drift", 0.9.into())];
    let server = Server::with(settings);
    let session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    // 15 of 16.
    let one_off = with(&chromium(), json!({"visitorId": "b"}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &one_off).expect(200));
    assert_eq!(events(&server, "device_drift"), 1);
    // 14 of 16.
    let two_off = with(&one_off, json!({"timezone": "x"}));
    session.try_refresh_on(&server, &two_off).expect_error(401, "device_mismatch");
}

#[test]
fn what_is_no_fingerprint_is_refused_at_login_and_refresh() {
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
    assert_eq!(server.count("select mismatches from sessions"), 0, "nobody was compared");
    ada.login_with(json!({"fingerprint": fields(64)}));
    ada.login_with(json!({"fingerprint": {"canvasPrint": "x".repeat(48 * 1024 - 100), "odd": [null, {"a": [1.5]}]}}));
    session.try_refresh_on(&server, &chromium()).expect(200);
}

#[test]
fn nothing_raw_of_a_fingerprint_is_stored() {
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
    session.try_refresh_on(&server, &with(&values, json!({"os": "Rawtwo"}))).expect_error(401, "device_mismatch");
    for entry in std::fs::read_dir(server.directory()).expect("a directory").flatten() {
        let bytes = std::fs::read(entry.path()).expect("a file");
        let found = bytes.windows(3).any(|window| window.eq_ignore_ascii_case(b"raw"));
        // Not in the MACs either, whose letters are a chance of one in millions.
        if found {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            let hit = values
                .as_object()
                .expect("an object")
                .values()
                .find(|value| text.contains(&value.as_str().expect("a text").to_lowercase()));
            assert_eq!(hit, None, "{}", entry.path().display());
        }
    }
}
