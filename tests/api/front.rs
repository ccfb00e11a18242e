//! The server in front of Rocket: heads that it refuses, bodies that it does not wait for, and its limits of connections.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    Answer, PASSWORD, Server,
    raw::{answer_on, raw},
};

/// The time within which a response counts as immediate. It is below all timeouts of these tests.
const AT_ONCE: Duration = Duration::from_secs(5);

fn connect(server: &Server, bytes: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.write_all(bytes.as_ref()).expect("it is sent");
    stream
}

/// Checks that the server closes a connection at once and without a response. The end may be a reset.
#[track_caller]
fn expect_closed_at_once(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(AT_ONCE)).expect("a timeout");
    match stream.read_to_end(&mut vec![]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("it is not closed: {other:?}"),
    }
}

/// Returns the response, which has this status and code and the common error body.
#[track_caller]
fn refused(answer: Option<Answer>, status: u16, code: &str) -> Answer {
    let answer = answer.expect("a response");
    let request_id = answer.header("x-request-id").expect("a request id").to_owned();
    let answer = answer.expect_error(status, code);
    assert_eq!((answer.body["status"].as_u64(), answer.text_at("request_id")), (Some(status.into()), &*request_id));
    answer
}

#[test]
fn a_head_that_can_not_be_used_is_refused_with_the_common_error_body() {
    let server = Server::start();
    let long = "a".repeat(9_000);
    let many: String = (0..101).map(|at| format!("X-{at}: {at}\r\n")).collect();
    let huge = format!("X-Long: {}\r\n", "a".repeat(40_000));
    for (head, status, code) in [
        ("GET /health HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /health HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("BREW /health HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("get /health HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /health HTTP/9.9\r\nHost: a\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /health HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), 400, "malformed_request"),
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "uri_too_long"),
        (format!("GET /{long}{long}{long}{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "uri_too_long"),
        (format!("GET /health HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431, "headers_too_large"),
        (format!("GET /health HTTP/1.1\r\nHost: a\r\n{huge}\r\n"), 431, "headers_too_large"),
    ] {
        refused(answer_on(&mut connect(&server, &head)), status, code);
        // The same after another request on the connection.
        let mut stream = connect(&server, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(answer_on(&mut stream).expect("a response").status, 200);
        stream.write_all(head.as_bytes()).expect("it is sent");
        refused(answer_on(&mut stream), status, code);
    }
}

#[test]
fn a_body_with_a_content_coding_is_refused() {
    let server = Server::start();
    for coding in ["gzip", "br", "GZIP", "identity, deflate", "x"] {
        for (path, kind) in [
            ("/auth/login", "application/json"),
            ("/auth/register", "application/json"),
            ("/token", "application/x-www-form-urlencoded"),
        ] {
            let call = server.call("POST", path).header("Content-Encoding", coding);
            let answer = call.body(kind, "{}").send().expect(415);
            assert_eq!(answer.header("accept-encoding"), Some("identity"), "{path} {coding}");
        }
    }
    let plain = server.call("POST", "/auth/login").header("Content-Encoding", "identity");
    plain.body("application/json", "{}").send().expect_error(422, "invalid_request");
    // The other reasons for a 415 do not concern the coding.
    let other = server.call("POST", "/auth/login").body("text/plain", "{}").send().expect(415);
    assert_eq!(other.header("accept-encoding"), None);
}

#[test]
fn a_json_object_with_a_name_twice_is_refused() {
    let server = Server::start();
    server.user("ada");
    let session = server.user("bob").login();
    let login = format!(r#""username":"ada","password":"{PASSWORD}""#);
    for body in [
        format!(r#"{{{login},"username":"bob"}}"#),
        format!(r#"{{{login},"\u0075sername":"ada"}}"#),
        format!(r#"{{{login},"fingerprint":{{"a":{{"b":1,"b":2}}}}}}"#),
        format!(r#"{{{login},"unknown":[{{"a":1,"\u0061":1}}]}}"#),
    ] {
        let answer = server.call("POST", "/auth/login").body("application/json", &*body).send();
        let answer = answer.expect_error(400, "malformed_json");
        assert!(answer.text_at("detail").contains("twice"), "{}", answer.text);
    }
    let patch = session.call("PATCH", "/users/me").body("application/json", r#"{"username":"c","username":"d"}"#);
    patch.send().expect_error(400, "malformed_json");
}

#[test]
fn a_body_that_is_not_read_is_not_waited_for() {
    let server = Server::start();
    let body = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 70\r\n";
    let chunked = "Host: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    for (line, status) in [
        ("GET /health", 200),
        ("GET /auth/verify", 401),
        ("GET /nowhere", 404),
        ("POST /nowhere", 404),
        ("POST /health", 405),
        ("DELETE /auth/login", 405),
        ("PATCH /users/me", 401),
        ("POST /users/me/password", 401),
        ("POST /auth/logout_all", 401),
    ] {
        for headers in [body, chunked] {
            let began = Instant::now();
            let mut stream = connect(&server, format!("{line} HTTP/1.1\r\n{headers}\r\n"));
            assert_eq!(answer_on(&mut stream).expect("a response").status, status, "{line}");
            assert!(began.elapsed() < AT_ONCE, "{line}");
        }
    }
}

#[test]
fn a_body_that_does_not_arrive_in_time_is_an_error() {
    let server = Server::with(vec![("body_timeout", json!("1s"))]);
    for sent in ["", "{", r#"{"username":"#] {
        let head =
            "POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 70\r\n\r\n";
        let mut stream = connect(&server, format!("{head}{sent}"));
        let answer = refused(answer_on(&mut stream), 400, "malformed_request");
        assert!(answer.text_at("detail").contains("within 1s"), "{}", answer.text);
    }
}

#[test]
fn a_connection_that_waits_too_long_is_closed() {
    let server = Server::with(vec![("header_timeout", json!("1s")), ("idle_timeout", json!("1s"))]);
    for begin in ["", "G", "GET /health HTTP/1.1\r\nHost: a\r\nX-Long: "] {
        let mut stream = connect(&server, begin);
        stream.set_read_timeout(Some(AT_ONCE)).expect("a timeout");
        assert_eq!(stream.read_to_end(&mut vec![]).expect("it is closed"), 0, "{begin:?}");
    }
    let mut idle = connect(&server, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer_on(&mut idle).expect("a response").status, 200);
    assert_eq!(idle.read_to_end(&mut vec![]).expect("it is closed"), 0);
}

/// Returns a connection with the beginning of a request, which the server has read. A response before it shows that the server
/// has accepted this connection before those that follow.
fn connect_first(server: &Server) -> TcpStream {
    let mut first = connect(server, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer_on(&mut first).expect("a response").status, 200);
    first.write_all(b"GET /hea").expect("it is sent");
    // Until then the connection may count as one with a whole request, which does not give way.
    while unread(&first) > 0 {
        thread::sleep(Duration::from_millis(5));
    }
    first
}

/// Returns the number of bytes that a connection over IPv4 has brought to the server, and that the server has not read yet, as
/// the kernel lists them (proc_pid_net(5)).
fn unread(stream: &TcpStream) -> u64 {
    let listed = |address: SocketAddr| match address {
        SocketAddr::V4(v4) if *v4.ip() == Ipv4Addr::LOCALHOST => format!("0100007F:{:04X}", v4.port()),
        other => panic!("{other} is not expected"),
    };
    let ends = [stream.peer_addr(), stream.local_addr()].map(|end| listed(end.expect("an address"))).join(" ");
    let table = fs::read_to_string("/proc/net/tcp").expect("the table");
    let queues = table.lines().find_map(|line| line.split_once(&ends)).expect("the connection").1;
    let received = queues.split_whitespace().nth(1).and_then(|queues| queues.split_once(':')).expect("the queues").1;
    u64::from_str_radix(received, 16).expect("a number")
}

/// Completes the requests that begin with `GET /hea`, and checks that each is answered.
fn expect_served(streams: &mut [TcpStream]) {
    for stream in streams {
        stream.write_all(b"lth HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
        assert_eq!(answer_on(stream).expect("a response").status, 200);
    }
}

#[test]
fn an_address_has_a_limit_of_connections_and_a_trusted_proxy_has_none() {
    let limit = ("max_connections_per_ip", json!(2));
    let client = Server::with(vec![limit.clone(), ("trusted_proxies", json!([]))]);
    let mut first = connect_first(&client);
    let mut others = [(); 2].map(|()| connect(&client, "GET /hea"));
    // The oldest gives way, long before its `header_timeout`.
    expect_closed_at_once(&mut first);
    expect_served(&mut others);
    let proxy = Server::with(vec![limit]);
    let mut streams = [(); 5].map(|()| connect(&proxy, "GET /hea"));
    expect_served(&mut streams);
}

#[test]
fn at_the_limit_of_all_connections_the_oldest_without_a_whole_request_gives_way() {
    let server = Server::with(vec![("max_connections", json!(2)), ("trusted_proxies", json!([]))]);
    let mut first = connect_first(&server);
    let mut others = [(); 2].map(|()| connect(&server, "GET /hea"));
    // The oldest gives way, long before its `header_timeout`.
    expect_closed_at_once(&mut first);
    expect_served(&mut others);
}

#[test]
fn a_client_that_reads_no_response_is_closed_and_one_that_reads_is_not() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    const REQUESTS: usize = 30;
    let server = Server::with(vec![("body_timeout", json!("1s"))]);
    // The responses are together longer than what the buffers of the sockets hold.
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(REQUESTS);
    let began = Instant::now();
    let mut silent = connect(&server, &requests);
    // A write fails after the server has closed the connection.
    while silent.write_all(b"\r\n").is_ok() {
        assert!(began.elapsed() < AT_ONCE, "it is still open");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(began.elapsed() >= TIMEOUT, "it was closed after {:?}", began.elapsed());
    let mut reading =
        connect(&server, format!("{requests}GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    let mut text = Vec::new();
    reading.read_to_end(&mut text).expect("the responses");
    assert_eq!(String::from_utf8_lossy(&text).matches("HTTP/1.1 200 OK\r\n").count(), REQUESTS + 1);
}

#[test]
fn a_client_that_closes_its_sending_side_gets_its_response() {
    let server = Server::start();
    server.user("ada");
    let body = format!(r#"{{"username":"ada","password":"{PASSWORD}"}}"#);
    let head = format!("Host: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    for _ in 0..10 {
        let mut stream = connect(&server, format!("POST /auth/login HTTP/1.1\r\n{head}\r\n{body}"));
        stream.shutdown(Shutdown::Write).expect("it is half closed");
        assert_eq!(answer_on(&mut stream).expect("a response").status, 200);
    }
}

#[test]
fn a_header_in_utf_8_reaches_the_handler() {
    let server = Server::with(vec![("exclude_urls", json!(["/öffentlich/**"]))]);
    let ask = |path: &str| {
        let head = "Host: a\r\nConnection: close\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\n";
        raw(&server, format!("GET /auth/verify HTTP/1.1\r\n{head}X-Forwarded-Uri: {path}\r\n\r\n"))
            .expect("a response")
            .status
    };
    assert_eq!((ask("/öffentlich/a"), ask("/%C3%B6ffentlich/a"), ask("/geheim/a")), (200, 200, 401));
}

#[test]
fn a_refused_request_gets_no_leave_to_send_its_body() {
    let server = Server::start();
    let head = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 70\r\nExpect: 100-continue\r\n";
    for (line, status) in [("POST /nowhere", "404"), ("PATCH /users/me", "401"), ("POST /health", "405")] {
        let mut stream = connect(&server, format!("{line} HTTP/1.1\r\n{head}\r\n"));
        stream.set_read_timeout(Some(AT_ONCE)).expect("a timeout");
        let mut text = String::new();
        // The connection ends, since nobody knows whether the body follows.
        stream.read_to_string(&mut text).expect("a response, and the end");
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {text}");
    }
    let mut stream = connect(&server, format!("POST /auth/login HTTP/1.1\r\n{head}\r\n"));
    let mut bytes = [0; 25];
    stream.read_exact(&mut bytes).expect("leave");
    assert_eq!(&bytes, b"HTTP/1.1 100 Continue\r\n\r\n");
}
