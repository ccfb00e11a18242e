//! Section 1 of the contract: what is true of every path, whatever is sent to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Server, Session, at_once::judge};

const LIMIT: usize = 64 * 1024;

/// Calls that take a body, and whether the body may be left out.
const WITH_BODY: [(&str, &str, bool); 10] = [
    ("POST", "/auth/login", false),
    ("POST", "/auth/register", false),
    ("POST", "/auth/refresh", true),
    ("POST", "/auth/logout", true),
    ("POST", "/auth/fresh", false),
    ("POST", "/auth/revoke_other_session", true),
    ("POST", "/auth/logout/device", false),
    ("PATCH", "/users/me", false),
    ("POST", "/users/me/password", false),
    ("DELETE", "/users/me", false),
];

/// Those of them that need a bearer.
fn guarded() -> impl Iterator<Item = (&'static str, &'static str)> {
    WITH_BODY.into_iter().skip(4).map(|(method, path, _)| (method, path))
}

/// Sends bytes as they are; the answer, none where the server closed without a word.
#[track_caller]
fn raw(server: &Server, request: impl AsRef<[u8]>) -> Option<Answer> {
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    // The server may answer and close before it was told everything.
    stream.write_all(request.as_ref()).ok();
    let answer = answer_on(&mut stream);
    answer.iter().for_each(|answer| judge(server, &String::from_utf8_lossy(request.as_ref()), answer));
    answer
}

/// Reads one answer.
#[track_caller]
fn answer_on(stream: &mut TcpStream) -> Option<Answer> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let answer = parse(&bytes);
        if let Some((answer, true)) = answer {
            return Some(answer);
        }
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("no answer: {error}"),
            Ok(_) | Err(_) => return answer.map(|(answer, _)| answer),
        }
    }
}

/// What has come of an answer, once its head is there; and whether that is all.
fn parse(bytes: &[u8]) -> Option<(Answer, bool)> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let answer = Answer {
        status: status.expect("a status"),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
        text: body.to_owned(),
    };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    let is_whole = length == Some(body.len());
    Some((answer, is_whole))
}

/// Every path of ours with the methods that it takes.
fn paths() -> BTreeMap<String, BTreeSet<String>> {
    let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut rocket = rocket::custom(rocket::Config::debug_default());
    for (_, base, routes) in vestibule::http::endpoints("/auth") {
        rocket = rocket.mount(base, routes);
    }
    for route in rocket.routes() {
        let path = route.uri.path().split('/').map(|segment| if segment.starts_with('<') { "x" } else { segment });
        let methods = paths.entry(path.collect::<Vec<_>>().join("/")).or_default();
        methods.insert(route.method.to_string());
        if route.method == rocket::http::Method::Get {
            methods.insert("HEAD".to_owned());
        }
        methods.insert("OPTIONS".to_owned());
    }
    paths
}

/// The paths whose errors are `application/json`.
const OAUTH: [&str; 4] = ["/token", "/auth/token", "/auth/revoke", "/auth/introspect"];

#[test]
fn an_unknown_path_is_not_found() {
    let server = Server::start();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
        for path in ["/nowhere", "/auth", "/auth/", "/auth/nowhere", "/users/me%00", "/USERS/ME", "/%ff"] {
            let answer = server.call(method, path).send();
            assert_eq!(answer.status, 404, "{method} {path}");
            answer.expect_error(404, "not_found");
        }
    }
    let head = server.call("HEAD", "/nowhere").send().expect(404);
    assert_eq!((head.text.as_str(), head.header("x-request-id").is_some()), ("", true));
}

#[test]
fn a_method_that_a_path_lacks_is_refused_with_those_that_it_takes() {
    let server = Server::start();
    for (path, taken) in paths() {
        let allow = taken.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            if !taken.contains(method) {
                let answer = server.call(method, &path).send();
                let answer = match OAUTH.contains(&path.as_str()) {
                    true => answer.expect_oauth_error(405, "method_not_allowed"),
                    false => answer.expect_error(405, "method_not_allowed"),
                };
                assert_eq!(answer.header("allow"), Some(allow.as_str()), "{method} {path}");
            }
        }
        let options = server.call("OPTIONS", &path).send().expect(204);
        assert_eq!(options.header("allow"), Some(allow.as_str()), "OPTIONS {path}");
        let head = server.call("HEAD", &path).send();
        assert_eq!(head.text, "", "HEAD {path}");
        if !taken.contains("GET") {
            assert_eq!((head.status, head.header("allow")), (405, Some(allow.as_str())), "HEAD {path}");
        }
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start();
    let session = server.user("ada").login();
    let (get, head) = (session.get("/users/me").expect(200), session.call("HEAD", "/users/me").send().expect(200));
    assert_eq!(head.text, "");
    for name in ["content-type", "content-length", "cache-control"] {
        assert_eq!(get.header(name), head.header(name), "{name}");
    }
    server.call("HEAD", "/users/me").send().expect(401);
}

/// Sends one body to every call that takes one, with a token.
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
fn a_body_over_64_kib_is_too_large_however_it_comes() {
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
        // Announced and never sent: nobody waits for it, but for the few bytes that Rocket looks at first.
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
fn a_client_that_sends_a_mebibyte_is_refused_and_holds_up_nobody() {
    let server = Server::start();
    for (path, status) in [("/auth/login", 413), ("/auth/fresh", 401), ("/nowhere", 404)] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            1024 * 1024
        );
        for _ in 0..10 {
            // None where the connection was reset before the answer was read.
            if let Some(answer) = raw(&server, [head.as_bytes(), &[b' '; 1024 * 1024]].concat()) {
                assert_eq!(answer.status, status, "{path}");
            }
        }
    }
    server.call("GET", "/health").send().expect(200);
}

/// Rocket would take the method of a form from its field `_method`.
#[test]
fn a_form_does_not_choose_its_method() {
    let server = Server::start();
    for method in ["get", "put", "patch", "delete"] {
        let body = format!("_method={method}&x=1");
        let post = |path: &str| server.call("POST", path).body("application/x-www-form-urlencoded", body.as_str());
        for path in ["/health", "/users/me", "/auth/sessions/x"] {
            post(path).send().expect_error(405, "method_not_allowed");
        }
        // A request to read with such a body can't be told from it, so neither gets anywhere.
        let (status, code) =
            if method == "get" { (405, "method_not_allowed") } else { (415, "unsupported_media_type") };
        post("/auth/login").send().expect_error(status, code);
    }
}

#[test]
fn every_bad_field_is_named_at_once() {
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
fn control_characters_are_refused_wherever_a_person_types() {
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

#[test]
fn what_is_checked_first_wins() {
    let server = Server::with(vec![("registration", "closed".into())]);
    let fresh = server.user("ada").login();
    let stale = fresh.refreshed();
    let over = vec![b'{'; LIMIT + 1];
    let call = |method: &str, path: &str| server.call(method, path);
    // 404, 405, then 401
    call("POST", "/nowhere").body("text/plain", over.clone()).send().expect_error(404, "not_found");
    call("PUT", "/users/me").body("text/plain", over.clone()).send().expect_error(405, "method_not_allowed");
    for (method, path) in guarded() {
        let bodies = [("text/plain", over.clone()), ("text/plain", b"{".to_vec()), ("application/json", b"{".to_vec())];
        for (content_type, body) in bodies {
            call(method, path).body(content_type, body.clone()).send().expect_error(401, "missing_token");
            let forged = call(method, path).bearer("a.b.c").body(content_type, body);
            forged.send().expect_error(401, "invalid_token");
        }
        if path == "/users/me" {
            let stale = stale.call(method, path).body("text/plain", over.clone());
            stale.send().expect_error(401, "fresh_token_required");
        }
    }
    // 413, 415, 400, 422, 403, 409
    let register = |content_type: &str, body: &[u8]| call("POST", "/auth/register").body(content_type, body).send();
    register("text/plain", &over).expect_error(413, "payload_too_large");
    register("text/plain", b"{").expect_error(415, "unsupported_media_type");
    register("application/json", b"{").expect_error(400, "malformed_json");
    register("application/json", b"{}").expect_error(422, "invalid_request");
    let taken = json!({"username": "ada", "password": PASSWORD}).to_string();
    register("application/json", taken.as_bytes()).expect_error(403, "registration_closed");
    let weak = json!({"username": "ada", "password": "password"}).to_string();
    let open = server.restart_with(vec![]);
    let register = |body: &str| open.call("POST", "/auth/register").body("application/json", body).send();
    register(&weak).expect_error(422, "invalid_request");
    register(&taken).expect_error(409, "already_exists");
}

#[test]
fn csrf_is_checked_before_the_body_and_after_the_token() {
    let server = Server::start();
    let login = server.user("ada").try_login(json!({"transport": "cookie"})).expect(200);
    let cookie = format!("access_token={}", login.cookie("access_token").expect("a cookie"));
    let over = vec![b'{'; LIMIT + 1];
    for (method, path) in guarded() {
        let call = server.call(method, path).header("Cookie", &cookie).body("text/plain", over.clone());
        call.send().expect_error(403, "csrf_failed");
        let call = server.call(method, path).header("Cookie", "access_token=a.b.c").body("text/plain", over.clone());
        call.send().expect_error(401, "invalid_token");
    }
}

#[test]
fn the_authorization_header_is_read_as_its_standard_says() {
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
fn a_request_keeps_its_well_formed_id_and_gets_one_otherwise() {
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
        let given = answer.header("x-request-id").expect("an id");
        assert!(given != id && given.len() == 36, "{given}");
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
fn what_holds_a_token_or_personal_data_is_not_cached() {
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
fn strange_request_lines_and_heads_get_an_answer_of_4xx() {
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
    // What never becomes a request is refused by the HTTP library, without our body.
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
fn a_hundred_headers_are_read_and_more_are_not_waited_for() {
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
    assert!(raw(&server, long).is_none_or(|answer| answer.status == 431));
    server.call("GET", "/health").send().expect(200);
}

#[test]
fn a_body_that_breaks_off_is_malformed_and_holds_up_nobody() {
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

/// After all that: one user, one session, and a server that answers.
#[track_caller]
fn nothing_was_stored(server: &Server, session: &Session<'_>) {
    assert_eq!(server.count("select count(*) from users"), 1);
    assert_eq!(server.count("select count(*) from sessions where revoked_at is null"), 1);
    assert_eq!(server.count("select count(*) from sessions"), 1);
    assert_eq!(server.count("select count(*) from devices"), 1);
    assert_eq!(server.count("select count(*) from audit_events where event like '%fail%'"), 0);
    assert!(session.is_accepted());
}
