//! Every endpoint with an unsafe method (RFC 9110 §9.2.1), against each way in which a foreign page, a sibling host or an old
//! tab could use the cookies of a signed-in user. A test compares `ROWS` with the mounted endpoints: it fails for a new
//! endpoint until the endpoint has a row.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    Answer, Call, PASSWORD, Server, Settings,
    cookies::{Browser, set_cookies},
    unlimited,
};

/// The effect that a cookie can have at an endpoint.
enum Row {
    /// The endpoint reads no cookie of a session, so a foreign page can't use one.
    TakesNoCookie,
    /// The endpoint takes the form of a page, which has the CSRF token in a field. `pages_csrf` tests these endpoints.
    Form,
    /// The endpoint acts for the session of the cookie. The function returns the body for this browser.
    Acts(fn(&Browser<'_>) -> Value),
    /// As `Acts`, but the session needs a permission that the users of this file do not have.
    Administers(fn(&Browser<'_>) -> Value),
}

use Row::{Acts, Administers, Form, TakesNoCookie};

/// Every unsafe endpoint, as it is mounted.
const ROWS: &[(&str, &str, Row)] = &[
    ("POST", "/auth/register", TakesNoCookie),
    ("POST", "/auth/login", TakesNoCookie),
    ("POST", "/auth/refresh", Acts(|_| json!({}))),
    ("POST", "/auth/fresh", Acts(|_| json!({"password": PASSWORD}))),
    ("POST", "/auth/logout", Acts(|_| json!({}))),
    ("POST", "/auth/logout_all", Acts(|_| json!({}))),
    ("POST", "/auth/revoke_other_session", Acts(|_| json!({}))),
    ("DELETE", "/auth/sessions/<id>", Acts(|_| json!({}))),
    ("POST", "/auth/logout/device", Acts(|browser| json!({"session_id": browser.session_id}))),
    ("PATCH", "/users/me", Acts(|browser| json!({"username": format!("renamed-{}", &browser.session_id[30..])}))),
    (
        "POST",
        "/users/me/password",
        Acts(|_| json!({"current_password": PASSWORD, "new_password": "seven lighthouses in the fog"})),
    ),
    ("DELETE", "/users/me", Acts(|_| json!({"password": PASSWORD}))),
    ("POST", "/token", TakesNoCookie),
    ("POST", "/auth/token", TakesNoCookie),
    ("POST", "/auth/revoke", TakesNoCookie),
    ("POST", "/auth/introspect", TakesNoCookie),
    ("POST", "/admin/users", Administers(|_| json!({"username": "eve"}))),
    ("PATCH", "/admin/users/<id>", Administers(|_| json!({"disabled": true}))),
    ("POST", "/admin/users/<id>/link", Administers(|_| json!({"purpose": "reset"}))),
    ("DELETE", "/admin/users/<id>", Administers(|_| json!({}))),
    ("DELETE", "/admin/users/<id>/sessions", Administers(|_| json!({}))),
    ("DELETE", "/admin/users/<id>/sessions/<session>", Administers(|_| json!({}))),
    ("DELETE", "/admin/users/<id>/devices/<device>", Administers(|_| json!({}))),
    ("PUT", "/admin/roles/<name>", Administers(|_| json!({"permissions": []}))),
    ("DELETE", "/admin/roles/<name>", Administers(|_| json!({}))),
    ("POST", "/admin/clients", Administers(|_| json!({"id": "shop"}))),
    ("PATCH", "/admin/clients/<id>", Administers(|_| json!({"name": "x"}))),
    ("DELETE", "/admin/clients/<id>", Administers(|_| json!({}))),
    ("POST", "/admin/clients/<id>/secret", Administers(|_| json!({}))),
    ("POST", "/admin/keys/rotate", Administers(|_| json!({}))),
    ("POST", "/admin/keys/<kid>/retire", Administers(|_| json!({}))),
    ("POST", "/login", Form),
    ("POST", "/register", Form),
    ("POST", "/link", Form),
    ("POST", "/setup", Form),
    ("POST", "/logout", Form),
    ("POST", "/auth/sign-out", Form),
    ("POST", "/account/sign-out", Form),
    ("POST", "/account/sessions/<id>/revoke", Form),
    ("POST", "/account/sessions/revoke-others", Form),
    ("POST", "/account/names", Form),
    ("POST", "/account/password", Form),
    ("POST", "/account/delete", Form),
    ("POST", "/admin/ui/people/new/add", Form),
    ("POST", "/admin/ui/people/<id>/change", Form),
    ("POST", "/admin/ui/people/<id>/link", Form),
    ("POST", "/admin/ui/people/<id>/sign-out", Form),
    ("POST", "/admin/ui/people/<id>/end-session", Form),
    ("POST", "/admin/ui/people/<id>/forget-device", Form),
    ("POST", "/admin/ui/people/<id>/delete", Form),
    ("POST", "/admin/ui/roles/add", Form),
    ("POST", "/admin/ui/role/<name>/permissions", Form),
    ("POST", "/admin/ui/role/<name>/delete", Form),
    ("POST", "/admin/ui/applications/add", Form),
    ("POST", "/admin/ui/application/<id>/change", Form),
    ("POST", "/admin/ui/application/<id>/secret", Form),
    ("POST", "/admin/ui/application/<id>/delete", Form),
    ("POST", "/admin/ui/server/replace-key", Form),
    ("POST", "/admin/ui/server/replace-key-at-once", Form),
    ("POST", "/admin/ui/server/remove-key", Form),
];

/// Returns settings without limits of logins, refreshes and devices.
fn settings() -> Settings {
    unlimited(vec![("max_devices_per_user", json!(0))])
}

/// Returns method, path and body of the endpoints that act for the session of a cookie.
fn acting() -> impl Iterator<Item = (&'static str, &'static str, fn(&Browser<'_>) -> Value)> {
    ROWS.iter().filter_map(|(method, path, row)| match row {
        Acts(body) | Administers(body) => Some((*method, *path, *body)),
        Form | TakesNoCookie => None,
    })
}

/// Returns a path of `ROWS` with the id of the browser's session.
fn path(template: &str, browser: &Browser<'_>) -> String {
    let ids = ["<id>", "<session>", "<device>", "<kid>", "<name>"];
    ids.iter().fold(template.to_owned(), |path, id| path.replace(id, &browser.session_id))
}

/// Checks that a request was refused because of its origin, its CSRF token or its media type, and that the response sets no
/// cookie. `place` describes the request.
#[track_caller]
fn expect_refused(answer: &Answer, place: &str) {
    // A form is refused for its media type if the endpoint checks the body first.
    assert!(matches!(answer.status, 403 | 415), "{place}: {} {}", answer.status, answer.text);
    let code = if answer.status == 403 { "csrf_failed" } else { "unsupported_media_type" };
    assert_eq!(answer.body["error"], code, "{place}");
    assert_eq!(set_cookies(answer), Vec::<&str>::new(), "{place}");
}

#[test]
fn every_endpoint_with_an_unsafe_method_has_a_row() {
    let mounted: BTreeSet<String> = vestibule::http::endpoints("/auth")
        .iter()
        .flat_map(|(_, base, routes)| routes.iter().map(move |route| (base.trim_end_matches('/'), route)))
        .filter(|(_, route)| !matches!(route.method.as_str(), "GET" | "HEAD" | "OPTIONS"))
        .map(|(base, route)| format!("{} {base}{}", route.method, route.uri.path()))
        .collect();
    let rows: BTreeSet<String> = ROWS.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    assert_eq!(mounted, rows, "mounted on the left, ROWS in tests/api/csrf.rs on the right");
}

#[test]
fn without_the_csrf_token_of_the_session_nothing_changes() {
    let server = Server::with(settings());
    server.user("ada");
    server.user("bob");
    let before = Browser::login(&server, "ada");
    before.call("POST", "/auth/logout").send().expect(200);
    let (browser, second, bob) =
        (Browser::login(&server, "ada"), Browser::login(&server, "ada"), Browser::login(&server, "bob"));
    let untouched = server.state();
    for (method, template, body) in acting() {
        let path = path(template, &browser);
        let call = || browser.blind(method, &path).header("Origin", "http://auth.test");
        let with = |call: Call<'_>| call.json(body(&browser)).send();
        let place = format!("{method} {path}");
        expect_refused(&with(call()), &format!("{place}, without a token"));
        for (whose, token) in [
            ("another session's", second.csrf.as_str()),
            ("another user's", &bob.csrf),
            ("that of a session before", &before.csrf),
            ("the access token", &browser.access),
            ("an empty one", ""),
        ] {
            expect_refused(&with(call().header("X-CSRF-Token", token)), &format!("{place}, {whose}"));
        }
        // The right token does not count in the query or in the body. Every browser here also sends it as a cookie, where it
        // does not count either.
        let in_query = browser.blind(method, &format!("{path}?csrf_token={}", browser.csrf));
        expect_refused(&with(in_query), &format!("{place}, in the query"));
        let mut with_field = body(&browser);
        with_field["csrf_token"] = browser.csrf.clone().into();
        expect_refused(&call().json(with_field).send(), &format!("{place}, in the body"));
    }
    assert_eq!(server.state(), untouched);
}

#[test]
fn a_page_of_another_origin_changes_nothing_even_with_the_token() {
    let server = Server::with(settings());
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let untouched = server.state();
    let foreign: [&[(&str, &str)]; 12] = [
        &[("Origin", "http://auth.test"), ("Origin", "https://evil.example")],
        &[("Origin", "https://evil.example"), ("Origin", "http://auth.test")],
        &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "http://auth.test.evil.example")],
        &[("Origin", "https://auth.test")],
        &[("Origin", "http://auth.test:8080")],
        &[("Origin", "null")],
        &[("Origin", "http://app.test"), ("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "anything")],
    ];
    for (method, template, body) in acting() {
        for headers in foreign {
            let path = path(template, &browser);
            let call = headers.iter().fold(browser.call(method, &path), |call, (name, value)| call.header(name, value));
            expect_refused(&call.json(body(&browser)).send(), &format!("{method} {path} {headers:?}"));
        }
    }
    assert_eq!(server.state(), untouched);
}

#[test]
fn a_foreign_form_changes_nothing() {
    let server = Server::with(settings());
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let untouched = server.state();
    let fields = format!("csrf_token={}&_method=DELETE&password={PASSWORD}", browser.csrf);
    let part =
        format!("--x\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{}\r\n--x--\r\n", browser.csrf);
    for (method, template, body) in acting() {
        let path = path(template, &browser);
        let json = body(&browser).to_string();
        let forms = [
            ("application/x-www-form-urlencoded", fields.clone()),
            ("application/x-www-form-urlencoded", String::new()),
            ("multipart/form-data; boundary=x", part.clone()),
            ("text/plain", json.clone()),
            ("text/plain; x=application/json", json),
        ];
        for (content_type, body) in &forms {
            // A form can't set the CSRF header. `None` is a form for which the browser sends no origin.
            for origin in [Some("https://evil.example"), Some("null"), None] {
                let call = browser.blind(method, &path).body(content_type, body.as_str());
                let call = match origin {
                    Some(origin) => call.header("Origin", origin).header("Sec-Fetch-Site", "cross-site"),
                    None => call,
                };
                expect_refused(&call.send(), &format!("{method} {path} {content_type} {origin:?}"));
            }
        }
    }
    assert_eq!(server.state(), untouched);
}

#[test]
fn a_page_of_this_server_with_the_token_is_accepted() {
    let own: [&[(&str, &str)]; 3] = [
        &[("Origin", "http://auth.test"), ("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "same-origin")],
        &[],
    ];
    for (at, headers) in own.into_iter().enumerate() {
        let server = Server::with(settings());
        for (number, (method, template, body)) in acting().enumerate() {
            let name = format!("user-{at}-{number}");
            server.user(&name);
            let browser = Browser::login(&server, &name);
            let path = path(template, &browser);
            let call = headers.iter().fold(browser.call(method, &path), |call, (name, value)| call.header(name, value));
            let answer = call.json(body(&browser)).send();
            let passed = (200..300).contains(&answer.status)
                || (path.starts_with("/admin") && answer.body["error"] == "insufficient_scope");
            assert!(passed, "{method} {path} {headers:?}: {}", answer.text);
        }
    }
}

#[test]
fn a_page_on_another_host_of_the_cookie_domain_is_refused_unless_its_origin_is_allowed() {
    let settings = |listed: &[&str]| {
        vec![
            ("public_url", json!("https://auth.example.com")),
            ("cookie_domain", json!("example.com")),
            ("cookie_secure", json!(true)),
            ("cors_allowed_origins", json!(listed)),
            ("allowed_redirect_hosts", json!(["app.example.com"])),
        ]
    };
    const APP: &str = "https://app.example.com";
    let act = |server: &Server, origin: &str| -> Answer {
        let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
        let login = server.post("/auth/login", body).expect(200);
        // The browser sends all three cookies to this server, also with a request of a page of another host of the domain.
        let names = ["__Secure-access_token", "__Secure-refresh_token", "__Host-csrf_token"];
        let cookies: Vec<String> = names
            .iter()
            .map(|name| {
                let is_shared = login.set_cookie(name).is_some_and(|line| line.contains("Domain=example.com"));
                assert_eq!(is_shared, name.ends_with("access_token"), "{name}");
                format!("{name}={}", login.cookie(name).expect("a cookie"))
            })
            .collect();
        let call = server.call("POST", "/auth/logout_all").header("Cookie", &cookies.join("; "));
        let call = call.header("X-CSRF-Token", login.text_at("csrf_token")).header("Sec-Fetch-Site", "same-site");
        call.header("Origin", origin).send()
    };
    let server = Server::with(settings(&[]));
    server.user("ada");
    for origin in [APP, "https://example.com", "http://auth.example.com", "https://auth.example.com:8443"] {
        act(&server, origin).expect_error(403, "csrf_failed");
    }
    act(&server, "https://auth.example.com").expect(200);
    let server = Server::with(settings(&[APP]));
    server.user("ada");
    act(&server, APP).expect(200);
    act(&server, "https://wiki.example.com").expect_error(403, "csrf_failed");
}

/// Returns whether a login form with these headers sets cookies. The form is valid, so only the origin of its page can be the
/// reason for a refusal.
fn signs_in(settings: Settings, headers: &[(&str, &str)]) -> bool {
    let server = Server::with(settings.into_iter().chain([("compat_routes", json!(true))]).collect());
    server.user("ada");
    let call = server.call("POST", "/login/secure");
    let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
    let form = "username=ada&password=a+long+walk+to+the+sea";
    let answer = call.body("application/x-www-form-urlencoded", form).send();
    if answer.status != 200 {
        expect_refused(&answer, &format!("{headers:?}"));
    }
    answer.status == 200
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    const HTTPS: [(&str, &str); 2] = [("X-Forwarded-Proto", "https"), ("Host", "auth.lan")];
    let by_https = || vec![("public_url", json!("https://auth.example.com")), ("cookie_secure", json!(true))];
    let by_http = || vec![("public_url", json!("http://localhost:8000"))];
    let host = ("Host", "auth.example.com");
    // `public_url` is https. A page by http is refused, because anybody on the network path could have made it.
    for (origin, host, own) in [
        ("https://auth.example.com", "auth.example.com", true),
        ("https://auth.example.com", "AUTH.example.com:443", true),
        ("https://auth.lan:8443", "auth.lan:8443", true),
        ("http://auth.example.com", "auth.example.com", false),
        ("ftp://auth.example.com", "auth.example.com", false),
        ("HTTP://auth.example.com", "auth.example.com", false),
        ("http://auth.example.com:443", "auth.example.com:443", false),
        ("https://auth.example.com:8443", "auth.example.com", false),
        ("https://auth.lan", "auth.lan:8443", false),
        ("https://auth.lan:8443", "auth.lan", false),
        ("://auth.lan", "auth.lan", false),
        ("auth.lan", "auth.lan", false),
        ("https://", "", false),
    ] {
        for more in [&[][..], &[("X-Forwarded-Proto", "http")], &[("X-Forwarded-Proto", "https")]] {
            let headers: Vec<_> =
                [("Origin", origin), ("Host", host)].into_iter().chain(more.iter().copied()).collect();
            assert_eq!(signs_in(by_https(), &headers), own, "{origin} at {host} {more:?}");
        }
    }
    assert!(!signs_in(by_https(), &[("Origin", "http://auth.example.com"), host, ("Sec-Fetch-Site", "same-origin")]));
    // `public_url` is http. An https origin is accepted only if a trusted proxy or the browser states that the request came by
    // https.
    assert!(signs_in(by_http(), &[("Origin", "http://auth.lan"), ("Host", "auth.lan")]));
    assert!(signs_in(by_http(), &[("Origin", "http://auth.lan"), ("Host", "auth.lan:80")]));
    assert!(!signs_in(by_http(), &[("Origin", "https://auth.lan"), ("Host", "auth.lan")]));
    assert!(!signs_in(by_http(), &[("Origin", "ftp://auth.lan"), ("Host", "auth.lan")]));
    assert!(signs_in(by_http(), &[&[("Origin", "https://auth.lan")][..], &HTTPS].concat()));
    assert!(signs_in(
        by_http(),
        &[("Origin", "https://auth.lan"), ("Host", "auth.lan"), ("Sec-Fetch-Site", "same-origin")]
    ));
    assert!(!signs_in(
        by_http(),
        &[("Origin", "https://auth.lan"), ("Host", "auth.lan"), ("Sec-Fetch-Site", "same-site")]
    ));
    let untrusted = || by_http().into_iter().chain([("trusted_proxies", json!(["192.0.2.1"]))]).collect::<Settings>();
    assert!(!signs_in(untrusted(), &[&[("Origin", "https://auth.lan")][..], &HTTPS].concat()));
}
