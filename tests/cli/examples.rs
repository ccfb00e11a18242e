//! The examples in the help of every command are run as they are printed, in a shell.

use std::process::Command;

use serde_json::Value;

use crate::support::{PASSWORD, Place};

/// Returns the help of a command and of all commands below it, each with the words that name the command.
fn helps(place: &Place, path: &[String]) -> Vec<(Vec<String>, String)> {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = place.succeed(&arguments);
    let commands = help.split("Commands:\n").nth(1).unwrap_or_default();
    let names: Vec<String> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    let mut all = vec![(path.to_vec(), help)];
    for name in names {
        all.extend(helps(place, &[path, &[name]].concat()));
    }
    all
}

/// Returns the command lines of the examples in a help, without the remarks behind them.
fn examples(help: &str) -> Vec<String> {
    let lines = help.split("Example").skip(1).last().unwrap_or_default().lines().skip(1);
    let lines = lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| line.contains("vestibule "));
    lines.map(|line| line.split("    ").next().unwrap_or_default().to_owned()).collect()
}

/// Returns a place with a user, roles, keys and files that the examples name.
fn place() -> Place {
    let place = Place::new();
    place.write("password.txt", PASSWORD);
    for key in ["ec-p384.pem", "rsa.pem"] {
        let text = std::fs::read_to_string(format!("{}/tests/keys/{key}", env!("CARGO_MANIFEST_DIR"))).expect("a key");
        place.write(if key == "rsa.pem" { "rsa.pem" } else { "key.pem" }, &text);
    }
    place.write("users.csv", "username,email\nalan,alan@example.com\n");
    place.write("users.jsonl", "{\"username\":\"ada\"}\n{\"username\":\"alan\"}\n");
    place.write("production.toml", "[default.auth]\nregistration = \"closed\"\n");
    place
}

/// Prepares what an example needs, and returns it as it is run: with the ids of this database.
fn prepare(place: &Place, example: &str) -> String {
    let is_new = example.contains("user add ada") || example.contains("serve") || example.contains("dev");
    if !is_new {
        place.add_user(&["ada", "--email", "ada@example.com"]);
        place.succeed(&["role", "set", "editor", "posts:read", "posts:delete"]);
        place.succeed(&["role", "set", "guest"]);
        if !example.contains("client add") {
            place.succeed(&["client", "add", "shop", "--public"]);
        }
        place.succeed(&["user", "set", "ada", "--role", "guest"]);
    }
    if example.contains("user add admin") {
        return example.to_owned();
    }
    if example.contains("copy.db") {
        place.run(&["backup", "copy.db"]);
        if example.contains("restore") && !example.contains("--yes") {
            std::fs::remove_file(place.path("data/vestibule.db")).expect("it is removed");
        }
    }
    let mut example = example.to_owned();
    if example.contains("session revoke 0") || example.contains("token.txt") || example.contains("keys retire") {
        let server = place.start(&["serve"]);
        place.write("token.txt", &server.token("ada", PASSWORD));
        server.stop();
    }
    if example.contains("session revoke 0") {
        let sessions = place.json(&["session", "list"]);
        let id = sessions[0]["id"].as_str().expect("a session");
        example = format!("vestibule session revoke {id}");
    }
    if example.contains("keys retire") {
        place.succeed(&["keys", "rotate"]);
        let keys: Value = place.json(&["keys", "list"]);
        example = format!("vestibule keys retire {}", keys[0]["kid"].as_str().expect("a key"));
    }
    example
}

#[test]
fn every_example_of_the_help_works() {
    let first = Place::new();
    let helps = helps(&first, &[]);
    assert!(helps.len() >= 40, "{}", helps.len());
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_vestibule"));
    let mut ran = 0;
    for (path, help) in &helps {
        let found = examples(help);
        assert!(!found.is_empty(), "{path:?} has no example:\n{help}");
        for example in found {
            // Servers are started by the other tests. `rewrap` with a file needs a configured secret, and the health needs a
            // server on this very port; both have tests of their own. A lost secret needs the file to be gone.
            if ["serve", "dev", "health", "--new-secret-file", "recover"].iter().any(|word| example.contains(word)) {
                continue;
            }
            let place = place();
            let line = prepare(&place, &example);
            let output = Command::new("sh")
                .args(["-c", &line])
                .current_dir(place.path("."))
                .env_clear()
                .env("PATH", format!("{}:/usr/bin:/bin", binary.parent().expect("a folder").display()))
                .stdin(std::process::Stdio::null())
                .output()
                .expect("a shell");
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            ran += 1;
        }
    }
    assert!(ran >= 40, "{ran} examples");
}
