//! Several cookies of one name: which value counts, and which cookies are removed.

use serde_json::json;

use super::{Jar, secure, sign_in, with_cookies};
use crate::support::{Answer, PASSWORD, Server, Settings, at_once::send_bytes, browser::ORIGIN, cookies::set_cookies};

/// Returns a server whose cookies have plain names, as in the profile `dev`, and a session on it.
fn plain(settings: Settings) -> (Server, Jar) {
    let server = Server::with(settings);
    server.user("ada");
    let jar = sign_in(&server, "ada");
    (server, jar)
}

#[test]
fn a_protected_name_that_comes_twice_counts_as_absent() {
    let server = Server::with(secure());
    server.user("ada");
    let jar = sign_in(&server, "ada");
    let own = format!("__Host-access_token={}", jar.access);
    for cookies in
        [format!("{own}; {own}"), format!("{own}; __Host-access_token=x"), format!("__Host-access_token=; {own}")]
    {
        with_cookies(&server, "GET", "/users/me", &cookies, &[]).expect_error(401, "missing_token");
    }
}

#[test]
fn of_several_values_the_valid_token_counts_in_every_order() {
    let (server, jar) = plain(vec![]);
    let csrf = [("X-CSRF-Token", &*jar.csrf)];
    let stale = ["x", "caf%C3%A9", "a.b.c"];
    for number in 1..=3 {
        for place in 0..=number {
            let line = |name: &str, own: &str| {
                let mut values: Vec<String> = stale[..number].iter().map(|value| format!("{name}={value}")).collect();
                values.insert(place, format!("{name}={own}"));
                values.join("; ")
            };
            with_cookies(&server, "GET", "/users/me", &line("access_token", &jar.access), &[]).expect(200);
            with_cookies(&server, "GET", "/auth/verify", &line("access_token", &jar.access), &[]).expect(200);
            let cookies = format!("{}; csrf_token=other; csrf_token={}", line("refresh_token", &jar.refresh), jar.csrf);
            with_cookies(&server, "POST", "/auth/refresh", &cookies, &csrf).expect(200);
            let answer = with_cookies(&server, "GET", "/auth/continue?next=/account", &cookies, &[]).expect(303);
            assert_eq!(answer.header("location"), Some("/account"));
        }
    }
    // At most four values of a name are tried, so the fifth value is ignored.
    let fifth = format!("access_token=1; access_token=2; access_token=3; access_token=4; access_token={}", jar.access);
    with_cookies(&server, "GET", "/users/me", &fifth, &[]).expect_error(401, "invalid_token");
}

#[test]
fn of_two_tokens_of_one_session_the_newer_token_counts() {
    let (server, jar) = plain(vec![]);
    let csrf = [("X-CSRF-Token", &*jar.csrf)];
    let next =
        with_cookies(&server, "POST", "/auth/refresh", &format!("refresh_token={}", jar.refresh), &csrf).expect(200);
    let newer = next.cookie("refresh_token").expect("a cookie").to_owned();
    // After the grace, the older token alone would revoke the session.
    server.advance(60);
    for cookies in [
        format!("refresh_token={}; refresh_token={newer}", jar.refresh),
        format!("refresh_token={newer}; refresh_token={}", jar.refresh),
    ] {
        with_cookies(&server, "POST", "/auth/refresh", &cookies, &csrf).expect(200);
    }
}

#[test]
fn of_two_sessions_only_the_session_of_the_csrf_cookie_counts() {
    let (server, ada) = plain(vec![]);
    server.user("eve");
    let eve = sign_in(&server, "eve");
    let me = |cookies: &str| with_cookies(&server, "GET", "/users/me", cookies, &[]);
    let refresh =
        |cookies: &str| with_cookies(&server, "POST", "/auth/refresh", cookies, &[("X-CSRF-Token", &*ada.csrf)]);
    let both = [(&ada, &eve), (&eve, &ada)];
    for (first, second) in both {
        let access = format!("access_token={}; access_token={}", first.access, second.access);
        let tokens = format!("refresh_token={}; refresh_token={}", first.refresh, second.refresh);
        assert_eq!(me(&format!("{access}; csrf_token={}", ada.csrf)).expect(200).body["username"], "ada");
        assert_eq!(me(&format!("{access}; csrf_token={}", eve.csrf)).expect(200).body["username"], "eve");
        assert_eq!(
            refresh(&format!("{tokens}; csrf_token={}", ada.csrf)).expect(200).text_at("session_id"),
            ada.session
        );
        let two = format!("csrf_token={}; csrf_token={}", ada.csrf, eve.csrf);
        for csrf in [String::new(), "csrf_token=other".to_owned(), two] {
            me(&format!("{access}; {csrf}")).expect_error(401, "missing_token");
            refresh(&format!("{tokens}; {csrf}")).expect_error(401, "missing_token");
        }
    }
}

#[test]
fn a_stale_or_foreign_refresh_cookie_does_not_prevent_a_sign_out() {
    for other in ["refresh_token=x", "refresh_token=caf%C3%A9"] {
        let (server, jar) = plain(vec![]);
        let cookies = format!("access_token={}; csrf_token={}; {other}", jar.access, jar.csrf);
        with_cookies(&server, "POST", "/auth/logout", &cookies, &[("X-CSRF-Token", &*jar.csrf)]).expect(200);
        assert_eq!(server.count_live_sessions(), 0);
    }
    let (server, jar) = plain(vec![]);
    let form = format!("csrf_token={}", jar.csrf);
    let call = server.call("POST", "/account/sign-out").header("Origin", ORIGIN);
    let call = call.header("Cookie", &format!("refresh_token=x; access_token=x; access_token={}", jar.access));
    call.body("application/x-www-form-urlencoded", form).send().expect(303);
    assert_eq!(server.count_live_sessions(), 0);
    let (server, _) = plain(vec![]);
    with_cookies(&server, "POST", "/auth/logout", "refresh_token=x", &[]).expect_error(401, "invalid_token");
}

#[test]
fn a_device_is_recognised_beside_another_cookie_of_the_same_name() {
    let (server, jar) = plain(vec![]);
    let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
    for cookies in [
        format!("device_id=foreign; device_id={}", jar.device),
        format!("device_id={}; device_id={}", jar.device, "A".repeat(43)),
        format!("device_id={}; device_id={}", "A".repeat(43), jar.device),
    ] {
        let answer =
            server.call("POST", "/auth/login").header("Cookie", &cookies).json(body.clone()).send().expect(200);
        assert_eq!(answer.text_at("device_id"), jar.device, "{cookies}");
    }
}

#[test]
fn only_setting_or_clearing_a_cookie_removes_its_name_from_the_other_scopes() {
    // Returns path and domain of each line that removes a cookie of this name.
    let scopes = |answer: &Answer, name: &str| -> Vec<String> {
        let lines = answer.set_cookie_lines(name).into_iter().filter(|line| line.starts_with(&format!("{name}=;")));
        let part = |line: &str, name: &str| {
            let found = line.split("; ").find(|part| part.starts_with(name));
            found.unwrap_or_default().to_owned()
        };
        lines
            .map(|line| {
                assert!(line.contains("Max-Age=0"), "{line}");
                format!("{} {}", part(line, "Path="), part(line, "Domain="))
            })
            .collect()
    };
    let with_domain = || {
        let domain = [("cookie_domain", json!("test")), ("base_path", json!("/session"))];
        secure().into_iter().chain(domain).map(|(key, value)| match key {
            "cookie_domain" => (key, json!("example.test")),
            "public_url" => (key, json!("https://auth.example.test")),
            _ => (key, value),
        })
    };
    /// The cookies of a login, each with the scopes (path and domain) from which the login removes its name.
    type Scopes = [(&'static str, Vec<&'static str>); 4];
    let rows: [(Settings, &str, Scopes); 3] = [
        (
            vec![],
            "/auth",
            [
                ("access_token", vec!["Path=/auth "]),
                ("refresh_token", vec!["Path=/ "]),
                ("csrf_token", vec!["Path=/auth "]),
                ("device_id", vec!["Path=/auth "]),
            ],
        ),
        (
            secure(),
            "/auth",
            [
                ("__Host-access_token", vec![]),
                ("__Secure-refresh_token", vec!["Path=/ "]),
                ("__Host-csrf_token", vec![]),
                ("__Host-device_id", vec![]),
            ],
        ),
        (
            with_domain().collect(),
            "/session",
            [
                ("__Secure-access_token", vec!["Path=/ ", "Path=/session ", "Path=/session Domain=example.test"]),
                (
                    "__Secure-refresh_token",
                    vec!["Path=/ ", "Path=/ Domain=example.test", "Path=/session Domain=example.test"],
                ),
                ("__Host-csrf_token", vec![]),
                ("__Host-device_id", vec![]),
            ],
        ),
    ];
    for (settings, base, names) in rows {
        let server = Server::with(settings);
        server.user("ada");
        let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
        let login = server.post(&format!("{base}/login"), body).expect(200);
        for (name, expected) in &names {
            assert_eq!(scopes(&login, name), *expected, "{name}");
            // The lines that remove come before the line that sets. So a client that keeps one value for each name keeps the
            // new value.
            assert!(login.cookie(name).is_some_and(|value| !value.is_empty()), "{name}");
            let secure = login.set_cookie_lines(name).iter().all(|line| line.contains("Secure"));
            assert_eq!(secure, name.starts_with("__"), "{name}: a browser takes no insecure line for such a name");
        }
        let csrf = login.text_at("csrf_token").to_owned();
        let cookies: Vec<String> =
            names.iter().map(|(name, _)| format!("{name}={}", login.cookie(name).expect("a cookie"))).collect();
        let cookies = cookies.join("; ");
        let plain = with_cookies(&server, "GET", "/users/me", &cookies, &[]).expect(200);
        assert_eq!(set_cookies(&plain), Vec::<&str>::new());
        let logout = with_cookies(&server, "POST", &format!("{base}/logout"), &cookies, &[("X-CSRF-Token", &csrf)]);
        let logout = logout.expect(200);
        // A logout also removes the cookie from its own scope: one line more.
        for (name, expected) in &names[..3] {
            let cleared = scopes(&logout, name);
            assert_eq!(cleared.len(), expected.len() + 1, "{name}: {cleared:?}");
        }
    }
}

#[test]
fn a_configured_cookie_name_is_sent_without_encoding() {
    let names = [("access_cookie_name", "a|b~c'd"), ("refresh_cookie_name", "r^%41"), ("csrf_cookie_name", "c#d")];
    let server = Server::with(names.iter().map(|(key, name)| (*key, json!(name))).collect());
    server.user("ada");
    let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
    let answer = server.post("/auth/login", body).expect(200);
    let access = answer.cookie("a|b~c'd").expect("the access cookie");
    with_cookies(&server, "GET", "/users/me", &format!("a|b~c'd={access}"), &[]).expect(200);
    let refresh = answer.cookie("r^%41").expect("the refresh cookie");
    let csrf = [("X-CSRF-Token", answer.cookie("c#d").expect("the CSRF cookie"))];
    with_cookies(&server, "POST", "/auth/refresh", &format!("r^%41={refresh}"), &csrf).expect(200);
}

#[test]
fn a_foreign_cookie_that_is_not_utf_8_takes_nothing_away() {
    let (server, jar) = plain(vec![]);
    let ask = |lines: &[&[u8]]| {
        let mut request =
            format!("GET /users/me HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", server.address).into_bytes();
        for line in lines {
            request.extend([b"Cookie: ", *line, b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        send_bytes(&server, &request).status
    };
    let own = format!("access_token={}", jar.access);
    assert_eq!(ask(&[own.as_bytes()]), 200);
    assert_eq!(ask(&[b"place=caf\xe9", own.as_bytes()]), 200);
    assert_eq!(ask(&[own.as_bytes(), b"place=caf\xe9; other=1"]), 200);
    assert_eq!(ask(&[format!("{own}; place=").into_bytes().as_slice(), b"a=1"]), 200);
    assert_eq!(ask(&[[own.as_bytes(), b"; place=caf\xe9"].concat().as_slice()]), 200);
}
