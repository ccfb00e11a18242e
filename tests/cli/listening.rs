//! Where a server listens, and how it ends its connections.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::{UnixDatagram, UnixListener, UnixStream},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    sockets::uninterrupted,
    support::{Place, mode},
};

/// Sends `GET /health` on a unix socket. Returns the response.
fn health(socket: &Path, headers: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    write!(stream, "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n").expect("it is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("a response");
    text
}

#[test]
fn a_unix_socket_is_created_for_owner_and_group_and_removed_at_the_end() {
    let place = Place::new();
    let server = place.start_as_it_is(&["serve", "--address", "unix:http.sock"]);
    assert_eq!(server.base, "unix:http.sock");
    let socket = place.path("http.sock");
    assert_eq!(mode(&socket), 0o660);
    assert!(health(&socket, "").starts_with("HTTP/1.1 200"));
    // A program that can connect is a trusted proxy.
    assert!(health(&socket, "X-Forwarded-For: 203.0.113.9\r\n").starts_with("HTTP/1.1 200"));
    let (code, _, stderr) = server.stop();
    assert_eq!(code, Some(0));
    let lines: Vec<&String> = stderr.iter().filter(|line| line.contains("vestibule::access")).collect();
    assert!(lines[0].contains(r#"ip="-""#) && lines[1].contains(r#"ip="203.0.113.9""#), "{lines:?}");
    assert!(!socket.exists());
}

#[test]
fn a_stale_unix_socket_is_replaced_and_one_in_use_is_not() {
    let place = Place::new();
    let socket = place.path("http.sock");
    // A process that ends without removing its socket leaves the file.
    drop(UnixListener::bind(&socket).expect("a socket"));
    let server = place.start_as_it_is(&["serve", "--address", "unix:http.sock"]);
    let second = ["serve", "--data-dir", "other", "--address", "unix:http.sock"];
    let told = place.run(&second).failed();
    assert!(told.contains("can't listen on unix:http.sock") && told.contains("another program"), "{told}");
    assert!(health(&socket, "").starts_with("HTTP/1.1 200"), "the first server still listens");
    server.stop();
    place.write("http.sock", "notes");
    let told = place.run(&second).failed();
    assert!(told.contains("not a socket"), "{told}");
    assert_eq!(fs::read_to_string(&socket).expect("the file"), "notes");
}

#[test]
fn the_supervisor_is_notified_when_the_server_listens() {
    let place = Place::new();
    let supervisor = UnixDatagram::bind(place.path("notify")).expect("a socket");
    supervisor.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let path = place.path("notify").display().to_string();
    let server = place.start_with(&[("NOTIFY_SOCKET", &path), ("USER", "vestibule")], &["serve"]);
    let first = server.next_line();
    assert!(
        first.contains("admin with: runuser -u vestibule -- vestibule user add"),
        "as the user of the server: {first}"
    );
    let next = || {
        let mut bytes = [0; 256];
        let read = uninterrupted(|| supervisor.recv(&mut bytes)).expect("a notification");
        String::from_utf8_lossy(&bytes[..read]).trim_end().to_owned()
    };
    assert_eq!(next(), "READY=1");
    server.stop();
    assert_eq!(next(), "STOPPING=1");
}

#[test]
fn two_sockets_of_a_supervisor_are_refused_since_one_would_never_be_served() {
    let place = Place::new();
    let script = "exec 3<&0 4<&0; export LISTEN_FDS=2 LISTEN_PID=$$; exec \"$@\"";
    let said = place.run_under("sh", &["-c", script, "sh"], &["serve"]).failed();
    assert!(said.contains("systemd handed over 2 sockets, and the server listens on one"), "{said}");
}

#[test]
fn a_stop_does_not_wait_for_connections_without_a_request() {
    let server = Place::new().start(&["serve"]);
    let address = server.base.strip_prefix("http://").expect("an address").to_owned();
    let mut streams: Vec<TcpStream> = (0..4).map(|_| TcpStream::connect(&address).expect("it listens")).collect();
    // One has sent nothing, one a half of a head, and two keep their connection after a response.
    streams[1].write_all(b"GET /hea").expect("it is sent");
    for stream in &mut streams[2..] {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
        stream.read_exact(&mut [0; 64]).expect("a response");
    }
    let began = Instant::now();
    let (code, _, _) = server.stop();
    assert_eq!(code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn a_stop_does_not_wait_for_a_body_that_does_not_come() {
    let server = Place::new().start(&["serve"]);
    let address = server.base.strip_prefix("http://").expect("an address").to_owned();
    let mut stream = TcpStream::connect(&address).expect("it listens");
    let head = "POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it is sent");
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    assert_eq!(server.stop().0, Some(0));
    // The body could arrive for ten seconds while the server runs.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

/// Waits until no connection is accepted at an address.
fn wait_until_refused(address: &str) {
    let began = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(5), "a new connection is accepted");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_stop_accepts_no_connection_and_finishes_the_requests_that_run() {
    // One hash takes about half a second.
    let place = Place::new().set("VESTIBULE_ARGON2_ITERATIONS", "40");
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let address = server.address().to_owned();
    let body = r#"{"username": "ada", "password": "a long walk to the sea"}"#;
    let begin = |sent: &str| {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        let head = "POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{sent}", body.len()).expect("it is sent");
        stream
    };
    let (first_half, second_half) = body.split_at(20);
    let (mut whole, mut slow) = (begin(body), begin(first_half));
    thread::sleep(Duration::from_millis(200));
    server.terminate();
    wait_until_refused(&address);
    slow.write_all(second_half.as_bytes()).expect("the connection is open");
    for stream in [&mut whole, &mut slow] {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("a response");
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("refresh_token"), "{text}");
    }
    assert_eq!(server.ended(), Some(0));
    assert!(!place.path("data/vestibule.db-wal").exists(), "the log is folded into the database");
}

#[test]
fn a_request_that_takes_longer_than_the_grace_is_cut() {
    // One hash takes some seconds.
    let place = Place::new()
        .set("VESTIBULE_ARGON2_ITERATIONS", "100")
        .set("VESTIBULE_ARGON2_MEMORY_KIB", "131072")
        .set("VESTIBULE_SHUTDOWN_GRACE", "1s");
    let server = place.start(&["serve"]);
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    let body = r#"{"username": "ada", "password": "a long walk to the sea"}"#;
    let head = "POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it is sent");
    thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    server.terminate();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).ok();
    assert!(text.is_empty(), "the connection is closed without a response");
    let cut = began.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(4)).contains(&cut), "{cut:?}");
    let code = server.ended();
    assert!(began.elapsed() < Duration::from_secs(7), "the process does not wait for the hash: {:?}", began.elapsed());
    assert_eq!(code, Some(0));
}

#[test]
fn on_a_unix_socket_requests_without_an_address_have_no_limit_by_address() {
    let place = Place::new().set("VESTIBULE_LOGIN_RATE_PER_IP", "5/1m");
    let server = place.start_as_it_is(&["serve", "--address", "unix:http.sock"]);
    let socket = place.path("http.sock");
    let attempt = |number: usize, headers: &str| {
        let body = format!(r#"{{"username": "n{number}", "password": "not the password"}}"#);
        let mut stream = UnixStream::connect(&socket).expect("it listens");
        let head = "POST /auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json";
        write!(stream, "{head}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).expect("it is sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("a response");
        text.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).expect("a status")
    };
    assert!((0..8).all(|number| attempt(number, "") == 401));
    let statuses: Vec<u16> = (8..14).map(|number| attempt(number, "X-Forwarded-For: 203.0.113.9\r\n")).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    server.stop();
}

#[test]
fn a_proxy_that_is_not_trusted_is_named_once() {
    let server = Place::new().set("VESTIBULE_TRUSTED_PROXIES", "10.0.0.0/8").start(&["serve"]);
    let address = server.base.strip_prefix("http://").expect("an address").to_owned();
    for headers in ["", "X-Forwarded-For: 203.0.113.9\r\n", "X-Forwarded-For: 203.0.113.10\r\n"] {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        write!(stream, "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n").expect("it is sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("a response");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
    let (_, _, stderr) = server.stop();
    let named: Vec<&String> = stderr.iter().filter(|line| line.contains("trusted_proxies")).collect();
    assert!(named.len() == 1 && named[0].contains("peer=127.0.0.1"), "{named:?}");
}
