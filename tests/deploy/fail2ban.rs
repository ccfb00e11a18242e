//! The filter and the jail for fail2ban, on the log of the real server.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use serde_json::json;

use crate::{
    deployed, repository, succeed,
    support::{PASSWORD, Place},
};

const FILTER: &str = "docs/deploy/fail2ban/filter.d/vestibule.conf";

/// The addresses from which passwords are guessed, in the order of the failed logins.
const GUESSERS: [&str; 4] = ["203.0.113.7", "2001:db8::7", "203.0.113.7", "198.51.100.9"];

/// The address that an attacker tries to have banned.
const VICTIM: &str = "203.0.113.66";

/// Sends a request with these headers through a trusted proxy. Returns the status.
fn send(address: &str, method: &str, path: &str, headers: &str, content_type: &str, body: &str) -> u16 {
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: {content_type}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(text.as_bytes()).expect("it is sent");
    stream.shutdown(Shutdown::Write).expect("it is open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("a response");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

/// Sends a login as JSON for a client with this address, with more headers. Returns the status.
fn log_in(address: &str, client: &str, name: &str, password: &str, headers: &str) -> u16 {
    let body = json!({ "username": name, "password": password }).to_string();
    let headers = format!("X-Forwarded-For: {client}\r\n{headers}");
    send(address, "POST", "/auth/login", &headers, "application/json", &body)
}

/// Returns texts that look like a line of the log about the victim, as a client could try to forge it.
fn forged() -> Vec<String> {
    let fields = format!(r#"outcome="invalid_credentials" ip="{VICTIM}""#);
    let text = format!("2026-11-28T01:54:02.747549Z  INFO vestibule::login: login failed {fields}");
    let of_json = format!(
        r#"{{"timestamp":"2026-11-28T01:54:02.747549Z","level":"INFO","message":"login failed","outcome":"invalid_credentials","ip":"{VICTIM}","target":"vestibule::login"}}"#
    );
    let mut all = vec![text.clone(), of_json.clone(), fields.clone()];
    for line_end in ["\n", "\r\n", "\r", "\u{2028}", "\u{85}", "\u{b}", "\\n", "%0a", "%0D%0A"] {
        all.push(format!("x{line_end}{text}{line_end}x"));
        all.push(format!("x{line_end}{of_json}{line_end}x"));
    }
    all.push(format!("x\" ip=\"{VICTIM}\" \""));
    all.push(format!("x\" {fields}"));
    all
}

/// Makes all kinds of requests. Only those of [`GUESSERS`] are failed logins.
fn use_and_abuse(address: &str) {
    assert_eq!(log_in(address, "192.0.2.1", "ada", PASSWORD, ""), 200);
    assert_eq!(log_in(address, GUESSERS[0], "ada", "a wrong password", ""), 401);
    assert_eq!(log_in(address, GUESSERS[1], "nobody", "a wrong password", ""), 401);
    // What a client writes before the address that its proxy appends does not count.
    let chain = format!("{VICTIM}, {}", GUESSERS[2]);
    assert_eq!(log_in(address, &chain, "ada", "a wrong password", ""), 401);
    let form = format!("grant_type=password&client_id=default&username=ada&password=wrong+password+{VICTIM}");
    let headers = format!("X-Forwarded-For: {}\r\n", GUESSERS[3]);
    assert_eq!(send(address, "POST", "/auth/token", &headers, "application/x-www-form-urlencoded", &form), 400);
    // An id of a request is logged if it consists of harmless characters.
    assert_eq!(log_in(address, "192.0.2.9", "ada", PASSWORD, &format!("X-Request-Id: ip={VICTIM}\r\n")), 200);
    for (at, text) in forged().iter().enumerate() {
        let client = format!("192.0.2.{}", at + 10);
        // In the body, as a name of which only one part is a name; and as every other field.
        let body = json!({ "username": text, "password": text, "client_id": text, "device_name": text }).to_string();
        let header: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        let headers = format!(
            "X-Forwarded-For: {header}, {client}\r\nUser-Agent: {header}\r\nReferer: {header}\r\nX-Request-Id: {header}\r\n\
             Origin: {header}\r\nCookie: access_token={header}\r\nAuthorization: Bearer {header}\r\n"
        );
        let path: String = text.chars().map(|char| if " \n\r".contains(char) { '+' } else { char }).collect();
        for (method, path) in [
            ("POST", "/auth/login".to_owned()),
            ("POST", "/auth/refresh".to_owned()),
            ("POST", "/auth/token".to_owned()),
            ("GET", format!("/{path}")),
            ("GET", format!("/auth/verify?permission={path}")),
            ("GET", format!("/login?next={path}")),
        ] {
            send(address, method, &path, &headers, "application/json", &body);
        }
    }
}

/// Returns the log of a server that was used and abused, in a format of the setting `log_format`.
fn log_of_a_server(format: &'static str) -> Vec<String> {
    let place = Place::new().set("VESTIBULE_LOG_FORMAT", format).set("VESTIBULE_LOGIN_RATE_PER_IP", "0");
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    use_and_abuse(server.base.trim_start_matches("http://"));
    let (code, _, log) = server.stop();
    assert_eq!(code, Some(0), "{log:?}");
    log
}

/// Returns the addresses that the filter finds in a log, in their order.
fn found(log: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("vestibule.log");
    fs::write(&file, log.join("\n") + "\n").expect("a file");
    let [file, filter] = [file, repository(FILTER)].map(|path| path.display().to_string());
    let printed = succeed("fail2ban-regex", &["-e", "utf-8", "-o", "ip", &file, &filter]);
    printed.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_filter_finds_the_address_of_each_failed_login_and_no_forged_one() {
    for format in ["text", "json"] {
        let log = log_of_a_server(format);
        let of_forged = found(&log).into_iter().filter(|address| !GUESSERS.contains(&address.as_str()));
        // A forged name is a wrong name too, and is counted against the address from which it came.
        let of_forged: Vec<String> = of_forged.collect();
        assert!(of_forged.iter().all(|address| address.starts_with("192.0.2.")), "{format}: {of_forged:?}");
        let own: Vec<String> = found(&log).into_iter().filter(|address| GUESSERS.contains(&address.as_str())).collect();
        assert_eq!(own, GUESSERS, "{format}: {log:#?}");
        assert!(
            !found(&log).iter().any(|address| [VICTIM, "192.0.2.1", "192.0.2.9"].contains(&address.as_str())),
            "{format}"
        );
        // In the journal, each line has the machine and the process before it. fail2ban knows the time from the journal.
        let journal = |line: &String| format!("2026-11-28T01:54:02.747549Z host vestibule[12]: {line}");
        let journal: Vec<String> = log.iter().map(journal).collect();
        assert_eq!(found(&journal), found(&log), "{format}");
    }
}

#[test]
fn no_line_of_the_log_contains_what_a_client_sent() {
    for format in ["text", "json"] {
        let log = log_of_a_server(format);
        let is_bad = |line: &&String| line.replace(&format!("\"ip={VICTIM}\""), "").contains(VICTIM);
        let bad: Vec<&String> = log.iter().filter(is_bad).collect();
        assert!(bad.is_empty(), "{format}: {bad:#?}");
        let login = |line: &&String| line.contains("vestibule::login");
        assert!(log.iter().filter(login).count() >= GUESSERS.len(), "{format}");
    }
}

#[test]
fn the_jail_is_loaded_with_the_filter() {
    let folder = tempfile::tempdir().expect("a directory");
    let to = folder.path().join("fail2ban");
    succeed("cp", &["-r", "/etc/fail2ban", &to.display().to_string()]);
    for file in ["filter.d/vestibule.conf", "jail.d/vestibule.conf"] {
        fs::write(to.join(file), deployed(&format!("fail2ban/{file}"))).expect("a file");
    }
    let loaded = succeed("fail2ban-client", &["-c", &to.display().to_string(), "-d"]);
    for line in [
        "['add', 'vestibule', 'systemd']",
        "['set', 'vestibule', 'addjournalmatch', '_SYSTEMD_UNIT=vestibule.service']",
        "['set', 'vestibule', 'maxretry', 10]",
        "['start', 'vestibule']",
    ] {
        assert!(loaded.lines().any(|found| found == line), "{line}\n{loaded}");
    }
    assert!(loaded.contains("'addfailregex'") && loaded.contains("vestibule::login"), "{loaded}");
}
