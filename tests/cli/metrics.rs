//! The metrics for Prometheus: where they are, who gets them, and what they count.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};

use serde_json::json;

use crate::{
    scrape::{Scrape, place_of_metrics, scrape, scrape_with},
    sockets::uninterrupted,
    support::{PASSWORD, Place, Server, dev_place, mode},
};

const TOKEN: &str = "Wq3zT8uY5rE1oP6iK9jH";

/// Starts a server that gives its metrics on a free port. Returns the server and the address of the metrics.
fn start(place: &Place, variables: &[(&str, &str)], command: &str) -> (Server, String) {
    let variables = [&[("VESTIBULE_METRICS_ADDRESS", "127.0.0.1:0")], variables].concat();
    let server = place.start_with(&variables, &[command]);
    let address = place_of_metrics(&server);
    (server, address)
}

#[test]
fn the_metrics_are_on_their_own_port_and_nothing_else_is_there() {
    let (server, address) = start(&Place::new(), &[], "serve");
    let answer = scrape(&address);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; version=0.0.4")));
    assert!(
        answer.body.contains("\nvestibule_build_info{version=\"") && answer.body.ends_with('\n'),
        "{}",
        answer.body
    );
    for path in ["/", "/metrics/", "/Metrics", "/metrics/x", "/health", "/auth/login", "//metrics", "/metrics%20", "*"]
    {
        assert_eq!(scrape_with(&address, "GET", path, "").status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW", "get"] {
        let answer = scrape_with(&address, method, "/metrics", "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    assert_eq!(scrape_with(&address, "GET", "/metrics?a=b", "").status, 200);
    let head = scrape_with(&address, "HEAD", "/metrics", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(server.get("/metrics", "").0, 404, "the server itself has no such path");
    assert!(
        scrape(&address).value("vestibule_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}")
            > 0.0
    );
}

#[test]
fn without_the_setting_there_are_no_metrics() {
    let server = Place::new().start(&["serve"]);
    let line = server.next_line();
    assert!(!line.contains("metrics"), "{line}");
    assert_eq!(server.get("/metrics", "").0, 404);
}

#[test]
fn a_unix_socket_gives_the_metrics_to_owner_and_group_and_is_removed_at_the_end() {
    let place = Place::new();
    let server = place.start_with(&[("VESTIBULE_METRICS_ADDRESS", "unix:metrics.sock")], &["serve"]);
    assert_eq!(server.next_line(), "metrics on unix:metrics.sock");
    let socket = place.path("metrics.sock");
    assert_eq!(mode(&socket), 0o660);
    let mut stream = UnixStream::connect(&socket).expect("it listens");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("a response");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("vestibule_sessions_live 0\n"), "{text}");
    assert_eq!(server.stop().0, Some(0));
    assert!(!socket.exists());
}

#[test]
fn a_token_that_is_set_must_be_presented_and_is_never_printed() {
    let place = Place::new();
    let (server, address) = start(&place, &[("VESTIBULE_METRICS_TOKEN", TOKEN)], "serve");
    let with = |headers: &str| scrape_with(&address, "GET", "/metrics", headers).status;
    for wrong in [
        String::new(),
        format!("Authorization: Bearer {TOKEN}x\r\n"),
        format!("Authorization: Bearer {}\r\n", &TOKEN[1..]),
        "Authorization: Bearer \r\n".to_owned(),
        "Authorization: Bearer\r\n".to_owned(),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: {TOKEN}\r\n"),
        format!("Authorization: Bearer  {TOKEN}\r\n"),
        format!("Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\n"),
        format!("Cookie: token={TOKEN}\r\n"),
    ] {
        let answer = scrape_with(&address, "GET", "/metrics", &wrong);
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer realm=\"metrics\"")),
            "{wrong}"
        );
        assert!(!answer.body.contains("vestibule_"), "{wrong}");
    }
    assert_eq!(scrape_with(&address, "GET", &format!("/metrics?token={TOKEN}"), "").status, 401);
    assert_eq!(scrape_with(&address, "GET", "/health", "").status, 401, "nothing is told without the token");
    assert_eq!(scrape_with(&address, "POST", "/metrics", "").status, 401);
    let right = format!("authorization: bearer {TOKEN}\r\n");
    assert_eq!((with(&right), scrape_with(&address, "GET", "/x", &right).status), (200, 404));
    let shown = place.run_with(&[("VESTIBULE_METRICS_TOKEN", TOKEN)], &["config", "show"]);
    assert!(shown.stdout.contains("[redacted]") && !shown.stdout.contains(TOKEN), "{}", shown.stdout);
    let (_, stdout, stderr) = server.stop();
    assert!(!format!("{stdout:?}{stderr:?}").contains(TOKEN));
}

#[test]
fn an_address_that_other_machines_reach_needs_a_token() {
    let place = Place::new();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let refused = place.run_with(&[("VESTIBULE_METRICS_ADDRESS", address)], &["serve", "--port", "0"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), ""), "{}", refused.stderr);
        assert!(refused.stderr.starts_with("configuration: metrics_token"), "{}", refused.stderr);
        assert!(refused.stderr.contains(address), "{}", refused.stderr);
    }
    let refused = place.run_with(&[("VESTIBULE_METRICS_ADDRESS", "9464")], &["config", "check"]);
    assert_eq!(refused.code, Some(78));
    assert!(refused.stderr.contains("must be an IP address and a port such as"), "{}", refused.stderr);
    let token = [("VESTIBULE_METRICS_ADDRESS", "0.0.0.0:0"), ("VESTIBULE_METRICS_TOKEN", TOKEN)];
    let server = place.start_with(&token, &["serve"]);
    let address = place_of_metrics(&server).replace("0.0.0.0", "127.0.0.1");
    let headers = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!((scrape(&address).status, scrape_with(&address, "GET", "/metrics", &headers).status), (401, 200));
}

#[test]
fn an_address_that_is_taken_stops_the_start() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let told = place.run_with(&[("VESTIBULE_METRICS_ADDRESS", &address)], &["serve", "--port", "0"]).failed();
    assert!(told.contains(&format!("can't listen on {address} for the metrics: Address already in use")), "{told}");
    assert!(told.contains("choose another metrics_address"), "{told}");
    place.write("metrics.sock", "notes");
    let unix = [("VESTIBULE_METRICS_ADDRESS", "unix:metrics.sock")];
    assert!(place.run_with(&unix, &["serve", "--port", "0"]).failed().contains("not a socket"));
}

#[test]
fn logins_refreshes_limits_and_unknown_routes_are_counted() {
    let place = Place::new().set("VESTIBULE_LOGIN_FAILURES_PER_ACCOUNT", "3/1h");
    place.add_user(&["ada"]);
    let (server, address) = start(&place, &[], "serve");
    let before = scrape(&address);
    assert_eq!(before.value("vestibule_logins_total{outcome=\"success\"}"), 0.0);
    let (status, opened) = server.login("ada", PASSWORD);
    assert_eq!(status, 200, "{opened}");
    for expected in [401, 401, 401, 429, 429] {
        assert_eq!(server.login("somebody", "a wrong password").0, expected);
    }
    let refresh = |token: &str| server.post("/auth/refresh", &json!({ "refresh_token": token }));
    let first = opened["refresh_token"].as_str().expect("a token");
    let (status, refreshed) = refresh(first);
    assert_eq!(status, 200, "{refreshed}");
    assert_eq!(refresh(first).0, 200, "within the grace");
    assert_eq!(refresh("abc").0, 401);
    assert_eq!(server.get("/nowhere", "").0, 404);
    let token = refreshed["access_token"].as_str().expect("a token");
    (0..3).for_each(|_| assert_eq!(server.get("/auth/session", token).0, 200));
    let after = scrape(&address);
    for (series, increase) in [
        ("vestibule_logins_total{outcome=\"success\"}", 1.0),
        ("vestibule_logins_total{outcome=\"invalid_credentials\"}", 3.0),
        ("vestibule_logins_total{outcome=\"too_many_requests\"}", 2.0),
        ("vestibule_limited_total{limit=\"login_failures_per_account\"}", 2.0),
        ("vestibule_limited_total{limit=\"login_rate_per_ip\"}", 0.0),
        ("vestibule_refreshes_total{outcome=\"success\"}", 1.0),
        ("vestibule_refreshes_total{outcome=\"repeated\"}", 1.0),
        ("vestibule_refreshes_total{outcome=\"invalid_token\"}", 1.0),
        ("vestibule_http_requests_total{method=\"POST\",route=\"/auth/login\",status=\"200\"}", 1.0),
        ("vestibule_http_requests_total{method=\"POST\",route=\"/auth/login\",status=\"401\"}", 3.0),
        ("vestibule_http_requests_total{method=\"POST\",route=\"/auth/login\",status=\"429\"}", 2.0),
        ("vestibule_http_requests_total{method=\"GET\",route=\"/auth/session\",status=\"200\"}", 3.0),
        ("vestibule_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}", 1.0),
        ("vestibule_http_request_duration_seconds_count{route=\"/auth/login\"}", 6.0),
        ("vestibule_password_hash_duration_seconds_count", 4.0),
        ("vestibule_connections_accepted_total", 13.0),
    ] {
        assert_eq!(after.value(series) - before.value(series), increase, "{series}\n{}", after.body);
    }
    assert!(
        after.value("vestibule_commit_duration_seconds_count")
            > before.value("vestibule_commit_duration_seconds_count")
    );
    assert!(after.value("vestibule_database_bytes") > 0.0 && after.value("vestibule_database_wal_bytes") > 0.0);
    assert!(after.value("process_open_fds") > 0.0 && after.value("process_resident_memory_bytes") > 1e6);
    let created = after.value("vestibule_signing_key_created_timestamp_seconds");
    assert!(created >= after.value("process_start_time_seconds") - 2.0, "{created}");
}

#[test]
fn a_repeated_refresh_and_a_checked_request_make_no_transaction() {
    const REPEATS: u32 = 20;
    let place = Place::new();
    place.add_user(&["ada"]);
    let (server, address) = start(&place, &[], "serve");
    let token = server.login("ada", PASSWORD).1["refresh_token"].clone();
    let refresh = || server.post("/auth/refresh", &json!({"refresh_token": token}));
    assert_eq!(refresh().0, 200);
    let commits = || scrape(&address).value("vestibule_commit_duration_seconds_count");
    let before = commits();
    for _ in 0..REPEATS {
        let (status, body) = refresh();
        assert_eq!(status, 200, "{body}");
        server.me(body["access_token"].as_str().expect("a token")).expect("it is accepted");
    }
    // The server may have removed expired rows meanwhile.
    let made = commits() - before;
    assert!(made < f64::from(REPEATS) / 2.0, "{made} transactions");
}

#[test]
fn the_live_sessions_are_counted() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let (server, _) = start(&place, &[], "serve");
    (0..3).for_each(|_| assert_eq!(server.login("ada", PASSWORD).0, 200));
    assert_eq!(server.stop().0, Some(0));
    let (_server, address) = start(&place, &[], "serve");
    assert_eq!(scrape(&address).value("vestibule_sessions_live"), 3.0);
}

/// Numbers that look random, and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// The beginning of every text that the client of the test chooses.
const CHOSEN: &str = "zq";

/// Sends 500 requests whose paths, methods, names, hosts and headers the client has chosen.
fn send_made_up(address: &str, numbers: &mut Numbers) {
    const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "BREW", "get", "TRACE"];
    for at in 0..500 {
        let made_up = format!("{CHOSEN}{:x}", numbers.next());
        let path = match at % 10 {
            0 => format!("/{made_up}"),
            1 => format!("/admin/users/{made_up}"),
            2 => format!("/static/{made_up}.js"),
            3 => format!("/auth/{made_up}?{made_up}={made_up}"),
            4 => format!("/login?next=/{made_up}"),
            5 => format!("/auth/verify?permission={made_up}"),
            6 => format!("/{made_up}\"}}\n{CHOSEN}_total 1"),
            7 => format!("/auth/sessions/{made_up}"),
            _ => "/auth/login".to_owned(),
        };
        let method = if at % 10 == 9 { made_up.to_uppercase() } else { METHODS[at / 10 % 8].to_owned() };
        let body = json!({ "username": made_up, "password": made_up, "client_id": made_up }).to_string();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {made_up}\r\nUser-Agent: {made_up}\r\nX-Request-Id: {made_up}\r\n\
             X-Forwarded-For: 10.0.{}.{}\r\nAuthorization: Bearer {made_up}\r\nOrigin: https://{made_up}.example\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            at / 250,
            at % 250,
            body.len()
        );
        let mut stream = TcpStream::connect(address).expect("it listens");
        // A server that refuses the head may close the connection while the body is being sent.
        stream.write_all(text.as_bytes()).ok();
        stream.shutdown(Shutdown::Write).ok();
        stream.read_to_end(&mut Vec::new()).ok();
    }
}

#[test]
fn nothing_that_clients_choose_becomes_a_label() {
    let place = dev_place();
    let (server, address) = start(&place, &[], "dev");
    let main = server.base.trim_start_matches("http://").to_owned();
    let mut numbers = Numbers(7);
    send_made_up(&main, &mut numbers);
    let first = scrape(&address);
    send_made_up(&main, &mut numbers);
    let second = scrape(&address);
    let series = |scrape: &Scrape| scrape.series().map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(series(&first), series(&second), "a series for each route and status, and none for a request");
    assert!(!second.body.to_lowercase().contains(CHOSEN), "{}", second.body);
    assert!(!second.body.contains("10.0."), "an address\n{}", second.body);
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
    assert!(second.labels("method").iter().all(|method| methods.contains(&method.as_str())), "{}", second.body);
    assert!(second.labels("method").contains("other"), "{}", second.body);
    let routes = second.labels("route");
    assert!(routes.contains("unmatched") && routes.contains("/admin/users/<id>"), "{routes:?}");
    for label in second.all_labels() {
        let known = ["method", "route", "status", "outcome", "limit", "operation", "reason", "version", "le"];
        assert!(known.contains(&label.as_str()), "{label}");
    }
}

#[test]
fn connections_that_send_nothing_or_rubbish_do_not_keep_a_scraper_out() {
    let (server, address) = start(&Place::new(), &[], "serve");
    let mut stalled: Vec<TcpStream> = (0..60).map(|_| TcpStream::connect(&address).expect("it listens")).collect();
    for (at, stream) in stalled.iter_mut().enumerate() {
        let sent: &[u8] = match at % 4 {
            0 => b"",
            1 => b"GET /metrics HTTP/1.1\r\nHost",
            2 => b"\x16\x03\x01\x00\xff\x00\x00",
            _ => b"GET /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        };
        // The server closes the oldest connections meanwhile.
        stream.write_all(sent).ok();
    }
    assert_eq!(scrape(&address).status, 200);
    let long = format!("X-A: {}\r\n", "a".repeat(64 * 1024));
    assert!(matches!(scrape_with(&address, "GET", "/metrics", &long).status, 431 | 0));
    assert_eq!(scrape_with(&address, "GET", &format!("/{}", "a".repeat(16 * 1024)), "").status / 100 * 100, 400);
    // A half of a head is waited for only some seconds.
    let mut half = TcpStream::connect(&address).expect("it listens");
    half.write_all(b"GET /met").expect("it is sent");
    half.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let read = uninterrupted(|| half.read(&mut [0; 1]));
    assert_eq!(read.expect("the server closes it, before this test stops to wait"), 0);
    assert_eq!(scrape(&address).status, 200);
    assert_eq!(server.stop().0, Some(0));
}
