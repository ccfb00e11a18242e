//! The commands `serve` and `dev`: starting, refusing to start, stopping.

use std::{fs, net::TcpListener};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Place, dev_place, mode, within_a_second};

/// Returns the password in the line about the sample user.
fn sample_password(line: &str) -> &str {
    line.strip_prefix("sample user: test@example.com  password: ").unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn serve_starts_in_an_empty_directory() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    assert!(server.base.starts_with("http://127.0.0.1:") && !server.base.ends_with(":0"), "{}", server.base);
    let hint = server.next_line();
    assert_eq!(hint, "no user yet; create the first admin with: vestibule user add admin --role admin --generate");
    assert_eq!(server.get("/health", "").0, 200);

    assert_eq!(mode(&place.path("data")), 0o700);
    for file in fs::read_dir(place.path("data")).expect("the data directory") {
        let path = file.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    // The command in the hint works as printed. Once a user exists, the hint is not printed again.
    let command = hint.split_once("vestibule ").expect("a command").1;
    place.succeed(&command.split(' ').collect::<Vec<_>>());
    server.stop();
    let (_, stdout, _) = place.start(&["serve"]).stop();
    assert_eq!(stdout, Vec::<String>::new());
}

#[test]
fn the_hint_names_the_data_directory() {
    let place = Place::new();
    let server = place.start(&["serve", "--data-dir", "else where"]);
    assert!(server.next_line().ends_with(" --generate --data-dir 'else where'"));
    assert!(place.path("else where/vestibule.db").exists() && !place.path("data").exists());
}

#[test]
fn sigterm_stops_the_server_with_exit_code_0_and_removes_the_write_ahead_log() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    place.add_user(&["ada"]);
    let (code, _, _) = server.stop();
    assert_eq!(code, Some(0));
    let left: Vec<_> =
        fs::read_dir(place.path("data")).expect("the data directory").flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with("-wal")), "{left:?}");
    assert_eq!(place.json(&["user", "list"])[0]["username"], "ada");
}

#[test]
fn the_server_listens_on_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        return; // This machine has no IPv6.
    }
    let server = Place::new().start(&["serve", "--address", "::1"]);
    assert!(server.base.starts_with("http://[::1]:"), "{}", server.base);
    assert_eq!(server.get("/health", "").0, 200);
}

#[test]
fn the_log_is_on_stderr_and_can_be_json() {
    let place = Place::new().set("VESTIBULE_LOG_FORMAT", "json");
    place.add_user(&["ada", "--role", "admin"]);
    let server = place.start(&["serve"]);
    server.login("ada", "not the password");
    let (_, stdout, stderr) = server.stop();
    assert_eq!(stdout, Vec::<String>::new());
    let lines: Vec<Value> = stderr.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().any(|line| line["target"] == "vestibule::access" && line["status"] == 401), "{stderr:?}");
    assert!(!stderr.concat().contains("not the password"));
}

#[test]
fn an_id_of_the_client_is_in_the_log_only_if_it_has_the_form_of_an_id() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    let uuid = "01A3185c-5000-7bee-8141-5df7487b4dd4";
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    // A device's secret, the beginning of a token, a password, and what is nearly an id.
    let secrets = [
        "wGk9vTzNQm3Yx2Lh8sRfPdA7cJbU5eKqZ0oViWnXtSg",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIwMWEz",
        "correct-horse-battery",
        "4bf92f3577b34da6a3ce929d0e0e4736a",
        "01a3185c-5000-7bee-8141-5df7487b4ddg",
        "01a3185c50007bee-8141-5df7-487b-4dd4",
    ];
    for id in [uuid, trace].iter().chain(&secrets) {
        let answer = ureq::get(format!("{}/health", server.base)).header("X-Request-Id", *id).call().expect("200");
        let shown = answer.headers().get("x-request-id").and_then(|shown| shown.to_str().ok());
        assert_eq!(shown, Some(*id), "the response has every well-formed id");
    }
    let (_, _, log) = server.stop();
    let log = log.concat();
    assert!(log.contains(uuid) && log.contains(trace), "{log}");
    for secret in secrets {
        assert!(!log.contains(&format!("\"{secret}\"")), "{secret}: {log}");
    }
    assert_eq!(log.matches("vestibule::access").count().max(log.matches("request_id=").count()), 8, "{log}");
}

#[test]
fn a_second_server_on_one_database_is_refused() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    let refusal = place.run(&["serve", "--port", "0"]).failed();
    assert!(
        refusal.contains("another server is running on the database") && refusal.contains("vestibule.db"),
        "{refusal}"
    );
    assert_eq!(server.get("/health", "").0, 200);
    // The end of the first server, even by a kill, releases the lock.
    drop(server);
    place.start(&["serve"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let failure = Place::new().run(&["serve", "--port", &address.port().to_string()]).failed();
    assert!(failure.starts_with(&format!("error: can't listen on {address}: ")), "{failure}");
}

#[test]
fn no_token_contains_a_picked_port_because_the_next_start_picks_another() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    assert_eq!(issuer(&server.token("ada", PASSWORD)), "http://localhost:8000");

    let dev = dev_place().start(&["dev"]);
    let token = dev.token("test@example.com", sample_password(&dev.next_line()));
    assert_eq!(issuer(&token), "http://localhost:8000");

    // The port 0 may also come from the environment. A configured issuer is used as it is.
    let place = Place::new().set("ROCKET_PORT", "0").set("VESTIBULE_ISSUER", "ours");
    place.add_user(&["ada"]);
    let server = place.start_as_it_is(&["serve"]);
    assert!(!server.base.ends_with(":0"), "{}", server.base);
    assert_eq!(issuer(&server.token("ada", PASSWORD)), "ours");
}

/// Returns the issuer of an access token.
fn issuer(token: &str) -> String {
    let payload = token.split('.').nth(1).expect("a payload");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice::<Value>(&payload).expect("JSON")["iss"].as_str().expect("an issuer").to_owned()
}

#[test]
fn a_missing_root_secret_is_refused_not_replaced() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let secret = fs::read(place.path("data/secret.key")).expect("the root secret");
    fs::remove_file(place.path("data/secret.key")).expect("removed");
    for arguments in [vec!["serve", "--port", "0"], vec!["user", "list"]] {
        let refusal = place.run(&arguments).failed();
        assert!(refusal.contains("secret.key is missing") && refusal.contains("put it back"), "{refusal}");
        assert!(!place.path("data/secret.key").exists());
    }
    fs::write(place.path("data/secret.key"), secret).expect("put back");
    assert_eq!(place.json(&["user", "list"])[0]["username"], "ada");
}

#[test]
fn dev_prints_the_sample_user_at_every_start() {
    let place = dev_place();
    let server = place.start(&["dev"]);
    let line = server.next_line();
    let token = server.token("test@example.com", sample_password(&line));
    assert_eq!(server.me(&token).expect("accepted")["email"], "test@example.com");
    let (code, _, stderr) = server.stop();
    assert_eq!(code, Some(0));
    assert!(stderr[0].contains("profile dev, not for production"), "{stderr:?}");
    assert!(place.path("data-dev/vestibule.db").exists() && !place.path("data").exists());

    let again = place.start(&["dev"]);
    assert_eq!(again.next_line(), line);
    assert_eq!(again.login("test@example.com", sample_password(&line)).0, 200);
}

#[test]
fn dev_does_not_print_a_sample_password_that_was_changed() {
    let place = dev_place();
    let server = place.start(&["dev"]);
    let token = server.token("test@example.com", sample_password(&server.next_line()));
    let id = server.me(&token).expect("accepted")["id"].as_str().expect("an id").to_owned();
    server.stop();
    let plain = Place::new();
    let data = place.path("data-dev");
    let arguments = ["user", "passwd", &id, "--password-stdin", "--data-dir", data.to_str().expect("a path")];
    plain.run_with_input(&arguments, PASSWORD).succeeded();
    let server = place.start(&["dev"]);
    assert_eq!(server.next_line(), "sample user: test@example.com  password: changed since the first start");
    assert_eq!(server.login("test@example.com", PASSWORD).0, 200);
}

#[test]
fn dev_lets_anybody_register() {
    let server = dev_place().start(&["dev"]);
    let body = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(server.post("/auth/register", &body).0, 201);
    let closed = Place::new().start(&["serve"]);
    assert_eq!(closed.post("/auth/register", &body).0, 403);
}

#[test]
fn dev_and_serve_refuse_each_others_database() {
    let place = Place::new();
    place.start(&["serve"]).stop();
    let refusal = place.run(&["dev", "--port", "0", "--data-dir", "data"]);
    assert_eq!(refusal.code, Some(1), "{}", refusal.stderr);
    assert!(refusal.stderr.contains("was made by `vestibule serve`"), "{}", refusal.stderr);

    place.start(&["dev"]).stop();
    let refusal = place.run(&["serve", "--port", "0", "--data-dir", "data-dev"]).failed();
    assert!(refusal.contains("was made by `vestibule dev`") && refusal.contains("data_dir"), "{refusal}");
}

#[test]
fn dev_listens_for_other_machines_only_with_allow_remote() {
    let place = dev_place();
    let done = place.run(&["dev", "--port", "0", "--address", "0.0.0.0"]);
    assert_eq!(done.code, Some(78));
    assert!(done.stderr.contains("--allow-remote"), "{}", done.stderr);
    let server = place.start(&["dev", "--address", "0.0.0.0", "--allow-remote"]);
    assert!(server.base.starts_with("http://0.0.0.0:"));
    within_a_second("it does not answer", || server.get("/health", "").0 == 200);
}

#[test]
fn a_restart_on_another_picked_port_signs_nobody_out() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let first = place.start(&["serve"]);
    let tokens = first.login("ada", PASSWORD).1;
    let base = first.base.clone();
    first.stop();
    let taken = TcpListener::bind(base.trim_start_matches("http://")).expect("the port is free again");
    let second = place.start(&["serve"]);
    assert_ne!(second.base, base);
    let refreshed = second.post("/auth/refresh", &json!({"refresh_token": tokens["refresh_token"]}));
    assert_eq!(refreshed.0, 200, "{}", refreshed.1);
    drop(taken);
}

#[test]
fn a_start_without_an_admin_prints_a_link_that_the_log_does_not_contain() {
    let place = Place::new();
    let first = place.start(&["serve"]);
    first.next_line();
    let link = |line: String| {
        let found = line.strip_prefix("or open this link, which works once and for an hour: ").map(str::to_owned);
        found.unwrap_or_else(|| panic!("{line}"))
    };
    let old = link(first.next_line());
    let path = |url: &str| url[url.find("/setup").expect("the path")..].to_owned();
    assert_eq!(first.get(&path(&old), "").0, 200);
    first.stop();
    // A user who is no admin changes nothing; the next start prints another link, and the old one is void.
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let line = server.next_line();
    assert_eq!(line, "no admin yet; create the first admin with: vestibule user add admin --role admin --generate");
    let new = link(server.next_line());
    assert_eq!((server.get(&path(&old), "").0, server.get(&path(&new), "").0), (404, 200));
    place.succeed(&["user", "set", "ada", "--role", "admin"]);
    assert_eq!(server.get(&path(&new), "").0, 404, "there is an admin");
    let (_, _, log) = server.stop();
    let secret = new.split_once("token=").expect("a token").1;
    assert!(!log.concat().contains(secret) && !log.is_empty());
    let (_, stdout, _) = place.start(&["serve"]).stop();
    assert_eq!(stdout, Vec::<String>::new());
}

#[test]
fn the_first_page_of_the_administration_names_what_is_to_be_done() {
    let place =
        Place::new().set("VESTIBULE_PUBLIC_URL", "http://auth.example.com").set("VESTIBULE_COOKIE_SECURE", "false");
    place.add_user(&["root", "--role", "admin"]);
    let page = |settings: &[(&str, &str)]| {
        let server = place.start_with(settings, &["serve"]);
        server.admin_page_of("root")
    };
    let open = page(&[("VESTIBULE_REGISTRATION", "open")]);
    assert!(open.contains("This needs your attention") && open.contains("without encryption"), "{open}");
    assert!(open.contains("Anybody can create an account"), "{open}");
    // A note about the configuration, which the start prints too.
    assert!(open.contains("sites_default"), "{open}");
    let closed = page(&[("VESTIBULE_PUBLIC_URL", "https://auth.example.com")]);
    assert!(closed.contains("All is well.") && !closed.contains("This needs your attention"), "{closed}");
}
