//! How request lines and headers are read, and which headers every response has.

use std::{
    collections::BTreeSet,
    io::Write as _,
    net::{Shutdown, TcpStream},
};

use serde_json::json;

use super::nothing_was_stored;
use crate::support::{
    PASSWORD, Server, Session,
    raw::{answer_on, raw},
};

#[test]
fn the_scheme_bearer_has_any_case_and_its_token_at_most_8_kib() {
    let server = Server::start();
    let session = server.user("ada").login();
    let (token, long, longest) = (&session.access, "a".repeat(8 * 1024 + 1), "a".repeat(8 * 1024));
    let me = |value: &str| server.call("GET", "/users/me").header("Authorization", value).send();
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer "] {
        me(&format!("{scheme} {token}")).expect(200);
    }
    let none = server.call("GET", "/users/me").send();
    let absent = ["", "Bearer", "Bearer ", "Basic YWRhOnB3", "Basic", "Token x", "DPoP x"].map(me);
    for answer in absent.into_iter().chain([none]) {
        let answer = answer.expect_error(401, "missing_token");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"vestibule\""));
    }
    let joined = format!("Bearer {token}, Bearer {token}");
    let trailing = format!("Bearer {token} x");
    for value in ["Bearer x", "Bearer ..", &joined, &trailing, &format!("Bearer {longest}")] {
        let answer = me(value).expect_error(401, "invalid_token");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with(r#"Bearer realm="vestibule", error="invalid_token", error_description=""#));
    }
    me(&format!("Bearer {long}")).expect_error(400, "malformed_request");
    me(&format!("Bearer {}", ".".repeat(8 * 1024))).expect_error(401, "invalid_token");
    for second in [&format!("Bearer {token}"), "Basic YWRhOnB3", ""] {
        let call = session.call("GET", "/users/me").header("Authorization", second);
        call.send().expect_error(400, "malformed_request");
    }
}

#[test]
fn a_well_formed_request_id_is_kept_and_any_other_is_replaced() {
    let server = Server::start();
    let with = |path: &str, id: &str| server.call("GET", path).header("X-Request-Id", id).send();
    let longest = "a".repeat(128);
    for id in ["abc-123", "4bf92f3577b34da6a3ce929d0e0e4736", "a.b:c/d+e=_", &longest] {
        for path in ["/nowhere", "/health", "/users/me", "/.well-known/jwks.json"] {
            assert_eq!(with(path, id).header("x-request-id"), Some(id), "{path}");
        }
    }
    for id in ["", "a b", "a\"b", "<script>", "é", "a,b", "a;b", "{}", &"a".repeat(129), &"a".repeat(9000)] {
        let answer = with("/nowhere", id).expect_error(404, "not_found");
        let new_id = answer.header("x-request-id").expect("an id");
        assert!(new_id != id && new_id.len() == 36, "{new_id}");
    }
    let injected = "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: a\rSet-Cookie: b=c\r\n\r\n";
    if let Some(answer) = raw(&server, injected) {
        assert_eq!(answer.header("set-cookie"), None);
    }
    let ids: BTreeSet<_> =
        (0..50).map(|_| server.call("GET", "/health").send().header("x-request-id").map(str::to_owned)).collect();
    assert_eq!(ids.len(), 50);
}

#[test]
fn a_response_with_a_token_or_personal_data_is_not_cacheable() {
    let server = Server::start();
    let ada = server.user("ada");
    let login = ada.try_login(json!({})).expect(200);
    let session = Session::from(&server, &login);
    let answers = [
        login,
        session.try_refresh(),
        session.post("/auth/fresh", json!({"password": PASSWORD})),
        session.get("/users/me"),
        session.get("/users/me/export"),
        session.get("/auth/active_sessions"),
        server.call("GET", "/users/me").send(),
        server.call("GET", "/nowhere").send(),
    ];
    for answer in answers {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.text);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let keys = server.call("GET", "/.well-known/jwks.json").send().expect(200);
    assert_eq!(keys.header("cache-control"), Some("public, max-age=300"));
}

#[test]
fn unusual_or_malformed_request_lines_and_heads_get_a_4xx() {
    let server = Server::start();
    let session = server.user("ada").login();
    let line = |line: &str| format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    for request in ["BREW /auth/login", "get /health", "PROPFIND /", "CONNECT example.org:443"] {
        let answer = raw(&server, line(request)).unwrap_or_else(|| panic!("no answer to {request}"));
        answer.expect_error(400, "malformed_request");
    }
    for request in [
        "OPTIONS *",
        "GET http://evil.example/nowhere",
        "GET /{",
        "GET /|",
        "GET /%zz",
        "GET //nowhere",
        "GET /nowhere?%",
    ] {
        let answer = raw(&server, line(request)).unwrap_or_else(|| panic!("no answer to {request}"));
        assert!((400..500).contains(&answer.status), "{request}: {}", answer.status);
    }
    // The HTTP library refuses bytes that are not a request. Its response, if any, does not have the error body of this server.
    let not_http: [&[u8]; 9] = [
        b"\r\n\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\nabcde",
    ];
    for bytes in not_http {
        let mut stream = TcpStream::connect(server.address).expect("it listens");
        stream.write_all(bytes).expect("it is sent");
        stream.shutdown(Shutdown::Write).expect("it is half closed");
        if let Some(answer) = answer_on(&mut stream) {
            assert!((400..500).contains(&answer.status), "{}: {}", String::from_utf8_lossy(bytes), answer.status);
        }
    }
    let mut not_text = b"GET /users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ".to_vec();
    not_text.extend(session.access.as_bytes());
    not_text.extend(b"\xff\r\nCookie: \xff=\xff\r\nUser-Agent: \xff\r\n\r\n");
    assert_eq!(raw(&server, not_text).expect("an answer").status, 401);
    nothing_was_stored(&server, &session);
}

#[test]
fn a_request_with_more_than_100_headers_or_a_header_of_a_mebibyte_is_refused() {
    let server = Server::start();
    let with = |count: usize| {
        let more: String = (2..count).map(|at| format!("X-{at}: {at}\r\n")).collect();
        raw(&server, format!("GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n"))
    };
    with(100).expect("an answer").expect_error(404, "not_found");
    for count in [101, 5_000] {
        assert!(with(count).is_none_or(|answer| answer.status == 431));
    }
    let long = format!("GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(1024 * 1024));
    let answer = raw(&server, long);
    assert!(answer.as_ref().is_none_or(|answer| answer.status == 431), "{answer:?}");
    server.call("GET", "/health").send().expect(200);
}
