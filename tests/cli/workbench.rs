//! `vestibule dev` as a workbench: its users, and its lifetimes.

use std::fs;

use crate::support::{Place, dev_place};

const SEED: &str = r#"
[roles]
editor = ["notes:read", "notes:write"]

[[users]]
username = "ada"
email = "ada@example.com"
email_verified = true
password = "secret12"
roles = ["admin", "editor"]
claims = { team = "engines" }

[[users]]
username = "eve"
password = "secret12"
disabled = true
"#;

#[test]
fn dev_has_sample_users_with_roles_who_share_a_password() {
    let place = dev_place();
    let server = place.start(&["dev"]);
    let lines = [server.next_line(), server.next_line(), server.next_line()];
    let (_, password) = lines[0].split_once("password: ").expect("a password");
    assert_eq!(lines[1], format!("sample user: editor@example.com  password: {password}  role: editor"));
    assert_eq!(lines[2], format!("sample user: admin@example.com  password: {password}  role: admin"));
    let roles = |name: &str| server.me(&server.token(name, password)).expect("accepted")["roles"].to_string();
    assert_eq!(roles("test@example.com"), "[]");
    assert_eq!(roles("editor@example.com"), r#"["editor"]"#);
    assert_eq!(roles("admin@example.com"), r#"["admin"]"#);
    let editor = server.me(&server.token("editor@example.com", password)).expect("accepted");
    assert_eq!(editor["permissions"].to_string(), r#"["notes:read","notes:write"]"#);
}

#[test]
fn seeded_users_are_created_once_and_as_the_file_says() {
    let place = dev_place();
    fs::write(place.path("users.toml"), SEED).expect("a file");
    let server = place.start(&["dev", "--seed", "users.toml"]);
    assert_eq!(server.next_line(), "users in users.toml: 2, new: 2");
    let token = server.token("ada", "secret12");
    let ada = server.me(&token).expect("accepted");
    assert_eq!(ada["roles"].to_string(), r#"["admin","editor"]"#);
    assert_eq!((ada["email_verified"].as_bool(), ada["claims"]["team"].as_str()), (Some(true), Some("engines")));
    assert_eq!(server.login("eve", "secret12").0, 403);
    assert_eq!(server.login("test@example.com", "secret12").0, 401, "there are no other users");
    server.stop();
    let again = place.start(&["dev", "--seed", "users.toml"]);
    assert_eq!(again.next_line(), "users in users.toml: 2, new: 0");
    assert_eq!(again.login("ada", "secret12").0, 200);
}

#[test]
fn a_seed_that_is_wrong_names_the_place_and_starts_nothing() {
    let place = dev_place();
    for (text, part) in [
        ("users = 1", "invalid type"),
        ("[[users]]\nusername = \"ada\"\npasword = \"secret12\"", "unknown field `pasword`"),
        ("[[users]]\nusername = \"ada\"", "missing field `password`"),
        ("[[users]]\npassword = \"secret12\"", "user 1 \"\": needs a username or an email"),
        ("[[users]]\nusername = \"a@b\"\npassword = \"secret12\"", "user 1 \"a@b\": username "),
        ("[[users]]\nemail = \"ada\"\npassword = \"secret12\"", "user 1 \"ada\": email "),
        ("[[users]]\nusername = \"ada\"\npassword = \"\"", "user 1 \"ada\": password "),
        ("[roles]\neditor = [\"a b\"]", "role \"editor\": "),
        ("\n[[users]", "users.toml: line 2: "),
    ] {
        fs::write(place.path("users.toml"), text).expect("a file");
        let refusal = place.run(&["dev", "--port", "0", "--seed", "users.toml"]).failed();
        assert!(refusal.contains("users.toml: ") && refusal.contains(part), "{text}: {refusal}");
    }
    let refusal = place.run(&["dev", "--port", "0", "--seed", "absent.toml"]).failed();
    assert!(refusal.contains("absent.toml: can't be read"), "{refusal}");
    assert!(!place.path("data-dev").exists(), "nothing was created");
    let unknown = "[[users]]\nusername = \"ada\"\npassword = \"secret12\"\nroles = [\"owner\"]";
    fs::write(place.path("users.toml"), unknown).expect("a file");
    let done = place.run(&["dev", "--port", "0", "--seed", "users.toml"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("there is no role \"owner\"; there are: admin"), "{}", done.stderr);
}

#[test]
fn the_lifetime_of_access_tokens_is_a_flag() {
    let place = dev_place();
    let server = place.start(&["dev", "--access-lifetime", "10s"]);
    let (_, password) =
        server.next_line().split_once("password: ").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a password");
    assert_eq!(server.login("test@example.com", &password).1["expires_in"], 10);
    let refused = dev_place().run(&["dev", "--access-lifetime", "soon"]);
    assert_eq!(refused.code, Some(78));
    assert!(
        refused.stderr.contains("access_token_lifetime") && refused.stderr.contains("--access-lifetime"),
        "{}",
        refused.stderr
    );
    assert_eq!(Place::new().run(&["serve", "--access-lifetime", "10s"]).code, Some(2), "only for dev");
}

#[test]
fn the_seed_of_the_readme_works() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("```toml\n[roles]").expect("the README has a seed");
    let (rest, _) = after.split_once("```").expect("the block ends");
    let place = dev_place();
    fs::write(place.path("users.toml"), format!("[roles]{rest}")).expect("a file");
    let server = place.start(&["dev", "--seed", "users.toml"]);
    let ada = server.me(&server.token("ada", "quiet harbour")).expect("accepted");
    assert_eq!(ada["roles"].to_string(), r#"["admin","editor"]"#);
}

#[test]
fn only_in_dev_the_viewer_of_the_description_is_there_and_sends_requests() {
    let script = "/docs/swagger-initializer.js";
    let read = |server: &crate::support::Server| {
        let (code, text) = server.get(script, "");
        assert_eq!(code, 200);
        text.as_str().expect("a script").to_owned()
    };
    let text = read(&dev_place().start(&["dev"]));
    assert!(text.contains(r#""tryItOutEnabled": true"#) && !text.contains("supportedSubmitMethods"), "{text}");
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    for path in ["/docs", "/docs/index.html", script] {
        assert_eq!(server.get(path, "").0, 404);
    }
    server.stop();
    let reading = Place::new().set("VESTIBULE_DOCS", "true");
    reading.add_user(&["ada"]);
    let text = read(&reading.start(&["serve"]));
    assert!(text.contains(r#""supportedSubmitMethods": []"#) && !text.contains("tryItOut"), "it only reads: {text}");
    assert!(text.contains(r#""url": "openapi.json""#) && text.contains(r#""queryConfigEnabled": false"#), "{text}");
}

/// The paths of the workbench, as the greeting and the README name them.
const WORKBENCH: [&str; 5] = ["/dev", "/dev/next", "/dev/requests", "/dev/sessions", "/demo"];

#[test]
fn only_dev_has_the_workbench() {
    let server = dev_place().start(&["dev"]);
    let lines: Vec<String> = (0..5).map(|_| server.next_line()).collect();
    assert!(lines[3].starts_with("workbench: http://localhost:") && lines[3].ends_with("/dev"), "{lines:?}");
    assert!(lines[4].starts_with("demonstration: http://localhost:") && lines[4].ends_with("/demo"), "{lines:?}");
    for path in WORKBENCH {
        assert_eq!(server.get(path, "").0, 200, "{path}");
    }
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    for path in WORKBENCH {
        assert_eq!(server.get(path, "").0, 404, "{path}");
        assert_eq!(server.post(path, &serde_json::json!({})).0, 404, "{path}");
    }
    assert_eq!(server.post("/dev/reset", &serde_json::json!({})).0, 404);
}

#[test]
fn a_server_that_others_may_reach_wants_the_key_of_its_start() {
    let place = dev_place();
    let server = place.start(&["dev", "--address", "0.0.0.0", "--allow-remote"]);
    let lines: Vec<String> = (0..5).map(|_| server.next_line()).collect();
    let (_, key) = lines[3].split_once("/dev?key=").expect("a key");
    assert!(key.len() >= 22, "{key}");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let base = server.base.replace("0.0.0.0", "127.0.0.1");
    let get = |path: &str, headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(agent.get(format!("{base}{path}")), |request, (name, value)| request.header(*name, *value));
        request.call().expect("an answer")
    };
    for path in WORKBENCH {
        for headers in [
            &[][..],
            &[("X-Workbench-Key", "wrong")],
            &[("Cookie", "workbench_key=wrong")],
            &[("X-Workbench-Key", key), ("Origin", "https://evil.example")],
            &[("X-Workbench-Key", key), ("Origin", "null")],
            &[("X-Workbench-Key", key), ("Origin", "http://localhost:5173")],
        ] {
            assert_eq!(get(path, headers).status(), 404, "{path} {headers:?}");
        }
        assert_eq!(get(&format!("{path}?key=wrong"), &[]).status(), 404, "{path}");
        assert_eq!(get(path, &[("X-Workbench-Key", key), ("X-Forwarded-For", "10.0.0.1")]).status(), 200, "{path}");
    }
    let moved = get(&format!("/dev?key={key}"), &[]);
    let header =
        |name: &str| moved.headers().get(name).and_then(|value| value.to_str().ok()).expect("a header").to_owned();
    assert_eq!((moved.status().as_u16(), header("location").as_str()), (303, "/dev"));
    let cookies: Vec<&str> =
        moved.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    for (cookie, path) in cookies.iter().zip(["/dev", "/demo"]) {
        assert!(cookie.ends_with(&format!("; Path={path}; HttpOnly; SameSite=Lax")), "{cookie}");
    }
    let pair = cookies[0].split(';').next().expect("a pair");
    assert_eq!(get("/dev", &[("Cookie", pair)]).status(), 200);
    drop(server);
    let again = place.start(&["dev", "--address", "0.0.0.0", "--allow-remote"]);
    let lines: Vec<String> = (0..5).map(|_| again.next_line()).collect();
    assert!(!lines[3].contains(key), "each start has another key");
}

#[test]
fn a_reset_creates_the_users_of_the_start_again() {
    let place = dev_place();
    fs::write(place.path("users.toml"), SEED).expect("a file");
    let server = place.start(&["dev", "--seed", "users.toml"]);
    let token = server.token("ada", "secret12");
    assert_eq!(
        server
            .post("/auth/register", &serde_json::json!({"username": "bob", "password": "seven lighthouses in fog"}))
            .0,
        201
    );
    assert_eq!(server.post("/dev/reset", &serde_json::json!({})).0, 200);
    assert_eq!(server.me(&token), Err("token_revoked".to_owned()));
    assert_eq!(server.login("bob", "seven lighthouses in fog").0, 401);
    let again = server.me(&server.token("ada", "secret12")).expect("accepted");
    assert_eq!(again["roles"].to_string(), r#"["admin","editor"]"#);
    assert_eq!(server.login("eve", "secret12").0, 403);
}

#[test]
fn the_printed_addresses_are_those_that_answer() {
    for (address, host) in [("127.0.0.1", "localhost"), ("127.0.0.2", "127.0.0.2"), ("::1", "localhost")] {
        let place = dev_place().set("VESTIBULE_PUBLIC_URL", "https://app.example.com");
        let server = place.start(&["dev", "--address", address]);
        let lines: Vec<String> = (0..5).map(|_| server.next_line()).collect();
        let (_, url) = lines[3].split_once("workbench: ").expect("an address");
        assert!(url.starts_with(&format!("http://{host}:")), "{address}: {url}");
    }
}
