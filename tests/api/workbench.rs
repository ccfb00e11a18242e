//! The workbench at `/dev` and the demonstration at `/demo`: who reaches them, and what they do.

use std::sync::Arc;

use rocket::{Build, Rocket, figment::Figment};
use serde_json::{Value, json};
use vestibule::{
    Embed, Group, Vestibule,
    clock::Clock,
    config::{self, Profile, Sources},
    flows::open::{Role, open},
};

use crate::support::{Answer, PASSWORD, Server, raw::raw, unlimited};

/// Returns every route of the workbench: method and path.
fn routes(server: &Server) -> Vec<(String, String)> {
    let is_below = |path: &str| {
        ["/dev", "/demo"]
            .iter()
            .any(|base| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let routes = server.routes().iter().filter(|route| is_below(&route.path));
    let filled = |path: &str| {
        let segments = path.split('/').map(|segment| if segment.starts_with('<') { "current" } else { segment });
        segments.collect::<Vec<_>>().join("/")
    };
    routes.map(|route| (route.method.clone(), filled(&route.path))).collect()
}

/// Returns the paths of the workbench among the routes of an application that is not launched.
fn mounted(profile: Profile, application: fn(&Arc<Vestibule>) -> Rocket<Build>) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let sources = Sources::isolated(profile).set("data_dir", directory.path().display().to_string());
    let config = config::load(&sources).expect("it is valid").config;
    rocket::execute(async move {
        let vestibule = Arc::new(open(config, Clock::system(), Role::Server).await.expect("it opens"));
        let ignited = application(&vestibule).ignite().await.expect("it ignites");
        let paths = ignited.routes().map(|route| route.uri.path().to_owned());
        let paths = paths.filter(|path| path.starts_with("/dev") || path.starts_with("/demo")).collect();
        vestibule.close().await;
        paths
    })
}

#[test]
fn no_other_profile_and_no_other_application_has_the_routes() {
    let whole: fn(&Arc<Vestibule>) -> Rocket<Build> = |vestibule| vestibule::http::rocket(vestibule, Figment::new());
    let part: fn(&Arc<Vestibule>) -> Rocket<Build> =
        |vestibule| rocket::build().attach(Embed::new(vestibule).groups(Group::ALL));
    assert!(mounted(Profile::Dev, whole).len() > 20);
    assert_eq!(mounted(Profile::Serve, whole), Vec::<String>::new());
    assert_eq!(mounted(Profile::Dev, part), Vec::<String>::new());
    assert_eq!(mounted(Profile::Serve, part), Vec::<String>::new());
}

/// Sends a request with these header lines in addition to `Host`, and an empty JSON object as its body.
fn send(server: &Server, method: &str, path: &str, host: &str, lines: &[&str]) -> Answer {
    let extra: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let version = if lines == ["HTTP/1.0"] { "1.0" } else { "1.1" };
    let extra = if version == "1.0" { String::new() } else { extra };
    let head = format!(
        "{method} {path} HTTP/{version}\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n{extra}Content-Length: 2\r\n\r\n{{}}"
    );
    // Latin-1, so that a header can have a value that is not UTF-8.
    let bytes: Vec<u8> = head.chars().map(|char| u8::try_from(u32::from(char)).expect("Latin-1")).collect();
    raw(server, bytes).expect("an answer")
}

#[test]
fn only_a_program_on_this_machine_reaches_the_workbench() {
    let server = Server::start();
    let all = routes(&server);
    assert!(all.len() > 20, "{all:?}");
    for (method, path) in &all {
        for (host, lines) in [
            ("evil.example", &[][..]),
            ("localhost.evil.example", &[]),
            ("127.0.0.1.nip.io:8000", &[]),
            ("192.168.1.5:8000", &[]),
            ("localhost", &["Host: localhost"]),
            // nginx speaks it to the servers behind it, and may send neither its own name nor the client's address.
            ("localhost", &["HTTP/1.0"]),
            ("localhost", &["X-Forwarded-For: 127.0.0.1"]),
            ("localhost", &["X-Forwarded-Host: localhost"]),
            ("localhost", &["X-Forwarded-Proto: http"]),
            ("localhost", &["Forwarded: for=127.0.0.1"]),
            ("localhost", &["X-Real-IP: 127.0.0.1"]),
            ("localhost", &["Via: 1.1 tunnel"]),
            ("localhost", &["CF-Connecting-IP: 127.0.0.1"]),
            ("localhost", &["True-Client-IP: 127.0.0.1"]),
            ("localhost", &["Via: \u{ff}"]),
            ("localhost", &["X-Anything: \u{ff}"]),
            ("localhost:+80", &[]),
            ("localhost", &["Origin: https://evil.example"]),
            ("localhost", &["Origin: null"]),
            ("localhost", &["Origin: http://localhost.evil.example"]),
            ("localhost", &["Origin: http://localhost:3000", "Origin: https://evil.example"]),
        ] {
            let answer = send(&server, method, path, host, lines);
            // Two `Host` headers are refused before any route is sought (RFC 9112 §3.2).
            let expected = if lines == ["Host: localhost"] { &[400, 404][..] } else { &[404] };
            assert!(expected.contains(&answer.status), "{method} {path} {host} {lines:?}: {}", answer.text);
            assert!(answer.header("allow").is_none(), "nothing tells that there is something: {method} {path}");
        }
    }
}

#[test]
fn a_program_on_this_machine_and_a_page_of_it_reach_the_workbench() {
    let server = Server::start();
    for (host, lines) in [
        ("localhost", &[][..]),
        ("localhost:8000", &[]),
        ("127.0.0.1:8000", &[]),
        ("127.0.0.2:8000", &[]),
        ("[::1]:8000", &[]),
        ("LOCALHOST", &["Origin: http://localhost:5173"]),
        ("localhost", &["Origin: http://127.0.0.1:3000"]),
    ] {
        for path in ["/dev", "/demo", "/dev/next", "/dev/sessions", "/dev/requests"] {
            assert_eq!(send(&server, "GET", path, host, lines).status, 200, "{path} {host} {lines:?}");
        }
    }
}

#[test]
fn a_page_of_another_port_may_call_the_workbench_and_read_its_answer() {
    let server = Server::start();
    let answer = send(&server, "GET", "/dev/next", "localhost", &["Origin: http://localhost:5173"]).expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:5173"));
}

#[test]
fn planned_answers_come_as_often_as_planned_and_look_like_real_ones() {
    let server = Server::start();
    let ada = server.user("ada");
    let token = ada.login().access;
    let me = || server.call("GET", "/users/me").bearer(&token).send();
    for (body, status, code) in [
        (json!({"status": 401}), 401, "token_expired"),
        (json!({"status": 401, "error": "token_revoked"}), 401, "token_revoked"),
        (json!({"status": 503}), 503, "storage_unavailable"),
    ] {
        server.post("/dev/next", body).expect(200);
        assert_eq!(me().expect_error(status, code).body["reason"].is_string(), status == 401);
        me().expect(200);
    }
    for (body, status, code, retry_after) in [
        (json!({"status": 429, "retry_after": 7}), 429, "too_many_requests", "7"),
        (json!({"status": 503, "error": "overloaded"}), 503, "overloaded", "2"),
    ] {
        server.post("/dev/next", body).expect(200);
        let refusal = server.try_login("ada", PASSWORD).expect_error(status, code);
        assert_eq!(refusal.header("retry-after"), Some(retry_after));
        server.try_login("ada", PASSWORD).expect(200);
    }
    server.post("/dev/next", json!({"status": 503, "times": 2, "path": "/users/*"})).expect(200);
    server.call("GET", "/health").send().expect(200);
    me().expect_error(503, "storage_unavailable");
    let left = server.call("GET", "/dev/next").send().expect(200).body;
    assert_eq!(left["next"][0]["times"], 1);
    server.call("DELETE", "/dev/next").send().expect(204);
    me().expect(200);
}

#[test]
fn a_delay_comes_before_the_usual_answer() {
    let server = Server::start();
    server.post("/dev/next", json!({"delay_ms": 300, "path": "/health"})).expect(200);
    let begun = std::time::Instant::now();
    server.call("GET", "/health").send().expect(200);
    assert!(begun.elapsed().as_millis() >= 300);
}

#[test]
fn a_planned_answer_reaches_a_page_of_another_origin() {
    let server = Server::start();
    server.post("/dev/next", json!({"status": 503, "path": "/users/me"})).expect(200);
    let preflight = server.call("OPTIONS", "/users/me").header("Origin", "http://localhost:5173");
    preflight.header("Access-Control-Request-Method", "GET").send().expect(204);
    let answer = server.call("GET", "/users/me").header("Origin", "http://localhost:5173").send();
    let answer = answer.expect_error(503, "storage_unavailable");
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:5173"));
}

#[test]
fn a_plan_is_for_no_file() {
    let server = Server::start();
    server.post("/dev/next", json!({"status": 503})).expect(200);
    for path in ["/static/client.js", "/docs/index.html", "/favicon.ico", "/dev", "/demo"] {
        assert!(server.call("GET", path).send().status < 400, "{path}");
    }
    let token = "not a token";
    server.call("GET", "/users/me").bearer(token).send().expect_error(503, "storage_unavailable");
}

#[test]
fn resets_at_once_all_succeed() {
    let server = Server::start();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..6)
            .map(|at| {
                let path = if at % 2 == 0 { "/dev/reset" } else { "/demo/start" };
                let server = &server;
                scope.spawn(move || server.post(path, json!({"password": PASSWORD})).status)
            })
            .collect();
        let statuses: Vec<u16> = calls.into_iter().map(|call| call.join().expect("no panic")).collect();
        assert_eq!(statuses, [200; 6]);
    });
}

#[test]
fn what_has_expired_early_stays_refused_after_a_restart() {
    let server = Server::with(unlimited(vec![]));
    let sessions = ["ada", "bob"].map(|name| server.user(name).login());
    for (session, ending) in sessions.iter().zip(["expire-access", "expire"]) {
        server.post(&format!("/dev/sessions/{}/{ending}", session.id), json!({})).expect(204);
    }
    let tokens = sessions.map(|session| session.access);
    let server = server.restart();
    for token in tokens {
        server.call("GET", "/users/me").bearer(&token).send().expect_error(401, "token_revoked");
    }
}

#[test]
fn a_base_path_of_the_workbench_keeps_its_preflights() {
    let server = Server::with(vec![("base_path", json!("/dev"))]);
    let preflight = send(&server, "OPTIONS", "/dev/login", "auth.example.com", &["Origin: http://localhost:5173"]);
    assert_eq!(preflight.status, 204, "{}", preflight.text);
    assert_eq!(send(&server, "OPTIONS", "/dev/next", "auth.example.com", &[]).status, 404);
}

#[test]
fn a_plan_that_makes_no_sense_is_refused() {
    let server = Server::start();
    for (body, field) in [
        (json!({}), "status"),
        (json!({"status": 200}), "status"),
        (json!({"status": 404}), "status"),
        (json!({"status": 401, "error": "overloaded"}), "error"),
        (json!({"delay_ms": 5, "error": "overloaded"}), "error"),
        (json!({"status": 401, "times": 0}), "times"),
        (json!({"status": 401, "times": 1001}), "times"),
        (json!({"status": 401, "delay_ms": 60_001}), "delay_ms"),
        (json!({"status": 401, "delay_ms": -1}), "delay_ms"),
        (json!({"status": 401, "path": "users/me"}), "path"),
        (json!({"status": 401, "path": format!("/{}", "x".repeat(300))}), "path"),
        (json!({"status": 503, "retry_after": 0}), "retry_after"),
        (json!({"status": 401, "retry_after": 3}), "retry_after"),
    ] {
        let refusal = server.post("/dev/next", body.clone()).expect_error(422, "invalid_request");
        assert_eq!(refusal.bad_fields(), [field], "{body}");
    }
    server.call("POST", "/dev/next").body("application/json", "[]").send().expect_error(422, "invalid_request");
    server.call("POST", "/dev/next").body("application/json", "{").send().expect_error(400, "malformed_json");
    assert_eq!(server.call("GET", "/dev/next").send().expect(200).body["next"], json!([]));
    for _ in 0..100 {
        server.post("/dev/next", json!({"status": 503, "path": "/never"})).expect(200);
    }
    let full = server.post("/dev/next", json!({"status": 503})).expect_error(422, "invalid_request");
    assert!(full.text.contains("100 plans"), "{}", full.text);
}

#[test]
fn a_session_ends_at_once_in_each_of_the_ways() {
    let server = Server::with(unlimited(vec![]));
    let ada = server.user("ada");
    for (ending, refused, reason) in [
        ("expire-access", None, "expired"),
        ("expire", Some("token_revoked"), "expired"),
        ("revoke", Some("token_revoked"), "revoked"),
        ("reuse", Some("token_revoked"), "reused"),
    ] {
        let tokens = ada.login();
        let (access, refresh) = (tokens.access.as_str(), tokens.refresh.as_str());
        let other = ada.login();
        let path = format!("/dev/sessions/{}/{ending}", tokens.id);
        server.post(&path, json!({})).expect(204);
        // A token of the next second is not among those that have expired.
        server.advance(1);
        let me = server.call("GET", "/users/me").bearer(access).send();
        assert_eq!((me.status, me.text_at("reason")), (401, reason), "{ending}");
        let answer = server.post("/auth/refresh", json!({"refresh_token": refresh}));
        match refused {
            None => {
                let renewed = answer.expect(200);
                server.call("GET", "/users/me").bearer(renewed.text_at("access_token")).send().expect(200);
            }
            Some(code) => {
                let refusal = answer.expect_error(401, code);
                assert_eq!(refusal.text_at("reason"), reason, "{ending}");
                server.post(&path, json!({})).expect_error(404, "not_found");
            }
        }
        server.call("GET", "/users/me").bearer(&other.access).send().expect(200);
    }
}

#[test]
fn the_current_session_is_the_one_of_the_token() {
    let server = Server::with(unlimited(vec![]));
    let ada = server.user("ada");
    let token = ada.login().access;
    server.post("/dev/sessions/current/expire", json!({})).expect_error(404, "not_found");
    server.call("POST", "/dev/sessions/current/nonsense").bearer(&token).send().expect_error(404, "not_found");
    server.post("/dev/sessions/nonsense/expire", json!({})).expect_error(404, "not_found");
    let listed = server.call("GET", "/dev/sessions").bearer(&token).send().expect(200).body;
    assert_eq!(listed["sessions"][0]["current"], true);
    assert_eq!(listed["sessions"][0]["user"], "ada");
    server.call("POST", "/dev/sessions/current/expire-access").bearer(&token).send().expect(204);
    server.call("GET", "/users/me").bearer(&token).send().expect_error(401, "token_expired");
    // An expired token still names its session.
    server.call("POST", "/dev/sessions/current/revoke").bearer(&token).send().expect(204);
    assert_eq!(server.call("GET", "/dev/sessions").send().expect(200).body["sessions"], json!([]));
}

#[test]
fn the_list_of_requests_shows_claims_and_no_secret() {
    let server = Server::with(unlimited(vec![]));
    let ada = server.user("ada");
    let tokens = ada.login();
    let (access, refresh) = (tokens.access.as_str(), tokens.refresh.as_str());
    server.call("GET", "/users/me").bearer(access).send().expect(200);
    server.post("/auth/refresh", json!({"refresh_token": refresh})).expect(200);
    let cookies = format!("access_token={access}; refresh_token={refresh}; csrf_token=tell");
    server.call("GET", "/auth/session").header("Cookie", &cookies).send().expect(200);
    server.call("GET", "/users/me").bearer("a.b.c").send().expect(401);
    server.call("GET", "/link?token=very-secret").send();
    let answer = server.call("GET", "/dev/requests?after=0").send().expect(200);
    for secret in [access, refresh, access.rsplit('.').next().expect("a signature"), PASSWORD, "very-secret", "=tell"] {
        assert!(!answer.text.contains(secret), "{secret} in {}", answer.text);
    }
    let requests = answer.body["requests"].as_array().expect("a list").clone();
    let of = |route: &str| requests.iter().filter(|one| one["route"] == route).cloned().collect::<Vec<Value>>();
    let shown = &of("/users/me")[0];
    assert_eq!((&shown["status"], &shown["tokens"][0]["claims"]["sub"]), (&json!(200), &json!(ada.id)));
    assert_eq!(of("/users/me")[1]["tokens"][0]["claims"], Value::Null, "another server's token");
    assert_eq!(of("/auth/refresh")[0]["generation"], 1);
    let places = of("/auth/session")[0]["tokens"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["place"].clone())
        .collect::<Vec<_>>();
    assert_eq!(places, ["access cookie", "refresh cookie"]);
    let last = requests.last().expect("one")["id"].as_u64().expect("a number");
    let later = server.call("GET", &format!("/dev/requests?after={last}")).send().expect(200).body;
    assert_eq!(later["requests"], json!([]), "the workbench's own requests are not in the list");
}

#[test]
fn the_signing_key_is_replaced_at_once() {
    let server = Server::start();
    let before = server.user("ada").login().access;
    let keys = server.post("/dev/keys/rotate", json!({})).expect(200).body;
    let after = server.user("bob").login().access;
    let kid = |token: &str| crate::support::part(token, 0)["kid"].clone();
    assert_ne!(kid(&before), kid(&after));
    assert_eq!(keys["keys"][0]["kid"], kid(&after));
    server.call("GET", "/users/me").bearer(&before).send().expect(200);
}

#[test]
fn a_reset_deletes_everything_and_lifts_every_limit() {
    let server = Server::with(vec![("login_failures_per_account", json!("3/15m"))]);
    let admin = server.user_with("root", &["admin"], &[]);
    let token = admin.login().access;
    server
        .call("PUT", "/admin/roles/editor")
        .bearer(&token)
        .json(json!({"permissions": ["notes:read"]}))
        .send()
        .expect(200);
    server.call("POST", "/admin/clients").bearer(&token).json(json!({"id": "shop"})).send().expect(201);
    for _ in 0..3 {
        server.try_login("root", "wrong wrong wrong").expect(401);
    }
    server.try_login("root", PASSWORD).expect_error(429, "too_many_requests");
    server.post("/dev/next", json!({"status": 503, "path": "/never"})).expect(200);
    server.post("/dev/reset", json!({})).expect(200);
    server.call("GET", "/users/me").bearer(&token).send().expect_error(401, "token_revoked");
    server.try_login("root", PASSWORD).expect_error(401, "invalid_credentials");
    assert_eq!(server.call("GET", "/dev/next").send().expect(200).body["next"], json!([]));
    let again = server.user_with("root", &["admin"], &[]).login().access;
    assert_eq!(
        server.call("GET", "/admin/roles").bearer(&again).send().expect(200).body["roles"].as_array().map(Vec::len),
        Some(1)
    );
    let clients = server.call("GET", "/admin/clients").bearer(&again).send().expect(200);
    assert!(!clients.text.contains("shop"), "{}", clients.text);
}
