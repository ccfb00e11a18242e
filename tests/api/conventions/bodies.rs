//! How request bodies are read: their syntax, type, size and fields.

use std::{
    io::Write as _,
    net::{Shutdown, TcpStream},
};

use serde_json::json;

use super::{LIMIT, WITH_BODY, nothing_was_stored};
use crate::support::{
    PASSWORD, Server, Session,
    raw::{answer_on, raw},
};

/// Sends a body with an access token to every call of [`WITH_BODY`], and checks status and code of each response. Does not send
/// an empty body to a call whose body may be left out.
#[track_caller]
fn to_all(session: &Session<'_>, content_type: &str, body: &[u8], expected: (u16, &str)) {
    for (method, path, may_be_left_out) in WITH_BODY {
        if may_be_left_out && body.is_empty() {
            continue;
        }
        let answer = session.call(method, path).body(content_type, body).send();
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert_eq!((answer.status, answer.text_at("error")), expected, "{method} {path} {content_type} {shown}");
        answer.expect_error(expected.0, expected.1);
    }
}

#[test]
fn a_body_that_is_not_json_is_malformed() {
    let server = Server::start();
    let session = server.user("ada").login();
    let deep_array = "[".repeat(10_000);
    let deep_closed = format!(r#"{{"username":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let deep_object = r#"{"a":"#.repeat(10_000);
    let bodies: [&[u8]; 15] = [
        b"",
        b" ",
        b"{",
        b"{\"username\":}",
        b"nul",
        b"{}{}",
        b"{\"username\":\"ada\",}",
        b"{'username':'ada'}",
        br#"{"username":"\ud800","password":"\udfff"}"#,
        b"{\"username\":\"\xff\xfe\"}",
        b"{\"username\":\"a\nb\"}",
        b"\xef\xbb\xbf{}",
        deep_array.as_bytes(),
        deep_closed.as_bytes(),
        deep_object.as_bytes(),
    ];
    for body in bodies {
        to_all(&session, "application/json", body, (400, "malformed_json"));
    }
    nothing_was_stored(&server, &session);
}

#[test]
fn json_that_is_no_object_is_an_invalid_request() {
    let server = Server::start();
    let session = server.user("ada").login();
    for body in ["[]", "[{}]", "\"text\"", "1", "1e400", "true", "null"] {
        // No `f64` can represent 1e400, so it is malformed JSON to this server.
        let expected = if body == "1e400" { (400, "malformed_json") } else { (422, "invalid_request") };
        to_all(&session, "application/json", body.as_bytes(), expected);
    }
    nothing_was_stored(&server, &session);
}

#[test]
fn a_body_of_another_type_is_unsupported() {
    let server = Server::start();
    let session = server.user("ada").login();
    for content_type in [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "*/*",
        "nonsense",
    ] {
        to_all(&session, content_type, b"{}", (415, "unsupported_media_type"));
    }
    let untyped = "POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    raw(&server, untyped).expect("an answer").expect_error(415, "unsupported_media_type");
    for content_type in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"] {
        let body = json!({"username": "ada", "password": PASSWORD}).to_string();
        server.call("POST", "/auth/login").body(content_type, body).send().expect(200);
    }
}

#[test]
fn a_body_over_64_kib_is_too_large_with_a_length_or_in_chunks() {
    let server = Server::start();
    let session = server.user("ada").login();
    let over = vec![b' '; LIMIT + 1];
    to_all(&session, "application/json", &over, (413, "payload_too_large"));
    for (method, path, _) in WITH_BODY {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {}\r\n",
            session.access
        );
        // Only 16 bytes of the announced body are sent. Rocket peeks at these bytes; the server must not wait for more.
        let announced = format!("{head}Content-Length: 99999999999\r\n\r\n{}", " ".repeat(16));
        raw(&server, announced).expect("an answer").expect_error(413, "payload_too_large");
        let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
        for _ in 0..17 {
            chunked.extend(b"1000\r\n");
            chunked.extend([b' '; 4096]);
            chunked.extend(b"\r\n");
        }
        chunked.extend(b"0\r\n\r\n");
        raw(&server, chunked).expect("an answer").expect_error(413, "payload_too_large");
    }
    nothing_was_stored(&server, &session);
}

#[test]
fn a_body_of_exactly_64_kib_is_read() {
    let server = Server::start();
    server.user("ada");
    let mut body = json!({"username": "ada", "password": PASSWORD}).to_string();
    body.push_str(&" ".repeat(LIMIT - body.len()));
    server.call("POST", "/auth/login").body("application/json", body).send().expect(200);
}

#[test]
fn a_client_that_sends_a_mebibyte_is_refused_and_blocks_no_other_client() {
    let server = Server::start();
    for (path, status) in [("/auth/login", 413), ("/auth/fresh", 401), ("/nowhere", 404)] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            1024 * 1024
        );
        for _ in 0..10 {
            // The result is `None` if the connection was reset before the response was read.
            if let Some(answer) = raw(&server, [head.as_bytes(), &[b' '; 1024 * 1024]].concat()) {
                assert_eq!(answer.status, status, "{path}");
            }
        }
    }
    server.call("GET", "/health").send().expect(200);
}

#[test]
fn a_truncated_body_is_malformed_and_blocks_no_other_client() {
    let server = Server::start();
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).expect("it is sent");
    stream.shutdown(Shutdown::Write).expect("it is half closed");
    if let Some(answer) = answer_on(&mut stream) {
        assert_eq!(answer.status, 400);
    }
    server.call("GET", "/health").send().expect(200);
}

#[test]
fn all_invalid_fields_are_named_in_one_response() {
    let server = Server::start();
    let session = server.user("ada").login();
    let rows = [
        ("POST", "/auth/login", json!({}), vec!["password", "username"]),
        (
            "POST",
            "/auth/login",
            json!({"username": null, "email": null, "password": null}),
            vec!["password", "username"],
        ),
        (
            "POST",
            "/auth/login",
            json!({"username": 1, "password": [], "device_id": {}, "device_name": 1.5, "client_id": true,
                   "transport": 7, "fingerprint": "text"}),
            vec!["client_id", "device_id", "device_name", "fingerprint", "password", "transport", "username"],
        ),
        (
            "POST",
            "/auth/login",
            json!({"email": "ada", "password": PASSWORD, "transport": "pigeon"}),
            vec!["transport"],
        ),
        ("POST", "/auth/register", json!({}), vec!["password", "username"]),
        (
            "POST",
            "/auth/register",
            json!({"username": "a@b", "email": "ada", "password": "short"}),
            vec!["email", "password", "username"],
        ),
        ("POST", "/auth/refresh", json!({"refresh_token": 1, "fingerprint": []}), vec!["fingerprint", "refresh_token"]),
        ("POST", "/auth/logout", json!({"refresh_token": 1}), vec!["refresh_token"]),
        ("POST", "/auth/fresh", json!({}), vec!["password"]),
        ("POST", "/auth/revoke_other_session", json!({"refresh_token": {}}), vec!["refresh_token"]),
        ("POST", "/auth/logout/device", json!({}), vec!["session_id"]),
        ("POST", "/auth/logout/device", json!({"session_id": 1, "jti": 2}), vec!["jti", "session_id"]),
        ("PATCH", "/users/me", json!({"username": 1, "email": "nobody"}), vec!["email", "username"]),
        ("POST", "/users/me/password", json!({"current_password": ""}), vec!["current_password", "new_password"]),
        ("DELETE", "/users/me", json!({"password": 12_345}), vec!["password"]),
    ];
    for (method, path, body, expected) in rows {
        let answer = session.call(method, path).json(body.clone()).send().expect_error(422, "invalid_request");
        let mut fields = answer.bad_fields();
        fields.sort_unstable();
        assert_eq!(fields, expected, "{method} {path} {body}");
        assert!(answer.body["errors"].as_array().is_some_and(|errors| errors.iter().all(|e| e["message"].is_string())));
    }
    nothing_was_stored(&server, &session);
}

#[test]
fn control_characters_are_refused_in_names_addresses_and_passwords() {
    let server = Server::start();
    let session = server.user("ada").login();
    for bad in ["a\0b", "\0", "a\nb", "a\u{7f}b", "a\u{85}b", "a\u{1b}[31mb"] {
        let long = format!("a long way {bad} to the sea");
        let rows = [
            ("POST", "/auth/login", json!({"username": bad, "password": PASSWORD}), "username"),
            ("POST", "/auth/login", json!({"username": "ada", "password": long}), "password"),
            (
                "POST",
                "/auth/login",
                json!({"username": "ada", "password": PASSWORD, "device_name": bad}),
                "device_name",
            ),
            ("POST", "/auth/register", json!({"username": bad, "password": "a longer way home"}), "username"),
            (
                "POST",
                "/auth/register",
                json!({"email": format!("{bad}@x.org"), "password": "a longer way home"}),
                "email",
            ),
            ("POST", "/auth/register", json!({"username": "eve", "password": long}), "password"),
            ("PATCH", "/users/me", json!({"username": bad}), "username"),
            ("POST", "/auth/fresh", json!({"password": long}), "password"),
            ("POST", "/users/me/password", json!({"current_password": PASSWORD, "new_password": long}), "new_password"),
        ];
        for (method, path, body, field) in rows {
            let answer = session.call(method, path).json(body.clone()).send();
            assert_eq!(
                (answer.status, answer.bad_fields().contains(&field)),
                (422, true),
                "{path} {body}: {}",
                answer.text
            );
        }
    }
    nothing_was_stored(&server, &session);
}

#[test]
fn unknown_fields_are_ignored() {
    let server = Server::start();
    let ada = server.user("ada");
    let session =
        ada.login_with(json!({"unknown": {"deep": [1, null]}, "": 1, "grant_type": "password", "role": "admin"}));
    let more =
        json!({"username": "bob", "password": PASSWORD, "roles": ["admin"], "disabled": true, "id": "x", "claims": {}});
    let bob = server.post("/auth/register", more).expect(201);
    assert_eq!((&bob.body["roles"], &bob.body["disabled"]), (&json!([]), &json!(false)));
    let patched = session.call("PATCH", "/users/me").json(json!({"roles": ["admin"], "email_verified": true})).send();
    assert_eq!(patched.expect(200).body["roles"], json!([]));
}
