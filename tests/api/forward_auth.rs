//! `GET /auth/verify`, which a proxy calls for each request that it receives: which requests pass, and which browsers are
//! redirected to the sign-in. The paths that pass without a check are in `excluded`.

use serde_json::json;
use vestibule::domain::user_change::UserChange;

use crate::support::{Answer, Call, PASSWORD, Server, Settings};

/// The identity headers of a 200.
const IDENTITY: [&str; 5] = ["remote-user", "remote-email", "remote-groups", "x-auth-sub", "x-auth-permissions"];

/// Returns settings with excluded paths and with hosts to which a browser may be redirected.
pub(crate) fn settings() -> Settings {
    vec![
        ("exclude_urls", json!(["/public/**", "app.example.com:8443/open", "one.example.com/only/*"])),
        ("allowed_redirect_hosts", json!(["app.example.com", "*.apps.example.com"])),
    ]
}

/// Begins the request that a proxy sends when it has received a `GET` of `uri` on `host` by https.
pub(crate) fn ask<'s>(server: &'s Server, host: &str, uri: &str) -> Call<'s> {
    ask_with(server, "", host, uri)
}

/// Begins the request of [`ask`] with a query.
pub(crate) fn ask_with<'s>(server: &'s Server, query: &str, host: &str, uri: &str) -> Call<'s> {
    let call = server.call("GET", &format!("/auth/verify{query}"));
    let call = call.header("X-Forwarded-Method", "GET").header("X-Forwarded-Proto", "https");
    call.header("X-Forwarded-Host", host).header("X-Forwarded-Uri", uri)
}

/// Checks that a browser is told to sign in by a page, and is not redirected.
pub(crate) fn expect_page(answer: Answer) {
    let answer = answer.expect(401);
    assert!(answer.text.contains("<h1>You are not signed in</h1>"), "{}", answer.text);
    assert_eq!((answer.header("location"), identity(&answer)), (None, [None; 5]));
}

/// Returns the values of the headers in [`IDENTITY`]; `None` for an absent header.
pub(crate) fn identity(answer: &Answer) -> [Option<&str>; 5] {
    IDENTITY.map(|name| answer.header(name))
}

#[test]
fn a_signed_in_user_passes_with_all_identity_headers() {
    let server = Server::with(settings());
    let ada = server.user_with("ada", &["admin"], &["things:read"]);
    ada.change(UserChange { email_verified: Some(true), ..UserChange::default() });
    let session = ada.login();
    let answer = ask(&server, "app.example.com", "/").bearer(&session.access).send().expect(200);
    assert_eq!(answer.text, "");
    let [user, email, groups, sub, permissions] = identity(&answer);
    assert_eq!((user, email, groups), (Some("ada"), Some("ada@example.com"), Some("admin")));
    assert_eq!(sub, Some(ada.id.as_str()));
    let permissions: Vec<&str> = permissions.expect("a header").split(' ').collect();
    assert!(permissions.contains(&"things:read") && permissions.contains(&"users:write"), "{permissions:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // The headers are the same with the token in a cookie, and for HEAD without headers of a proxy.
    let cookie = format!("access_token={}", session.access);
    let by_cookie = ask(&server, "app.example.com", "/").header("Cookie", &cookie).send().expect(200);
    assert_eq!(identity(&by_cookie), identity(&answer));
    let alone = session.call("HEAD", "/auth/verify").send().expect(200);
    assert_eq!(identity(&alone), identity(&answer));
}

#[test]
fn an_identity_header_without_a_value_is_empty_and_never_absent() {
    let server = Server::start();
    // The user has no verified email address, no role and no permission.
    let session = server.user("ada").login();
    let answer = session.get("/auth/verify").expect(200);
    let [user, email, groups, sub, permissions] = identity(&answer);
    assert_eq!((user, email, groups, permissions), (Some("ada"), Some(""), Some(""), Some("")));
    assert!(sub.is_some_and(|sub| !sub.is_empty()));
}

#[test]
fn a_user_without_a_username_is_named_by_the_email_address_once_it_is_verified() {
    let server = Server::start();
    server.post("/auth/register", json!({"email": "eve@example.com", "password": PASSWORD})).expect(201);
    let login = json!({"email": "eve@example.com", "password": PASSWORD});
    let access = server.post("/auth/login", login).expect(200).text_at("access_token").to_owned();
    let ask = || server.call("GET", "/auth/verify").bearer(&access).send().expect(200);
    // Without any name the id names the user, so that no application gets an admitted request without a user.
    let nameless = ask();
    let [user, email, _, sub, _] = identity(&nameless);
    assert_eq!((user, email), (sub, Some("")));
    assert!(user.is_some_and(|id| id.len() == 36));
    server.verify_all_emails();
    assert_eq!(identity(&ask())[..2], [Some("eve@example.com"), Some("eve@example.com")]);
}

#[test]
fn a_new_username_applies_at_once_and_may_be_in_any_script() {
    for claims in [json!([]), json!(["username", "email"])] {
        let server = Server::with(vec![("token_claims", claims)]);
        server.insert_odd_roles();
        let ada = server.user_with("ada", &["z", "a!b"], &[]);
        let session = ada.login();
        assert_eq!(identity(&session.get("/auth/verify"))[0], Some("ada"));
        session.call("PATCH", "/users/me").json(json!({"username": "Ädä Λ 艾达"})).send().expect(200);
        let answer = session.get("/auth/verify").expect(200);
        assert_eq!(identity(&answer)[..3], [Some("Ädä Λ 艾达"), Some(""), Some("a!b,z")]);
        // With a line break, a name could end the header and begin another header.
        for name in ["ada\r\nRemote-Groups: admin", "ada\nx", "ada\u{85}x", "ada\0"] {
            let call = session.call("PATCH", "/users/me").json(json!({ "username": name }));
            call.send().expect_error(422, "invalid_request");
        }
    }
}

#[test]
fn a_request_without_a_valid_access_token_does_not_pass() {
    let server = Server::with(settings());
    let ada = server.user("ada");
    let session = ada.login();
    let ask = || ask(&server, "app.example.com", "/");
    ask().send().expect_error(401, "missing_token");
    ask().header("Authorization", "Basic YWRhOnB3").send().expect_error(401, "missing_token");
    ask().bearer("a.b.c").send().expect_error(401, "invalid_token");
    ask().bearer(&session.refresh).send().expect_error(401, "wrong_token_type");
    // A fault that is 400 elsewhere is 401 here, because a proxy takes a 400 for a failure of this server.
    ask().bearer(&"x".repeat(9_000)).send().expect_error(401, "invalid_token");
    let twice = ask().bearer(&session.access).header("Authorization", "Bearer x").send();
    twice.expect_error(401, "invalid_token");
    let refused = ask().send();
    assert_eq!(identity(&refused), [None; 5]);
    assert_eq!(refused.header("www-authenticate"), Some(r#"Bearer realm="vestibule""#));
    session.post("/auth/logout", json!({})).expect(200);
    ask().bearer(&session.access).send().expect_error(401, "token_revoked");
    let again = ada.login();
    ask().bearer(&again.access).send().expect(200);
    ada.disable();
    ask().bearer(&again.access).send().expect_error(401, "token_revoked");
    server.advance(900);
    ask().bearer(&again.access).send().expect_error(401, "token_expired");
}

#[test]
fn a_required_permission_or_role_must_be_in_the_token() {
    let server = Server::start();
    let ada = server.user_with("ada", &[], &["things:read", "things:write"]);
    let admin = server.user_with("root", &["admin"], &[]).login();
    let session = ada.login();
    let status = |query: &str| session.get(&format!("/auth/verify{query}")).status;
    for query in [
        "?permission=things:read",
        "?permission=things%3Aread",
        "?permission=things:read&permission=things:write",
        "?redirect=1&permission=things:write",
    ] {
        assert_eq!(status(query), 200, "{query}");
    }
    for query in [
        "?permission=",
        "?permission",
        "?permission=things",
        "?permission=THINGS:READ",
        "?permission=things:read%20things:write",
        "?permission=things:read,things:write",
        "?permission=things:read&permission=users:write",
        "?permission=users:write&permission=things:read",
        "?role=admin",
        "?role=",
        "?permission=things:read&role=admin",
        "?redirect=1&role=admin",
    ] {
        assert_eq!(status(query), 403, "{query}");
    }
    admin.get("/auth/verify?role=admin&permission=users:write").expect(200);
    let refused = session.get("/auth/verify?permission=users:write").expect_error(403, "insufficient_scope");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains(r#"error="insufficient_scope""#) && challenge.ends_with(r#", scope="users:write""#));
    let injected = session.get("/auth/verify?permission=x%0d%0aRemote-User:%20admin%22").expect(403);
    assert_eq!(identity(&injected), [None; 5]);
    // A caller without a token is not told which role is missing.
    server.call("GET", "/auth/verify?role=admin").send().expect_error(401, "missing_token");
    // The removal of a role applies at once.
    let bob = server.user_with("bob", &["admin"], &[]);
    let before = bob.login();
    before.get("/auth/verify?role=admin").expect(200);
    bob.change(UserChange {
        roles: vestibule::domain::user_change::ListChange::removing(vec!["admin".to_owned()]),
        ..UserChange::default()
    });
    before.get("/auth/verify?role=admin").expect_error(401, "token_revoked");
    bob.login().get("/auth/verify?role=admin").expect(403);
}

#[test]
fn an_unknown_or_misspelt_parameter_is_refused() {
    let server = Server::start();
    let session = server.user_with("root", &["admin"], &[]).login();
    for query in ["?permissions=x", "?Permission=users:write", "?roles=admin", "?redirect=yes", "?permission[]=x", "?x"]
    {
        session.get(&format!("/auth/verify{query}")).expect_error(422, "invalid_request");
    }
}

#[test]
fn a_browser_is_redirected_to_the_sign_in_with_the_address_to_return_to() {
    let server = Server::with(settings());
    let page = |host: &str, uri: &str| {
        ask_with(&server, "?redirect=1", host, uri).header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
    };
    for (host, uri, next) in [
        ("app.example.com", "/", "https%3A%2F%2Fapp.example.com%2F"),
        ("app.example.com", "/a?b=c&d=/e#", "https%3A%2F%2Fapp.example.com%2Fa%3Fb%3Dc%26d%3D%2Fe%23"),
        ("app.example.com:8443", "/%20x+y", "https%3A%2F%2Fapp.example.com%3A8443%2F%2520x%2By"),
        ("x.apps.example.com", "/publicx", "https%3A%2F%2Fx.apps.example.com%2Fpublicx"),
        ("APP.example.com", "/ü", "https%3A%2F%2Fapp.example.com%2F%25C3%25BC"),
    ] {
        for call in
            [page(host, uri), page(host, uri).bearer("a.b.c"), page(host, uri).header("Cookie", "access_token=x")]
        {
            let answer = call.send().expect(302);
            let location = answer.header("location").expect("a place");
            assert_eq!(location, format!("http://auth.test/auth/continue?next={next}"));
            assert_eq!((identity(&answer), answer.header("cache-control")), ([None; 5], Some("no-store")));
        }
    }
    // This server's own pages need no host in the list.
    let own = server.call("GET", "/auth/verify?redirect=1").header("Accept", "text/html");
    let own = own.header("X-Forwarded-Method", "GET").header("X-Forwarded-Proto", "http");
    let own = own.header("X-Forwarded-Host", "auth.test").header("X-Forwarded-Uri", "/app?x").send().expect(302);
    assert_eq!(own.header("location"), Some("http://auth.test/auth/continue?next=%2Fapp%3Fx"));
    // A user who is signed in without the role is not redirected, because another sign-in would not help.
    let session = server.user("ada").login();
    let refused = ask_with(&server, "?redirect=1&role=admin", "app.example.com", "/").header("Accept", "text/html");
    let refused = refused.bearer(&session.access).send().expect(403);
    assert!(refused.text.contains("<strong><bdi>ada</bdi></strong>") && refused.header("location").is_none());
}

#[test]
fn a_request_that_is_not_a_get_of_a_browser_to_an_allowed_host_is_not_redirected() {
    let server = Server::with(settings());
    let html = "text/html";
    let good = [("Method", "GET"), ("Proto", "https"), ("Host", "app.example.com"), ("Uri", "/")];
    let ask = |query: &str, accept: &str, headers: &[(&str, &str)]| {
        let call = server.call("GET", &format!("/auth/verify{query}")).header("Accept", accept);
        let call = headers.iter().fold(call, |call, (name, value)| call.header(&format!("X-Forwarded-{name}"), value));
        call.send()
    };
    ask("?redirect=1", html, &good).expect(302);
    for (query, accept) in
        [("", html), ("?redirect=0", html), ("?redirect=1", "*/*"), ("?redirect=1", "application/json")]
    {
        let refused = ask(query, accept, &good);
        if accept == html {
            expect_page(refused);
        } else {
            refused.expect_error(401, "missing_token");
        }
    }
    for left_out in 0..4 {
        let some: Vec<_> = good.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, pair)| *pair).collect();
        expect_page(ask("?redirect=1", html, &some));
    }
    for (at, value) in [
        (0, "POST"),
        (0, "get"),
        (0, "HEAD"),
        (1, "javascript"),
        (1, "https,http"),
        (1, ""),
        (2, "evil.example"),
        (2, "example.com"),
        (2, "apps.example.com"),
        (2, "app.example.com.evil.example"),
        (2, "app.example.com@evil.example"),
        (2, "evil.example/app.example.com"),
        (2, "evil.example\\app.example.com"),
        (2, "app.example.com, evil.example"),
        (2, ""),
        (3, ""),
        (3, "*"),
        (3, ".evil.example/"),
        (3, "@evil.example/"),
        (3, ":80@evil.example/"),
        (3, "https://evil.example/"),
        (3, "/\\evil.example"),
    ] {
        let mut bad = good;
        bad[at].1 = value;
        expect_page(ask("?redirect=1", html, &bad));
    }
}

#[test]
fn verify_changes_nothing_and_refuses_other_methods() {
    let server = Server::with(settings());
    let session = server.user("ada").login();
    let before = server.count_audit_events();
    // The original request is a DELETE. The request of the proxy is a GET without a CSRF token.
    let held = server.call("GET", "/auth/verify").header("X-Forwarded-Method", "DELETE");
    held.header("Cookie", &format!("access_token={}", session.access)).send().expect(200);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        session.call(method, "/auth/verify").send().expect_error(405, "method_not_allowed");
    }
    assert_eq!(server.count_audit_events(), before);
}
