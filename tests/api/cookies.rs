//! Cookie transport, and what keeps a foreign page from using it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    Answer, Call, PASSWORD, Server, Session, claims,
    cookies::{Browser, set_cookies, sign_in},
};

/// The attributes of a cookie, in lower case.
#[track_caller]
fn attributes(answer: &Answer, name: &str) -> BTreeSet<String> {
    let line = answer.set_cookie(name).unwrap_or_else(|| panic!("no cookie {name} in {:?}", answer.headers));
    line.split("; ").skip(1).map(str::to_ascii_lowercase).filter(|part| !part.starts_with("expires=")).collect()
}

#[test]
fn a_login_by_cookie_sets_the_tokens_where_script_can_not_read_them() {
    const WEEK: &str = "max-age=604800";
    const LONG: &str = "max-age=34560000";
    let plain = [
        ("access_token", vec!["httponly", "samesite=lax", "path=/", WEEK]),
        ("refresh_token", vec!["httponly", "samesite=lax", "path=/auth", WEEK]),
        ("csrf_token", vec!["samesite=lax", "path=/", WEEK]),
        ("device_id", vec!["httponly", "samesite=lax", "path=/", LONG]),
    ];
    let secure = [
        ("__Host-access_token", vec!["httponly", "samesite=lax", "path=/", "secure", WEEK]),
        ("__Secure-refresh_token", vec!["httponly", "samesite=lax", "path=/auth", "secure", WEEK]),
        ("__Host-csrf_token", vec!["samesite=lax", "path=/", "secure", WEEK]),
        ("__Host-device_id", vec!["httponly", "samesite=lax", "path=/", "secure", LONG]),
    ];
    let domain = [
        ("__Secure-access_token", vec!["httponly", "samesite=strict", "path=/", "secure", "domain=example.com", WEEK]),
        (
            "__Secure-refresh_token",
            vec!["httponly", "samesite=strict", "path=/session", "secure", "domain=example.com", WEEK],
        ),
        ("__Secure-csrf_token", vec!["samesite=strict", "path=/", "secure", "domain=example.com", WEEK]),
        // The device's secret serves this host alone.
        ("__Host-device_id", vec!["httponly", "samesite=strict", "path=/", "secure", LONG]),
    ];
    let with_domain = vec![
        ("cookie_secure", json!(true)),
        ("cookie_samesite", json!("strict")),
        ("cookie_domain", json!("example.com")),
        ("public_url", json!("https://auth.example.com")),
        ("base_path", json!("/session")),
    ];
    let rows = [
        (vec![], "/auth", plain),
        (vec![("cookie_secure", json!(true))], "/auth", secure),
        (with_domain, "/session", domain),
    ];
    for (settings, base, cookies) in rows {
        let server = Server::with(settings);
        server.user("ada");
        let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
        let answer = server.post(&format!("{base}/login"), body).expect(200);
        assert_eq!(set_cookies(&answer).len(), 4);
        for (name, expected) in &cookies {
            let expected: BTreeSet<String> = expected.iter().map(|attribute| (*attribute).to_owned()).collect();
            assert_eq!(attributes(&answer, name), expected, "{name}");
        }
        // Cookies are cleared with the attributes that they were set with, or a browser keeps them.
        let header: Vec<String> =
            cookies.iter().map(|(name, _)| format!("{name}={}", answer.cookie(name).expect("a cookie"))).collect();
        let logout = server.call("POST", &format!("{base}/logout")).header("Cookie", &header.join("; "));
        let logout = logout.header("X-CSRF-Token", answer.text_at("csrf_token")).send().expect(200);
        for (name, expected) in &cookies[..3] {
            let mut expected: BTreeSet<String> = expected.iter().map(|attribute| (*attribute).to_owned()).collect();
            expected.remove(WEEK);
            expected.insert("max-age=0".to_owned());
            assert_eq!((attributes(&logout, name), logout.cookie(name)), (expected, Some("")), "{name}");
        }
        assert_eq!(set_cookies(&logout).len(), 3, "the device stays known");
    }
}

#[test]
fn with_cookies_the_body_has_the_csrf_token_in_place_of_the_tokens() {
    let server = Server::start();
    server.user("ada");
    let answer = sign_in(&server, "ada", None).expect(200);
    let fields: BTreeSet<&str> = answer.body.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = ["csrf_token", "token_type", "expires_in", "refresh_expires_in", "session_id", "device_id"];
    assert_eq!(fields, BTreeSet::from(expected));
    assert_eq!(answer.cookie("csrf_token"), Some(answer.text_at("csrf_token")));
    assert_eq!(answer.cookie("device_id"), Some(answer.text_at("device_id")));
    for token in ["access_token", "refresh_token"] {
        assert!(!answer.text.contains(answer.cookie(token).expect("a cookie")));
    }
    let without = server.user("bob").try_login(json!({})).expect(200);
    assert_eq!((set_cookies(&without).len(), without.body.get("csrf_token")), (0, None));
}

#[test]
fn a_cookie_authenticates_and_a_bad_one_does_not() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    assert_eq!(browser.blind("GET", "/users/me").send().expect(200).body["username"], "ada");
    browser.blind("HEAD", "/users/me").send().expect(200);
    let with = |cookie: String| server.call("GET", "/users/me").header("Cookie", &cookie).send();
    with("access_token=".to_owned()).expect_error(401, "missing_token");
    with(format!("refresh_token={}", browser.refresh)).expect_error(401, "missing_token");
    with(format!("access_token={}", browser.refresh)).expect_error(401, "wrong_token_type");
    with(format!("access_token={}x", browser.access)).expect_error(401, "invalid_token");
    with(format!("access_token={}", "a".repeat(8 * 1024 + 1))).expect_error(400, "malformed_request");
    server.advance(900);
    browser.blind("GET", "/users/me").send().expect_error(401, "token_expired");
}

/// Calls that change something, each by a cookie.
const UNSAFE: [(&str, &str); 9] = [
    ("POST", "/auth/refresh"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/logout_all"),
    ("POST", "/auth/revoke_other_session"),
    ("POST", "/auth/fresh"),
    ("DELETE", "/auth/sessions/x"),
    ("PATCH", "/users/me"),
    ("POST", "/users/me/password"),
    ("DELETE", "/users/me"),
];

#[test]
fn what_changes_something_needs_the_csrf_token_of_the_session() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let (browser, second, bob) =
        (Browser::login(&server, "ada"), Browser::login(&server, "ada"), Browser::login(&server, "bob"));
    assert_ne!(browser.csrf, second.csrf);
    let short = &browser.csrf[..browser.csrf.len() - 1];
    let tokens =
        ["", "x", &second.csrf, &bob.csrf, &browser.access, &browser.device, short, &browser.csrf.to_uppercase()];
    for (method, path) in UNSAFE {
        browser.blind(method, path).send().expect_error(403, "csrf_failed");
        for token in tokens {
            let answer =
                browser.blind(method, path).header("X-CSRF-Token", token).send().expect_error(403, "csrf_failed");
            assert_eq!(set_cookies(&answer), Vec::<&str>::new(), "{method} {path}");
        }
        // The cookie of another session, planted beside its own header, is of no help.
        let planted =
            format!("access_token={}; refresh_token={}; csrf_token={}", browser.access, browser.refresh, bob.csrf);
        let planted = server.call(method, path).header("Cookie", &planted).header("X-CSRF-Token", &bob.csrf);
        planted.send().expect_error(403, "csrf_failed");
    }
    assert!(browser.is_signed_in() && second.is_signed_in());
    assert_eq!(server.count("select max(generation) from sessions"), 1);
}

#[test]
fn a_request_from_a_foreign_page_is_refused_even_with_the_csrf_token() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let foreign: [&[(&str, &str)]; 11] = [
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "")],
        &[("Origin", "https://auth.test")],
        &[("Origin", "http://auth.test.evil.example")],
        &[("Origin", "http://auth.test:81")],
        &[("Origin", "http://evil.example/http://auth.test")],
        &[("Origin", "http://localhost.evil.example")],
        &[("Origin", "http://localhost@evil.example")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")],
    ];
    for (method, path) in UNSAFE {
        for headers in foreign {
            let call = headers.iter().fold(browser.call(method, path), |call, (name, value)| call.header(name, value));
            let answer = call.send();
            assert_eq!(answer.status, 403, "{method} {path} {headers:?}");
            answer.expect_error(403, "csrf_failed");
        }
    }
    let own: [&[(&str, &str)]; 5] = [
        &[],
        &[("Origin", "http://auth.test")],
        &[("Origin", "http://auth.test"), ("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "none")],
    ];
    for headers in own {
        let call = browser.call("POST", "/auth/revoke_other_session");
        headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().expect(200);
    }
    // Reading is no change: what a foreign page gets of it is for CORS to say.
    browser.blind("GET", "/users/me").header("Origin", "https://evil.example").send().expect(200);
}

#[test]
fn a_foreign_form_can_not_sign_anybody_in() {
    let server = Server::start();
    server.user("ada");
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
        let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"}).to_string();
        let answer = server.call("POST", "/auth/login").body(content_type, body).send();
        assert_eq!(set_cookies(&answer.expect_error(415, "unsupported_media_type")), Vec::<&str>::new());
    }
}

#[test]
fn a_refresh_by_cookie_answers_by_cookie() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    server.advance(900);
    let answer = browser.refresh().expect(200);
    let next = Browser::from(&server, &answer);
    assert_eq!(answer.text_at("csrf_token"), browser.csrf);
    assert_eq!((answer.body.get("access_token"), answer.body.get("refresh_token")), (None, None));
    assert_eq!((&next.csrf, &next.device, &next.session_id), (&browser.csrf, &browser.device, &browser.session_id));
    assert!(next.refresh != browser.refresh && next.is_signed_in());
    assert_eq!(claims(&next.access)["fresh"], false);
    // A second tab with the older cookie gets the same one.
    assert_eq!(browser.refresh().expect(200).cookie("refresh_token"), Some(next.refresh.as_str()));
    // An empty field is no token: the cookie counts.
    next.call("POST", "/auth/refresh").json(json!({"refresh_token": ""})).send().expect(200);
}

#[test]
fn a_refresh_token_in_the_body_wins_over_the_cookie() {
    let server = Server::start();
    let session = server.user("bob").login();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let answer =
        browser.blind("POST", "/auth/refresh").json(json!({"refresh_token": session.refresh})).send().expect(200);
    assert_eq!(Session::from(&server, &answer).id, session.id);
    assert_eq!(set_cookies(&answer), Vec::<&str>::new());
}

#[test]
fn a_refused_refresh_touches_no_cookie() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let next = Browser::from(&server, &browser.refresh().expect(200));
    let refused = |answer: Answer, status: u16, code: &str| {
        let answer = answer.expect_error(status, code);
        assert_eq!(set_cookies(&answer), Vec::<&str>::new(), "{code}");
    };
    refused(next.blind("POST", "/auth/refresh").send(), 403, "csrf_failed");
    refused(server.call("POST", "/auth/refresh").send(), 401, "missing_token");
    refused(Browser { refresh: "a.b.c".to_owned(), ..next.clone() }.refresh(), 401, "invalid_token");
    refused(Browser { refresh: next.access.clone(), ..next.clone() }.refresh(), 401, "wrong_token_type");
    refused(next.call("POST", "/auth/refresh").body("text/plain", "x").send(), 415, "unsupported_media_type");
    server.advance(31);
    refused(browser.refresh(), 401, "refresh_reused");
    refused(next.refresh(), 401, "token_revoked");
    let again = Browser::login(&server, "ada");
    server.advance(7 * 24 * 3600);
    refused(again.refresh(), 401, "token_expired");
}

#[test]
fn a_logout_clears_the_cookies_however_it_is_done() {
    let server = Server::start();
    let ada = server.user("ada");
    let names = ["access_token", "refresh_token", "csrf_token"];
    let cleared = |answer: Answer| {
        let answer = answer.expect(200);
        assert!(names.iter().all(|name| answer.cookie(name) == Some("")), "{:?}", answer.headers);
        assert_eq!(answer.set_cookie("device_id"), None);
    };
    let browser = Browser::login(&server, "ada");
    cleared(browser.call("POST", "/auth/logout").send());
    assert!(!browser.is_signed_in());
    cleared(browser.call("POST", "/auth/logout").send());
    // With the refresh cookie alone, with the access cookie alone, with tokens that are over.
    let browser = Browser::login(&server, "ada");
    cleared(Browser { access: String::new(), ..browser.clone() }.call("POST", "/auth/logout").send());
    assert!(!browser.is_signed_in());
    let browser = Browser::login(&server, "ada");
    cleared(Browser { refresh: String::new(), ..browser.clone() }.call("POST", "/auth/logout").send());
    assert!(!browser.is_signed_in());
    let browser = Browser::login(&server, "ada");
    server.advance(7 * 24 * 3600);
    cleared(browser.call("POST", "/auth/logout").send());
    // With nothing that is of use, so that a page is not stuck with it.
    for cookie in ["a=b", "refresh_token=a.b.c", "access_token=a.b.c; refresh_token="] {
        let answer = server.call("POST", "/auth/logout").header("Cookie", cookie).send().expect(401);
        assert!(names.iter().all(|name| answer.cookie(name) == Some("")), "{cookie}");
    }
    // By bearer, by body.
    cleared(ada.login().post("/auth/logout", json!({})));
    cleared(server.post("/auth/logout", json!({"refresh_token": ada.login().refresh})));
    let browser = Browser::login(&server, "ada");
    cleared(browser.call("POST", "/auth/logout_all").send());
    assert!(!browser.is_signed_in());
}

#[test]
fn a_logout_clears_the_cookies_of_a_session_of_which_nothing_is_left() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let (browser, other, bob) =
        (Browser::login(&server, "ada"), Browser::login(&server, "ada"), Browser::login(&server, "bob"));
    other.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    server.write("delete from sessions");
    for gone in [browser, bob] {
        let answer = gone.call("POST", "/auth/logout").send().expect(200);
        assert!(["access_token", "refresh_token", "csrf_token"].iter().all(|name| answer.cookie(name) == Some("")));
    }
}

#[test]
fn a_foreign_page_can_not_sign_anybody_out() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let by_form = |call: Call<'_>| {
        call.body("application/x-www-form-urlencoded", "").header("Origin", "https://evil.example").send()
    };
    let answers = [
        browser.blind("POST", "/auth/logout").send().expect_error(403, "csrf_failed"),
        by_form(browser.blind("POST", "/auth/logout")).expect_error(403, "csrf_failed"),
        // What a browser sends along with a foreign form: no cookie that is `SameSite=Lax`.
        by_form(server.call("POST", "/auth/logout")).expect_error(401, "missing_token"),
        by_form(server.call("POST", "/auth/logout").header("Cookie", "access_token=a.b.c"))
            .expect_error(403, "csrf_failed"),
    ];
    for answer in answers {
        assert_eq!(set_cookies(&answer), Vec::<&str>::new());
    }
    assert!(browser.is_signed_in());
}

#[test]
fn leaving_for_good_clears_the_cookies() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let answer = browser.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    assert!(["access_token", "refresh_token", "csrf_token"].iter().all(|name| answer.cookie(name) == Some("")));
}

#[test]
fn leaving_for_good_clears_the_device_cookie_too() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let answer = browser.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    assert_eq!(answer.cookie("device_id"), Some(""));
}

#[test]
fn a_header_wins_over_the_cookie() {
    let server = Server::start();
    let bob = server.user("bob").login();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    assert_eq!(browser.blind("GET", "/users/me").bearer(&bob.access).send().expect(200).body["username"], "bob");
    browser.blind("GET", "/users/me").bearer("a.b.c").send().expect_error(401, "invalid_token");
    // A header is not sent by itself, so it needs no CSRF token, wherever it comes from.
    let call = browser.blind("POST", "/auth/revoke_other_session").bearer(&bob.access);
    call.header("Origin", "https://evil.example").send().expect(200);
    // Another scheme is not ours: the cookie counts.
    let basic = browser.blind("GET", "/users/me").header("Authorization", "Basic YWRhOnB3").send();
    assert_eq!(basic.expect(200).body["username"], "ada");
    browser.blind("POST", "/auth/logout").bearer(&bob.access).send().expect(200);
    assert!(browser.is_signed_in() && !bob.is_accepted());
}

#[test]
fn a_proved_password_by_cookie_gives_a_fresh_cookie() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::from(&server, &Browser::login(&server, "ada").refresh().expect(200));
    browser.call("PATCH", "/users/me").json(json!({})).send().expect_error(401, "fresh_token_required");
    let answer = browser.call("POST", "/auth/fresh").json(json!({"password": PASSWORD})).send().expect(200);
    assert_eq!(set_cookies(&answer), ["access_token"]);
    let fresh = Browser { access: answer.cookie("access_token").expect("a cookie").to_owned(), ..browser };
    fresh.call("PATCH", "/users/me").json(json!({})).send().expect(200);
}

#[test]
fn a_fresh_cookie_is_not_shown_to_script() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let answer = browser.call("POST", "/auth/fresh").json(json!({"password": PASSWORD})).send().expect(200);
    assert_eq!(answer.body.get("access_token"), None);
}

#[test]
fn a_new_password_by_cookie_gives_new_cookies() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let body = json!({"current_password": PASSWORD, "new_password": "seven lighthouses in the fog"});
    let answer = browser.call("POST", "/users/me/password").json(body).send().expect(200);
    assert_eq!((answer.body.get("access_token"), answer.text_at("csrf_token")), (None, browser.csrf.as_str()));
    let next = Browser::from(&server, &answer);
    assert!(next.is_signed_in() && !browser.is_signed_in());
    next.refresh().expect(200);
}

#[test]
fn where_cookies_are_switched_off_none_is_read_or_set() {
    let server = Server::with(vec![("token_location", json!(["headers"]))]);
    let ada = server.user("ada");
    let session = ada.login();
    let answer = sign_in(&server, "ada", None).expect_error(422, "invalid_request");
    assert_eq!((answer.bad_fields(), set_cookies(&answer)), (vec!["transport"], vec![]));
    let cookies = format!("access_token={}; refresh_token={}", session.access, session.refresh);
    let call = |method: &str, path: &str| server.call(method, path).header("Cookie", &cookies);
    call("GET", "/users/me").send().expect_error(401, "missing_token");
    call("POST", "/auth/refresh").send().expect_error(401, "missing_token");
    call("POST", "/auth/logout").send().expect_error(401, "missing_token");
    // A device cookie of earlier days names no device.
    let other = call("POST", "/auth/login").header("Cookie", &format!("device_id={}", session.device_id));
    other.json(json!({"username": "ada", "password": PASSWORD})).send().expect(200);
    assert!(session.is_accepted());
}

#[test]
fn where_headers_are_switched_off_none_is_read() {
    let server = Server::with(vec![("token_location", json!(["cookies"]))]);
    let ada = server.user("ada");
    let browser = Browser::from(&server, &ada.try_login(json!({})).expect(200));
    assert!(browser.is_signed_in());
    let bearer = ada.try_login(json!({"transport": "bearer"})).expect_error(422, "invalid_request");
    assert_eq!(bearer.bad_fields(), ["transport"]);
    server.call("GET", "/users/me").bearer(&browser.access).send().expect_error(401, "missing_token");
    browser.refresh().expect(200);
}

#[test]
fn where_headers_are_switched_off_no_token_comes_in_a_body() {
    let server = Server::with(vec![("token_location", json!(["cookies"]))]);
    let browser = Browser::from(&server, &server.user("ada").try_login(json!({})).expect(200));
    let answer = server.post("/auth/refresh", json!({"refresh_token": browser.refresh}));
    assert_eq!(answer.body.get("access_token"), None);
}

#[test]
fn a_device_cookie_takes_over_the_session_of_its_device() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let (first, other) = (Browser::login(&server, "ada"), Browser::login(&server, "ada"));
    let again = Browser::from(&server, &sign_in(&server, "ada", Some(&first.device)).expect(200));
    assert_eq!(again.device, first.device);
    assert_ne!(again.session_id, first.session_id);
    assert!(!first.is_signed_in() && other.is_signed_in() && again.is_signed_in());
    // Another user's, an unknown and a malformed one name no device.
    for device in [other.device.as_str(), &first.device.to_uppercase(), "x", ""] {
        let bob = Browser::from(&server, &sign_in(&server, "bob", Some(device)).expect(200));
        assert!(bob.device != device && bob.is_signed_in());
    }
    assert!(other.is_signed_in() && again.is_signed_in());
    // A login by body reads no cookie.
    let cookie = format!("device_id={}", again.device);
    let body: Value = json!({"username": "ada", "password": PASSWORD});
    let by_body = server.call("POST", "/auth/login").header("Cookie", &cookie).json(body).send().expect(200);
    assert_ne!(by_body.text_at("device_id"), again.device);
    assert!(again.is_signed_in());
}
