//! Tests of fixed bugs that belong to no single flow. Each test fails without its fix.

use std::{io::Write, net::TcpStream, thread};

use serde_json::{Value, json};
use vestibule::domain::user_change::UserChange;

use crate::support::{Actor, Answer, PASSWORD, Server, Session, at_once};

/// A request of which every byte except the last was sent.
struct Held<'s> {
    server: &'s Server,
    request: String,
    stream: TcpStream,
}

impl<'s> Held<'s> {
    /// Sends all bytes of a request except the last.
    fn send(server: &'s Server, method: &str, path: &str, token: Option<&str>, body: Value) -> Self {
        let mut stream = TcpStream::connect(server.address).expect("it listens");
        let body = body.to_string();
        let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: auth.test\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {authorization}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(&request.as_bytes()[..request.len() - 1]).expect("it is sent");
        // The head must have arrived before the test continues. Nothing reports its arrival, so the test sends other requests
        // meanwhile.
        for _ in 0..20 {
            server.call("GET", "/health").send().expect(200);
        }
        Self { server, request, stream }
    }

    /// Sends the last byte. Returns the response.
    fn finish(mut self) -> Answer {
        self.stream.write_all(&self.request.as_bytes()[self.request.len() - 1..]).expect("it is sent");
        let answer = at_once::answer(&mut self.stream);
        at_once::judge(self.server, &self.request, &answer);
        answer
    }
}

#[test]
fn a_token_that_is_revoked_while_the_body_arrives_is_refused() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login();
    let held = Held::send(&server, "PATCH", "/users/me", Some(&session.access), json!({"email": "evil@evil.example"}));
    let change = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
    session.post("/users/me/password", change).expect(200);
    assert_eq!(held.finish().body["error"], "token_revoked");
    assert_eq!(server.count_users_with_email("evil"), 0);
}

#[test]
fn a_refresh_is_judged_at_the_time_when_its_body_has_arrived() {
    let server = Server::start();
    let session = server.user("ada").login();
    let held = Held::send(&server, "POST", "/auth/refresh", None, json!({"refresh_token": session.refresh}));
    session.refreshed();
    server.advance(75);
    assert_eq!(held.finish().body["error"], "refresh_reused");
}

#[test]
fn a_token_that_expires_while_the_body_arrives_is_refused() {
    let server = Server::start();
    let session = server.user("ada").login();
    let held = Held::send(&server, "POST", "/auth/fresh", Some(&session.access), json!({"password": PASSWORD}));
    server.advance(900);
    assert_eq!(held.finish().body["error"], "token_expired");
}

#[test]
fn a_fresh_token_of_the_old_password_is_refused_after_a_change() {
    let server = Server::with(vec![("argon2_memory_kib", 4096.into()), ("hash_concurrency", 8.into())]);
    for round in 0..8 {
        let ada = server.user(&format!("ada{round}"));
        let (session, other) = (ada.login(), ada.login());
        let raced = thread::scope(|scope| {
            let fresh = scope.spawn(|| other.post("/auth/fresh", json!({"password": PASSWORD})));
            let change = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
            session.post("/users/me/password", change).expect(200);
            fresh.join().expect("no panic")
        });
        if raced.status == 200 {
            let token = raced.text_at("access_token");
            server.call("GET", "/users/me").bearer(token).send().expect_error(401, "token_revoked");
        }
    }
}

#[test]
fn concurrent_logins_succeed_while_the_password_hash_is_renewed() {
    let server = Server::with(vec![("max_devices_per_user", 0.into()), ("login_rate_per_ip", "0".into())]);
    let id = server.user("ada").id;
    let server = server.restart_with(vec![
        ("argon2_iterations", 2.into()),
        ("max_devices_per_user", 0.into()),
        ("login_rate_per_ip", "0".into()),
    ]);
    let ada = Actor { server: &server, name: "ada".to_owned(), id };
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| ada.try_login(json!({})).expect(200));
        }
    });
}

#[test]
fn concurrent_guesses_do_not_exceed_the_limit() {
    let server = Server::with(vec![("login_rate_per_ip", "0".into())]);
    let ada = server.user("ada");
    let statuses: Vec<u16> = thread::scope(|scope| {
        let guesses: Vec<_> =
            (0..40).map(|_| scope.spawn(|| ada.try_login(json!({"password": "not the password"})).status)).collect();
        guesses.into_iter().map(|guess| guess.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 30, "{statuses:?}");
}

#[test]
fn of_sessions_with_uses_in_one_second_the_least_recently_used_is_revoked() {
    let server = Server::with(vec![("max_devices_per_user", 3.into())]);
    let ada = server.user("ada");
    let first = ada.login();
    let (second, third) = (ada.login(), ada.login());
    let first = first.refreshed();
    let fourth = ada.login();
    assert_eq!([&first, &second, &third, &fourth].map(|session| session.is_accepted()), [true, false, true, true]);
    let list = fourth.get("/auth/active_sessions").body;
    let ids: Vec<&str> = list.as_array().expect("a list").iter().filter_map(|session| session["id"].as_str()).collect();
    assert_eq!(ids, [&*fourth.id, &*first.id, &*third.id]);
}

#[test]
fn a_refused_login_creates_no_device() {
    let server = Server::with(vec![("max_devices_per_user", 1.into()), ("device_limit_policy", "reject".into())]);
    let ada = server.user("ada");
    ada.login();
    for _ in 0..3 {
        ada.try_login(json!({})).expect_error(403, "device_limit_reached");
    }
    assert_eq!(server.count_devices(), 1);
}

#[test]
fn a_new_email_address_with_the_same_lookup_key_is_not_verified() {
    let server = Server::start();
    let ada = server.user("ada");
    let set = |email: &str| {
        let fresh = ada.login();
        fresh.call("PATCH", "/users/me").json(json!({"email": email})).send().expect(200).body
    };
    set("boss@strasse.example");
    ada.change(UserChange { email_verified: Some(true), ..UserChange::default() });
    assert_eq!(set("Boss@Strasse.example")["email_verified"], true);
    assert_eq!(set("boss@stra\u{df}e.example")["email_verified"], false);
}

#[test]
fn a_name_with_invisible_or_confusable_characters_is_refused() {
    let server = Server::start();
    for name in ["ad\u{200b}a", "\u{202e}ada", "a\u{ad}da", "ada\u{feff}", "ada\u{ff20}example.com", "ad\u{2800}a"] {
        let answer = server.post("/auth/register", json!({"username": name, "password": PASSWORD}));
        assert_eq!(answer.expect_error(422, "invalid_request").bad_fields(), ["username"]);
    }
}

#[test]
fn without_rotation_refreshes_are_limited_too() {
    let server =
        Server::with(vec![("rotate_refresh_tokens", false.into()), ("refresh_rate_per_session", "2/1m".into())]);
    let session = server.user("ada").login();
    session.refreshed().refreshed();
    session.try_refresh().expect_error(429, "too_many_requests");
}

#[test]
fn a_page_of_the_requested_host_is_not_foreign() {
    let server = Server::start();
    server.user("ada");
    let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
    let answer = server.post("/auth/login", body).expect(200);
    let cookie = format!("access_token={}", answer.cookie("access_token").expect("a cookie"));
    let call = |origin: &str| {
        server
            .call("POST", "/auth/logout_all")
            .header("Cookie", &cookie)
            .header("Origin", origin)
            .header("X-CSRF-Token", answer.text_at("csrf_token"))
            .send()
    };
    call("http://evil.example").expect_error(403, "csrf_failed");
    call(&format!("http://{}", server.address)).expect(200);
}

#[test]
fn for_a_cookie_that_is_not_fresh_the_401_precedes_the_csrf_check() {
    let server = Server::start();
    let session = server.user("ada").login().refreshed();
    let answer = server
        .call("PATCH", "/users/me")
        .header("Cookie", &format!("access_token={}", session.access))
        .json(json!({}))
        .send();
    answer.expect_error(401, "fresh_token_required");
}

#[test]
fn every_invalid_field_is_reported_and_no_valid_field() {
    let server = Server::start();
    let register = server.post("/auth/register", json!({"email": "bad", "password": PASSWORD}));
    assert_eq!(register.expect_error(422, "invalid_request").bad_fields(), ["email"]);
    let login = server.post("/auth/login", json!({"username": 5, "email": 5, "password": PASSWORD}));
    assert_eq!(login.expect_error(422, "invalid_request").bad_fields(), ["username", "email"]);
    let list = server.post("/auth/login", json!([]));
    assert_eq!(list.expect_error(422, "invalid_request").bad_fields(), ["body"]);
}

#[test]
fn failed_logins_do_not_prevent_the_owner_from_proving_the_password() {
    let server = Server::with(vec![("login_rate_per_ip", "0".into())]);
    let ada = server.user("ada");
    let session: Session<'_> = ada.login();
    for _ in 0..12 {
        ada.try_login(json!({"password": "not the password"}));
    }
    ada.try_login(json!({})).expect_error(429, "too_many_requests");
    session.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
}

#[test]
fn a_refresh_cookie_that_another_host_set_signs_nobody_in() {
    let server = Server::start();
    let eve = server.user("eve").try_login(json!({"transport": "cookie"})).expect(200);
    let cookie = |name: &str| format!("{name}={}", eve.cookie(name).expect("a cookie"));
    let go_on = |cookies: &str| server.call("GET", "/auth/continue?next=/account").header("Cookie", cookies).send();
    // Another host of the site has planted Eve's refresh cookie in the browser of the victim.
    let planted = go_on(&cookie("refresh_token")).expect(303);
    assert_eq!(planted.header("location"), Some("/login?next=%2Faccount"));
    assert_eq!(planted.set_cookie("access_token"), None);
    // The refresh is also refused with the CSRF cookie of the victim's own session.
    let own = server.user("ada").try_login(json!({"transport": "cookie"})).expect(200);
    let own_csrf = format!("csrf_token={}", own.cookie("csrf_token").expect("a cookie"));
    let planted = go_on(&format!("{}; {own_csrf}", cookie("refresh_token"))).expect(303);
    assert_eq!(planted.set_cookie("access_token"), None);
    let honest = go_on(&format!("{}; {}", cookie("refresh_token"), cookie("csrf_token"))).expect(303);
    assert_eq!(honest.header("location"), Some("/account"));
    assert!(honest.set_cookie("access_token").is_some());
}

#[test]
fn a_field_method_in_the_body_does_not_change_the_method() {
    let server = Server::start();
    server.user("ada");
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        for named in ["x", "POST", "GET", "post"] {
            let fields = format!("_method={named}&grant_type=password&username=ada&password=a+long+walk+to+the+sea");
            let answer = server.call(method, "/auth/token").body("application/x-www-form-urlencoded", fields).send();
            assert_eq!(answer.status, 405, "{method} {named}: {}", answer.text);
        }
    }
}

#[test]
fn a_login_from_a_foreign_page_sets_no_cookies() {
    let server = Server::start();
    server.user("mallory");
    let login = |origin: &str| {
        let body = json!({"username": "mallory", "password": crate::support::PASSWORD, "transport": "cookie"});
        server.call("POST", "/auth/login").header("Origin", origin).json(body).send()
    };
    assert_eq!(login("https://evil.test").expect_error(403, "csrf_failed").set_cookie("access_token"), None);
    login("http://auth.test").expect(200);
    login("http://localhost:5173").expect(200);
}

#[test]
fn names_with_letters_of_another_width_are_the_same_name() {
    let server = Server::start();
    server.user("admin");
    for name in ["\u{ff41}\u{ff44}\u{ff4d}\u{ff49}\u{ff4e}", "\u{1d41a}dmin", "ADM\u{2170}N"] {
        let body = json!({"username": name, "password": crate::support::PASSWORD});
        server.post("/auth/register", body).expect_error(409, "already_exists");
    }
}

#[test]
fn a_logout_after_the_end_of_the_session_needs_no_csrf_token_and_a_foreign_page_is_always_refused() {
    let server = Server::start();
    let signed_in = server.user("ada").try_login(json!({"transport": "cookie"})).expect(200);
    let cookie = |name: &str| format!("{name}={}", signed_in.cookie(name).expect("a cookie"));
    let cookies = [cookie("access_token"), cookie("refresh_token")].join("; ");
    let call = |path: &str| server.call("POST", path).header("Cookie", &cookies);
    for path in ["/auth/logout", "/auth/refresh"] {
        for (kind, body) in [
            ("application/x-www-form-urlencoded", "a=b".to_owned()),
            ("text/plain", "{}".to_owned()),
            ("application/json", "{".to_owned()),
            ("application/json", "x".repeat(70_000)),
            ("application/json", r#"{"refresh_token": 5}"#.to_owned()),
        ] {
            let refused = call(path).header("Origin", "https://evil.test").body(kind, body).send();
            refused.expect_error(403, "csrf_failed");
        }
    }
    call("/auth/logout").send().expect_error(403, "csrf_failed");
    let csrf = signed_in.text_at("csrf_token");
    call("/auth/logout").header("X-CSRF-Token", csrf).send().expect(200);
    // The 401 comes before the check of the CSRF token (but after the check of the origin). A revoked token changes nothing, so
    // there is nothing to protect.
    call("/auth/refresh").send().expect_error(401, "token_revoked");
    // After the end of the session a logout only removes the cookies, so it needs no CSRF token.
    let again = call("/auth/logout").send().expect(200);
    assert!(again.set_cookie("access_token").is_some_and(|line| line.contains("Max-Age=0")));
    call("/auth/logout").header("Origin", "https://evil.test").send().expect_error(403, "csrf_failed");
}

#[test]
fn username_field_decides_which_name_signs_in() {
    for (field, accepted, refused) in [("email", "ada@example.com", "ada"), ("username", "ada", "ada@example.com")] {
        let server = Server::with(vec![("username_field", json!(field))]);
        server.user("ada");
        let login = |name: &str| server.post("/auth/login", json!({"username": name, "password": PASSWORD}));
        login(accepted).expect(200);
        login(refused).expect_error(401, "invalid_credentials");
    }
}
