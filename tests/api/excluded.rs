//! The requests that pass `GET /auth/verify` without a sign-in (`exclude_urls`), and the headers and the address of a proxy on
//! which that depends.

use proptest::{
    sample::select,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::{
    forward_auth::{ask, ask_with, expect_page, identity, settings},
    support::{Answer, Server},
};

/// Checks that a request passes for everybody: a 200 with empty identity headers and without a body.
#[track_caller]
fn expect_anybody(answer: Answer) {
    assert_eq!(identity(&answer.clone().expect(200)), [Some(""); 5]);
    assert_eq!(answer.text, "");
}

#[test]
fn an_excluded_path_passes_with_empty_identity_headers_even_with_a_token() {
    let server = Server::with(settings());
    let session = server.user_with("ada", &["admin"], &[]).login();
    for uri in ["/public/", "/public/a/b?c=/../../admin", "/%70ublic/a", "/public/x/../y"] {
        expect_anybody(ask(&server, "app.example.com", uri).send());
        expect_anybody(ask(&server, "app.example.com", uri).bearer(&session.access).send());
        expect_anybody(ask(&server, "app.example.com", uri).bearer("a.b.c").send());
        expect_anybody(ask_with(&server, "?role=nobody&redirect=1", "x", uri).header("Accept", "text/html").send());
        expect_anybody(server.call("GET", "/auth/verify").header("X-Forwarded-Uri", uri).send());
    }
    for host in ["app.example.com:8443", "APP.EXAMPLE.COM:8443"] {
        expect_anybody(ask(&server, host, "/open").send());
    }
    expect_anybody(ask(&server, "one.example.com", "/only/x").send());
    expect_anybody(ask(&server, "one.example.com:8080", "/only/x").send());
}

#[test]
fn a_path_or_host_that_only_resembles_an_excluded_one_does_not_pass() {
    let server = Server::with(settings());
    for uri in [
        "/public/../admin",
        "/public%2f..%2fadmin",
        "/public%2F..%2Fadmin",
        "/public/%2e%2e/admin",
        "/publicx",
        "/public",
        "//admin",
        "//public/a",
        "/public//a",
        "/PUBLIC",
        "/PUBLIC/a",
        "/public;x/../admin",
        "/public;x/a",
        "/public/a%3bb",
        "/public/%252e%252e/admin",
        "/public%252fa",
        "/public/..%5cadmin",
        "/public\\a",
        "/public/..\\admin",
        "/public%5c..%5cadmin",
        "/public/%00",
        "/public./a",
        "/public../a",
        "/admin?/public/a",
        "/admin#/public/a",
        "/public/a#b",
        "http://app.example.com/public/a",
        "public/a",
        "*",
        "",
    ] {
        ask(&server, "app.example.com", uri).send().expect_error(401, "missing_token");
    }
    for (host, uri) in [
        ("app.example.com", "/open"),
        ("app.example.com:443", "/open"),
        ("other.example.com:8443", "/open"),
        ("app.example.com:8443.evil.example", "/open"),
        ("two.example.com", "/only/x"),
        ("one.example.com.", "/only/x"),
        ("one.example.com", "/only/x/y"),
        ("one.example.com,two.example.com", "/only/x"),
    ] {
        ask(&server, host, uri).send().expect_error(401, "missing_token");
    }
    server.call("GET", "/auth/verify").header("X-Forwarded-Uri", "/only/x").send().expect(401);
    // Headers that other servers use for the same purpose do not count.
    for name in ["X-Original-Uri", "X-Original-Url", "X-Rewrite-Url", "X-Forwarded-Path", "Forwarded"] {
        server.call("GET", "/auth/verify").header(name, "/public/a").send().expect_error(401, "missing_token");
    }
}

#[test]
fn a_forwarded_header_that_was_sent_twice_is_refused_even_with_a_token() {
    let server = Server::with(settings());
    let session = server.user("ada").login();
    for name in ["X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri"] {
        for value in ["/public/b", "GET", "https", "app.example.com"] {
            let twice = || ask_with(&server, "?redirect=1", "app.example.com", "/public/a").header(name, value);
            twice().send().expect_error(401, "missing_token");
            expect_page(twice().header("Accept", "text/html").send());
            twice().bearer(&session.access).send().expect_error(401, "missing_token");
        }
    }
}

#[test]
fn from_an_untrusted_address_requests_with_forwarded_headers_are_refused() {
    let mut untrusting = settings();
    untrusting.push(("trusted_proxies", json!(["10.0.0.1", "::1"])));
    let server = Server::with(untrusting);
    let session = server.user("ada").login();
    ask(&server, "app.example.com", "/public/a").send().expect_error(401, "missing_token");
    let page = ask_with(&server, "?redirect=1", "app.example.com", "/").header("Accept", "text/html");
    expect_page(page.send());
    ask(&server, "app.example.com", "/").bearer(&session.access).send().expect_error(401, "missing_token");
    // An address in `X-Forwarded-For` does not make the peer a trusted proxy.
    let posing = ask(&server, "app.example.com", "/public/a").header("X-Forwarded-For", "10.0.0.1");
    posing.send().expect_error(401, "missing_token");
    // A token without forwarded headers is accepted from every address.
    session.get("/auth/verify").expect(200);
}

#[test]
fn random_forwarded_headers_pass_only_excluded_paths_and_redirect_only_to_allowed_hosts() {
    const HOSTS: [&str; 6] =
        ["app.example.com", "x.apps.example.com", "evil.example", "@", "app.example.com:8443", "app.example.com/"];
    const PIECES: [&str; 16] = [
        "/", "/public", "/public/", "//", "..", "/../", "%2f", "%2e", "%252f", "\\", ";", "?", "#", "evil.example",
        "@", "a",
    ];
    let server = Server::with(settings());
    let strategy = (
        select(vec!["http", "https", "javascript", ""]),
        proptest::collection::vec(select(HOSTS.to_vec()), 0..3),
        proptest::collection::vec(select(PIECES.to_vec()), 0..8),
    );
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(&strategy, |(proto, host, uri)| {
        let (host, uri) = (host.concat(), uri.concat());
        let call = server.call("GET", "/auth/verify?redirect=1").header("Accept", "text/html");
        let call = call.header("X-Forwarded-Method", "GET").header("X-Forwarded-Proto", proto);
        let answer = call.header("X-Forwarded-Host", &host).header("X-Forwarded-Uri", &uri).send();
        match answer.status {
            401 => {}
            200 => {
                let path = uri.split('?').next().unwrap_or_default().replace("%2f", "/");
                assert!(path.contains("/public/") && !path.contains(['\\', ';', '#']), "{uri}");
            }
            302 => {
                let location = answer.header("location").expect("a place");
                let next = location.strip_prefix("http://auth.test/auth/continue?next=").expect(location);
                let after_scheme = next.split_once("%3A%2F%2F").expect("a URL").1;
                let sent_to = after_scheme.split('%').next().unwrap_or_default();
                assert!(sent_to == "app.example.com" || sent_to.ends_with(".apps.example.com"), "{host} {uri}: {next}");
            }
            other => panic!("{other} for {proto:?} {host:?} {uri:?}"),
        }
        Ok(())
    });
    checked.expect("it holds for every case");
}
