//! `sites`: who may use which host behind forward authentication, and what a person is shown instead.

use std::collections::BTreeSet;

use serde_json::json;
use vestibule::{
    domain::RoleName,
    flows::{
        roles::set_role::{RoleChange, set_role},
        steps::acting::Acting,
    },
};

use crate::{
    forward_auth::{ask, identity},
    support::{
        Answer, Call, PASSWORD, Server,
        browser::{Browser, form},
        wait_for,
    },
};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn server(default: &str) -> Server {
    let sites = json!({
        "family.example.com": {"roles": ["family", "friends"]},
        "wiki.example.com": {"permissions": ["wiki:read", "wiki:write"], "exclude_urls": ["/assets/**"]},
        "*.example.com": {},
        "ops.example.com": {"roles": ["admin"]},
    });
    Server::with(vec![
        ("sites", sites),
        ("sites_default", json!(default)),
        ("allowed_redirect_hosts", json!(["*.example.com", "other.test"])),
    ])
}

#[test]
fn only_who_has_a_role_and_all_permissions_passes_to_a_host() {
    for default in ["signed_in", "deny"] {
        let server = server(default);
        for role in ["family", "friends"] {
            let name = RoleName::parse(role).expect("a role");
            let origin = Acting::operator(server.clock.now());
            wait_for(set_role(&server.vestibule, name, RoleChange::Set(BTreeSet::new()), &origin)).expect("it is new");
        }
        let ada = server.user_with("ada", &["family"], &["wiki:read"]).login();
        let eve = server.user_with("eve", &["friends"], &["wiki:read", "wiki:write"]).login();
        let bob = server.user("bob").login();
        let admin = server.user_with("root", &["admin"], &[]).login();
        let of_default = if default == "deny" { 403 } else { 200 };
        for (host, expected) in [
            ("family.example.com", [200, 200, 403, 403]),
            ("family.example.com:8080", [200, 200, 403, 403]),
            ("FAMILY.example.com", [200, 200, 403, 403]),
            ("wiki.example.com", [403, 200, 403, 403]),
            ("x.example.com", [200, 200, 200, 200]),
            ("ops.example.com:8443", [403, 403, 403, 200]),
            ("ops.example.com:1", [403, 403, 403, 200]),
            ("other.test", [of_default; 4]),
            ("example.com", [of_default; 4]),
            // The host can't be read, so no table can be applied.
            ("family.example.com.", [403; 4]),
            ("family.example.com, x.example.com", [403; 4]),
            ("", [403; 4]),
        ] {
            for (session, status) in [&ada, &eve, &bob, &admin].into_iter().zip(expected) {
                let answer = ask(&server, host, "/").bearer(&session.access).send();
                assert_eq!(answer.status, status, "{host} with {default}");
                if status == 403 {
                    answer.expect_error(403, "insufficient_scope");
                }
            }
        }
        let unnamed = server.call("GET", "/auth/verify").bearer(&ada.access).send();
        unnamed.expect_error(403, "insufficient_scope");
        let open = |host: &str| ask(&server, host, "/assets/a.css").send();
        assert_eq!(identity(&open("wiki.example.com").expect(200)), [Some(""); 5]);
        open("family.example.com").expect_error(401, "missing_token");
    }
}

#[test]
fn without_tables_the_host_does_not_matter() {
    let open = Server::start();
    let session = open.user("ada").login();
    session.get("/auth/verify").expect(200);
    let closed = Server::with(vec![("sites_default", json!("deny"))]);
    let session = closed.user("ada").login();
    session.get("/auth/verify").expect_error(403, "insufficient_scope");
}

/// Returns the page with which a browser is refused.
fn page(call: Call<'_>, status: u16) -> Answer {
    let answer = call.header("Accept", BROWSER).send().expect(status);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{}", answer.text);
    // The proxy displays the page under the host of the application, so every address is absolute.
    let addresses = answer.text.split("href=\"").skip(1).map(|rest| rest.split('"').next().expect("a value"));
    assert!(
        addresses.clone().count() > 3 && addresses.into_iter().all(|address| address.starts_with("http://auth.test/"))
    );
    assert!(
        answer.header("content-security-policy").is_some_and(|policy| policy.contains("style-src http://auth.test;"))
    );
    assert!(answer.header("www-authenticate").is_some());
    answer
}

#[test]
fn a_person_who_is_refused_gets_a_page_with_a_way_on() {
    let server = server("signed_in");
    let ada = server.user("ada").login();
    let refused = page(ask(&server, "family.example.com", "/album?x=1").bearer(&ada.access), 403);
    assert!(refused.text.contains("<strong><bdi>ada</bdi></strong>"), "{}", refused.text);
    let other = "http://auth.test/logout?next=https%3A%2F%2Ffamily.example.com%2Falbum%3Fx%3D1";
    assert!(refused.text.contains(&format!("href=\"{other}\"")), "{}", refused.text);

    let signed_out = page(ask(&server, "family.example.com", "/album"), 401);
    let sign_in = "http://auth.test/auth/continue?next=https%3A%2F%2Ffamily.example.com%2Falbum";
    assert!(signed_out.text.contains(&format!("href=\"{sign_in}\"")), "{}", signed_out.text);

    let posted = server.call("GET", "/auth/verify?redirect=1").header("X-Forwarded-Method", "POST");
    let posted = posted.header("X-Forwarded-Proto", "https").header("X-Forwarded-Host", "family.example.com");
    let posted = page(posted.header("X-Forwarded-Uri", "/album/new"), 401);
    assert!(posted.text.contains("was not saved"));
    assert!(posted.text.contains("continue?next=https%3A%2F%2Ffamily.example.com%2F\""), "{}", posted.text);

    let unlisted = page(ask(&server, "evil.test", "/x").header("X-Request-Id", "a"), 401);
    assert!(unlisted.text.contains("add it to allowed_redirect_hosts") && unlisted.text.contains("evil.test"));
    assert!(unlisted.text.contains("href=\"http://auth.test/auth/continue\""), "{}", unlisted.text);

    // A header that the proxy sends twice, or an unknown parameter, is no answer to a person either.
    page(ask(&server, "a.example.com", "/").header("X-Forwarded-Host", "b.example.com"), 401);

    let program = ask(&server, "family.example.com", "/").header("Accept", "application/json").send();
    program.expect_error(401, "missing_token");
}

#[test]
fn an_address_that_is_too_long_is_carried_as_its_path_or_its_host() {
    let server = server("signed_in");
    let location = |proto: &str, uri: &str| {
        let call = server.call("GET", "/auth/verify?redirect=1").header("X-Forwarded-Method", "GET");
        let call = call.header("X-Forwarded-Proto", proto).header("X-Forwarded-Host", "app.example.com");
        let answer = call.header("X-Forwarded-Uri", uri).header("Accept", BROWSER).send().expect(302);
        let location = answer.header("location").expect("a header").to_owned();
        assert!(location.len() < 2200, "{}", location.len());
        location
            .strip_prefix("http://auth.test/auth/continue?next=https%3A%2F%2Fapp.example.com")
            .expect(&location)
            .to_owned()
    };
    let long = |length: usize| "q".repeat(length);
    for length in [100, 1500] {
        assert_eq!(location("https", &format!("/page?{}", long(length))), format!("%2Fpage%3F{}", long(length)));
    }
    for length in [3000, 6000] {
        assert_eq!(location("https", &format!("/page?{}", long(length))), "%2Fpage");
        assert_eq!(location("https", &format!("/{}?x", long(length))), "%2F");
    }
    // Each of these bytes has three characters in percent-encoding.
    assert_eq!(location("https", &format!("/page?{}", "&".repeat(1000))), "%2Fpage");
    assert_eq!(location("wss", "/socket"), "%2Fsocket");
    assert_eq!(location("https", "/search?q=a\\b"), "%2Fsearch", "a browser sends a backslash in a query as it is");
}

#[test]
fn web_sockets_have_the_ports_of_http() {
    let server =
        Server::with(vec![("exclude_urls", json!(["app.example.com:443/open/**", "app.example.com:80/plain"]))]);
    for (proto, host, uri, status) in [
        ("wss", "app.example.com", "/open/socket", 200),
        ("https", "app.example.com", "/open/socket", 200),
        ("ws", "app.example.com", "/plain", 200),
        ("ws", "app.example.com", "/open/socket", 401),
        ("wss", "app.example.com:8443", "/open/socket", 401),
    ] {
        let call = server.call("GET", "/auth/verify").header("X-Forwarded-Proto", proto);
        let answer = call.header("X-Forwarded-Host", host).header("X-Forwarded-Uri", uri).send();
        assert_eq!(answer.status, status, "{proto}://{host}{uri}");
    }
}

#[test]
fn a_page_with_one_button_signs_out_and_goes_on() {
    let server = Server::with(vec![
        ("allowed_redirect_hosts", json!(["app.example.com"])),
        ("compat_routes", json!(true)),
        ("login_rate_per_ip", json!("0")),
    ]);
    server.user("ada");
    for (next, onward) in [
        ("https://app.example.com/bye", "https://app.example.com/bye"),
        ("/privacy", "/privacy"),
        ("https://evil.example/", "/login?notice=signed_out"),
        ("", "/login?notice=signed_out"),
    ] {
        let browser = Browser::signed_in(&server, "ada");
        let page = browser.get(&format!("/logout?next={next}")).expect(200);
        assert!(browser.is_signed_in(), "a GET changes nothing");
        let form = form(&page, "/logout");
        let done = browser.submit(&form, &[]).expect(303);
        assert_eq!(done.header("location"), Some(onward));
        assert!(!browser.is_signed_in());
        let again = browser.get(&format!("/logout?next={next}")).expect(200);
        assert!(again.text.contains("You are signed out.") && !again.text.contains("<button"), "{}", again.text);
    }
    let browser = Browser::signed_in(&server, "ada");
    browser.post("/logout", &[("csrf_token", "forged")]).expect(403);
    assert!(browser.is_signed_in());
    // Programs of other login systems send JSON to the same path.
    let session = server.post("/login", json!({"username": "ada", "password": PASSWORD})).expect(200);
    let refresh = json!({"refresh_token": session.text_at("refresh_token")});
    server.post("/logout", refresh).expect(200);
}

#[test]
fn the_page_signs_out_although_only_the_refresh_cookie_names_the_session() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let refresh = browser.cookie("refresh_token").expect("a cookie");
    // Its key was retired, or a sibling host has replaced it.
    browser.set_cookie("access_token", "a.b.c");
    let page = browser.get("/logout?next=/privacy").expect(200);
    assert!(!page.text.contains("You are signed out."), "{}", page.text);
    let fields = form(&page, "/logout");
    let again = browser.submit(&fields, &[]).expect(307);
    assert_eq!(again.header("location"), Some("/auth/sign-out"));
    let fields: Vec<(&str, &str)> = fields.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let done = browser.post("/auth/sign-out", &fields).expect(303);
    assert_eq!(done.header("location"), Some("/privacy"));
    let refused = server.post("/auth/refresh", json!({"refresh_token": refresh})).expect_error(401, "token_revoked");
    assert_eq!(refused.text_at("reason"), "logged_out");
}

#[test]
fn password_managers_find_the_form_for_a_new_password() {
    let server = Server::start();
    let answer = server.call("GET", "/.well-known/change-password").send().expect(303);
    assert_eq!(answer.header("location"), Some("/account"));
}

#[test]
fn an_error_of_any_path_is_a_page_where_the_client_prefers_html() {
    let server = Server::with(vec![("compat_routes", json!(true))]);
    let rows = [
        ("GET", "/nothing", 404),
        ("GET", "/auth/nothing", 404),
        ("GET", "/users/nothing", 404),
        ("GET", "/static/nothing.js", 404),
        ("GET", "/.well-known/nothing", 404),
        ("GET", "/users/me", 401),
        ("GET", "/auth/active_sessions", 401),
        ("GET", "/auth/verify", 401),
        ("GET", "/token", 405),
        ("GET", "/auth/login", 405),
        ("POST", "/auth/refresh", 401),
    ];
    for (method, path, status) in rows {
        let kind = |accept: &str| {
            let answer = server.call(method, path).header("Accept", accept).send().expect(status);
            answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().to_owned()
        };
        for accept in
            [BROWSER, "text/html", "text/html;q=0.9, application/json;q=0.5", "application/json;q=0.1, text/html"]
        {
            assert_eq!(kind(accept), "text/html", "{method} {path} {accept}");
        }
        for accept in
            ["*/*", "application/json", "application/json, text/html;q=0.5", "application/json, text/plain, */*"]
        {
            assert!(kind(accept).ends_with("json"), "{method} {path} {accept}");
        }
    }
    let page = server.call("GET", "/users/me").header("Accept", BROWSER).send().expect(401);
    assert!(page.text.contains("href=\"/auth/continue?next=%2Fusers%2Fme\""), "{}", page.text);
}
