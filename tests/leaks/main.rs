//! The test that no secret reaches the database, its write-ahead log or the server's log in a form that a reader could use. The
//! real binary receives requests of every kind. Then its files are searched for every secret that was sent or received.

mod administration;
#[path = "../api/support/judge.rs"]
mod judge;
mod process;
#[path = "../common/process.rs"]
mod running;
mod secrets;

use std::fs;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use process::{Answer, Process};
use secrets::{Secrets, memmem};

fn fingerprint() -> Value {
    json!({
        "visitorId": "visitor-qWkTzmPl", "userAgent": "Agent-XjvbRtyu/7", "os": "Ospreyware", "osVersion": "Vermilion-11",
        "browser": "Quokkafox", "browserVersion": "Zebrawood.3", "screenPrint": "Resolution 31x17", "timezone": "Atlantis/Deep",
        "language": "xx-Klingon", "cpu": "hexacore-z9", "plugins": "Flashlight Plugin", "fonts": "Comic Papyrus Bold",
        "canvasPrint": "data:image/png;base64,UGFpbnRlZEJ5SGFuZA", "gpu": "Voodoo Banshee 16", "deviceMemory": "memory-4711",
        "hardwareConcurrency": "cores-0815", "touchPoints": "points-2342", "unheard of": "an unknown value"
    })
}

/// Calls the OAuth endpoints, also with a wrong client secret. Adds the secrets of the calls to `secrets`.
fn by_oauth(process: &Process, secrets: &mut Secrets, password: &str) {
    let secret = "hunter-guessed-the-clients-secret";
    secrets.value("a client's secret", secret);
    let basic = STANDARD.encode(format!("default:{secret}"));
    secrets.add("a client's secret in Basic", &basic);
    let authorization = format!("Basic {basic}");
    let form = |path: &str, headers: &[(&str, &str)], form: &str| {
        let headers = [headers, &[("Content-Type", "application/x-www-form-urlencoded")]].concat();
        process.send("POST", path, &headers, form.as_bytes())
    };
    let password = format!("username=adalovelace&password={}", password.replace(' ', "+"));
    let tokens = form("/token", &[], &password);
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    secrets.answer("tokens of OAuth", &tokens);
    let refresh = tokens.body["refresh_token"].as_str().expect("a token").to_owned();
    let next = form("/token", &[], &format!("grant_type=refresh_token&refresh_token={refresh}"));
    assert_eq!(next.status, 200, "{}", next.text);
    secrets.answer("refreshed tokens of OAuth", &next);
    for path in ["/token", "/auth/revoke", "/auth/introspect"] {
        let body = format!("token={refresh}&{password}");
        assert_eq!(form(path, &[("Authorization", &authorization)], &body).status, 401);
        assert_eq!(form(path, &[], &format!("{body}&client_secret={secret}")).status, 401);
        assert_eq!(form(path, &[], &format!("{body}&{secret}={secret}&{secret}=1")).status, 400);
    }
    let access = next.body["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(form("/auth/revoke", &[], &format!("token={access}")).status, 200);
    assert_eq!(form("/auth/revoke", &[], &format!("token={refresh}")).status, 200);
}

#[test]
fn no_secret_reaches_the_database_or_the_log() {
    let mut process = Process::start();
    let mut secrets = Secrets::default();
    let password = "the tide comes in at nine";
    let changed = "and goes out again at four";
    secrets.value("a password", password);
    secrets.value("a new password", changed);
    for (name, value) in fingerprint().as_object().expect("an object") {
        secrets.value(&format!("the fingerprint's {name}"), value.as_str().expect("a text"));
    }
    // ClientJS and FingerprintJS send some lists as several values. No single value of a list may be stored either.
    secrets.value("a piece of a fingerprint", "Papyrus");

    // Register and log in, with right and wrong values.
    let account = json!({"username": "adalovelace", "email": "ada@example.com", "password": password});
    assert_eq!(process.post("/auth/register", &account).status, 201);
    assert_eq!(process.post("/auth/register", &account).status, 409);
    let login = |more: Value| {
        let mut body = json!({"username": "adalovelace", "password": password});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        process.post("/auth/login", &body)
    };
    let bound = login(json!({"fingerprint": fingerprint(), "device_name": "Laptop"}));
    assert_eq!(bound.status, 200, "{}", bound.text);
    secrets.answer("a bound session", &bound);
    let token_of = |answer: &Answer, field: &str| answer.body[field].as_str().expect("a token").to_owned();

    let wrong = "tide-in-at-eight, wrongly";
    secrets.value("a wrong password", wrong);
    assert_eq!(login(json!({"password": wrong})).status, 401);
    let as_name = "hunter-typed-his-password";
    secrets.value("a password in the field of the name", as_name);
    assert_eq!(process.post("/auth/login", &json!({"username": as_name, "password": wrong})).status, 401);
    let as_email = "secretword@typed.wrong";
    secrets.value("a password with an @ in the field of the name", as_email);
    assert_eq!(process.post("/auth/login", &json!({"email": as_email, "password": wrong})).status, 401);

    // Refresh, from the device and from another device, and with a forged token.
    let refresh = json!({"refresh_token": bound.body["refresh_token"], "fingerprint": fingerprint()});
    let second = process.post("/auth/refresh", &refresh);
    assert_eq!(second.status, 200);
    secrets.answer("a refresh", &second);
    let mut elsewhere = fingerprint();
    elsewhere["os"] = "Penguinware".into();
    secrets.value("another system", "Penguinware");
    let mismatch = json!({"refresh_token": second.body["refresh_token"], "fingerprint": elsewhere});
    assert_eq!(process.post("/auth/refresh", &mismatch).status, 401);
    let mut drifted = fingerprint();
    for field in ["canvasPrint", "fonts", "cpu"] {
        drifted[field] = format!("drifted-{field}").into();
        secrets.value("a drifted value", &format!("drifted-{field}"));
    }
    let drift = json!({"refresh_token": second.body["refresh_token"], "fingerprint": drifted});
    let third = process.post("/auth/refresh", &drift);
    assert_eq!(third.status, 200, "{}", third.text);
    secrets.answer("a refresh after drift", &third);
    let forged = "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.Zm9yZ2VkLXBheWxvYWQ.Zm9yZ2VkLXNpZ25hdHVyZQ";
    secrets.token("a forged token", forged);
    assert_eq!(process.post("/auth/refresh", &json!({"refresh_token": forged})).status, 401);
    assert_eq!(process.json("GET", "/users/me", Some(forged), &Value::Null).status, 401);

    // Log in on the same device, with an unknown device id, and with cookies.
    let again = login(json!({"device_id": bound.body["device_id"]}));
    secrets.answer("the same device", &again);
    let guessed_device = "Z3Vlc3NlZC1kZXZpY2UtaWQtdGhhdC1pcy1ub25lLTEy";
    secrets.value("a guessed device_id", guessed_device);
    secrets.answer("a guessed device", &login(json!({"device_id": guessed_device})));
    let by_cookie = login(json!({"transport": "cookie"}));
    assert_eq!((by_cookie.status, by_cookie.cookies.len()), (200, 4), "{:?}", by_cookie.cookies);
    secrets.answer("cookies", &by_cookie);
    let jar = by_cookie.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let csrf = token_of(&by_cookie, "csrf_token");
    let with_cookies = [("Cookie", jar.as_str()), ("X-CSRF-Token", csrf.as_str())];
    assert_eq!(process.send("GET", "/users/me", &with_cookies[..1], b"").status, 200);
    assert_eq!(process.send("POST", "/auth/refresh", &with_cookies[..1], b"").status, 403);
    let rotated = process.send("POST", "/auth/refresh", &with_cookies, b"");
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    secrets.answer("rotated cookies", &rotated);

    // Prove the password, and change it.
    let access = token_of(&again, "access_token");
    assert_eq!(process.json("POST", "/auth/fresh", Some(&access), &json!({"password": wrong})).status, 401);
    let fresh = process.json("POST", "/auth/fresh", Some(&access), &json!({"password": password}));
    assert_eq!(fresh.status, 200);
    secrets.answer("a fresh token", &fresh);
    let weak = json!({"current_password": password, "new_password": "password123456"});
    assert_eq!(process.json("POST", "/users/me/password", Some(&access), &weak).status, 422);
    let change = json!({"current_password": password, "new_password": changed});
    let own = process.json("POST", "/users/me/password", Some(&access), &change);
    assert_eq!(own.status, 200, "{}", own.text);
    secrets.answer("a changed password", &own);
    let access = token_of(&own, "access_token");
    let current = token_of(&own, "refresh_token");

    by_oauth(&process, &mut secrets, changed);
    administration::administer(&process, &mut secrets);

    // Send secrets in wrong places: addresses, methods, headers, malformed bodies.
    for path in [
        format!("/auth/login?password={password}&token={current}").replace(' ', "%20"),
        format!("/users/me?access_token={access}"),
        format!("/{current}"),
        format!("/auth/sessions/{current}"),
        format!("/auth/{}", password.replace(' ', "-")),
        format!("/auth/refresh/{current}?next={access}"),
    ] {
        for method in ["GET", "POST", "DELETE", "PUT", "OPTIONS"] {
            assert!(process.json(method, &path, Some(&access), &json!({})).status >= 200);
        }
    }
    secrets.add("a password in an address", &password.replace(' ', "%20"));
    secrets.add("a password in an address", &password.replace(' ', "-"));
    let malformed = [
        format!(r#"{{"username": "adalovelace", "password": "{changed}""#),
        format!(r#"{{"username": ["{changed}"], "password": {{"a": "{changed}"}}}}"#),
        format!("username=adalovelace&password={changed}"),
        format!(r#"{{"username": "{changed}\u0000", "password": "{changed}\u0000"}}"#),
        format!(r#"{{"password": "{changed}", "password": "{changed}", "fingerprint": "{changed}"}}"#),
        format!("{changed}\u{0}\u{1}"),
    ];
    for body in &malformed {
        for path in
            ["/auth/login", "/auth/register", "/auth/refresh", "/auth/logout", "/auth/revoke", "/auth/introspect"]
        {
            for content_type in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
                let answer = process.send("POST", path, &[("Content-Type", content_type)], body.as_bytes());
                assert!((400..500).contains(&answer.status), "{path} {body}: {}", answer.status);
                assert!(!answer.text.contains(changed), "{}", answer.text);
            }
        }
    }
    // A client that is confused sends a secret as the id of its request.
    for secret in [as_name, guessed_device, forged] {
        assert_eq!(process.send("GET", "/health", &[("X-Request-Id", secret)], b"").status, 200);
    }
    let too_long = format!("Bearer {}", "x".repeat(9000) + &current);
    assert_eq!(process.send("GET", "/users/me", &[("Authorization", &too_long)], b"").status, 400);
    let basic = format!("Basic {}", STANDARD.encode(format!("adalovelace:{changed}")));
    secrets.add("a password in Basic", basic.strip_prefix("Basic ").expect("its scheme"));
    assert_eq!(process.send("GET", "/users/me", &[("Authorization", &basic)], b"").status, 401);
    process.raw(format!("{changed}\r\n\r\n").as_bytes());
    process.raw(format!("GET /users/me HTTP/1.1\r\nHost: a\r\n{changed}\r\n\r\n").as_bytes());
    process.raw(format!("POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n{changed}").as_bytes());
    process.raw(format!("{current} / HTTP/1.1\r\n\r\n").as_bytes());
    process.raw(format!("GET /{current} HTTP/9.9\r\n\r\n").as_bytes());

    // The responses that contain the user's own data contain no secret either.
    for path in ["/users/me", "/users/me/export", "/auth/active_sessions"] {
        let answer = process.json("GET", path, Some(&access), &Value::Null);
        assert_eq!((answer.status, secrets.found_in(answer.text.as_bytes())), (200, vec![]), "{path}");
    }

    // Log out, and delete an account.
    assert_eq!(process.post("/auth/logout", &json!({"refresh_token": third.body["refresh_token"]})).status, 200);
    let doomed = json!({"username": "charlesbabbage", "password": password});
    assert_eq!(process.post("/auth/register", &doomed).status, 201);
    let doomed = process.post("/auth/login", &doomed);
    secrets.answer("a deleted account", &doomed);
    let token = token_of(&doomed, "access_token");
    assert_eq!(process.json("DELETE", "/users/me", Some(&token), &json!({"password": wrong})).status, 401);
    assert_eq!(process.json("DELETE", "/users/me", Some(&token), &json!({"password": password})).status, 204);
    // A deletion empties the write-ahead log. With a further account the log has content that is searched.
    let further = json!({"username": "adalovelace-the-second", "password": password});
    assert_eq!(process.post("/auth/register", &further).status, 201);

    // The root secret, as text and as bytes.
    let root = fs::read_to_string(process.directory.path().join("data/secret.key")).expect("the root secret");
    secrets.value("the root secret", root.trim());
    let root_bytes = URL_SAFE_NO_PAD.decode(root.trim()).expect("base64url");

    let search = |process: &Process, expected: &[&str]| {
        let files = process.files();
        for name in expected {
            let size = files.iter().find(|(path, _)| path.ends_with(name)).map(|(_, bytes)| bytes.len());
            assert!(size.is_some_and(|size| size > 0), "{name} is searched: {size:?}");
        }
        for (path, bytes) in &files {
            assert_eq!(secrets.found_in(bytes), Vec::<&str>::new(), "in {}", path.display());
            assert!(!memmem(bytes, &root_bytes), "the root secret is in {}", path.display());
        }
        files
    };
    let files = search(&process, &["stderr.log", "data/vestibule.db-wal"]);
    let has = |name: &str, text: &str| {
        files.iter().any(|(path, bytes)| path.ends_with(name) && memmem(bytes, text.as_bytes()))
    };
    assert!(has("stderr.log", "/auth/login"), "the log is the one that was written");
    assert!(has("stderr.log", "/auth/verify") && has("stderr.log", "/link"), "the log has all requests");
    assert!(has("data/vestibule.db-wal", "adalovelace"), "the search finds what is there");
    let rest = process.stop();
    assert_eq!(secrets.found_in(rest.as_bytes()), Vec::<&str>::new(), "on stdout");
    search(&process, &["stderr.log", "data/vestibule.db"]);
}
