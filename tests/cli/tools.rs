//! The commands `token inspect`, `audit`, `health`, `completions` and `man`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::support::{PASSWORD, Place};

#[test]
fn a_token_is_decoded_and_the_reason_of_its_refusal_is_told() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let (_, body) = server.login("ada", PASSWORD);
    let access = body["access_token"].as_str().expect("a token").to_owned();
    let refresh = body["refresh_token"].as_str().expect("a token").to_owned();
    let table = place.run_with_input(&["token", "inspect"], &format!("Bearer {access}\n")).succeeded();
    assert!(table.contains("accepts the token now") && table.contains("at+jwt") && table.contains("T"), "{table}");
    let seen = place.json(&["token", "inspect", &refresh]);
    assert_eq!((&seen["accepted"], &seen["claims"]["type"]), (&json!(true), &json!("refresh")));
    let refused = |token: &str| place.run(&["token", "inspect", token]).stderr;
    for (token, expected) in [
        ("no token", "this is not a token"),
        (&format!("{}x", &access[..access.len() - 1]), "its signature is wrong"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.x", "names a key that this server does not have"),
    ] {
        assert!(refused(token).contains(expected), "{token}: {}", refused(token));
    }
    place.succeed(&["session", "revoke", "--user", "ada"]);
    assert!(refused(&access).contains("it was revoked"), "{}", refused(&access));
    assert!(refused(&refresh).contains("has ended"), "{}", refused(&refresh));
    assert_eq!(place.run(&["token", "inspect", &access]).code, Some(1));
}

#[test]
fn the_audit_log_is_printed_filtered_and_followed() {
    let place = Place::new();
    place.add_user(&["ada"]);
    place.add_user(&["eve"]);
    let server = place.start(&["serve"]);
    server.login("ada", PASSWORD);
    server.login("eve", "wrong wrong wrong");
    let events = |arguments: &[&str]| -> Vec<String> {
        let all = place.json(&[&["audit"], arguments].concat());
        all.as_array().expect("a list").iter().map(|event| event["event"].as_str().unwrap_or("").to_owned()).collect()
    };
    assert_eq!(events(&["--user", "ada"]), ["login_succeeded", "user_added"]);
    assert_eq!(events(&["--event", "login_failed"]), ["login_failed"]);
    assert_eq!(events(&["--limit", "1"]), ["login_failed"]);
    assert_eq!(events(&["--since", "1h", "--event", "user_added"]).len(), 2);
    assert_eq!(events(&["--since", "2099-01-01T00:00:00Z"]).len(), 0);
    let table = place.succeed(&["audit", "--user", "ada"]);
    assert!(table.contains("command_line") && table.lines().count() == 3, "{table}");
    assert_eq!(place.run(&["audit", "--since", "yesterday"]).code, Some(2));
    // New events appear while the command runs.
    let mut follow = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(["audit", "--follow", "--event", "user_disabled"])
        .current_dir(place.path("."))
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    place.succeed(&["user", "disable", "eve"]);
    let mut line = String::new();
    BufReader::new(follow.stdout.take().expect("its stdout")).read_line(&mut line).expect("a line");
    follow.kill().expect("it runs");
    follow.wait().expect("it ends");
    assert!(line.contains("user_disabled") && line.contains("command_line"), "{line}");
}

#[test]
fn health_asks_the_server_where_the_configuration_says() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    let port = server.base.rsplit(':').next().expect("a port").to_owned();
    assert_eq!(place.succeed(&["health", "--port", &port]), "ok\n");
    assert_eq!(place.run_with(&[("PORT", &port)], &["health"]).succeeded(), "ok\n");
    server.stop();
    let down = place.run(&["health", "--port", &port]);
    assert_eq!(down.code, Some(1));
    assert!(down.stderr.contains("is not healthy"), "{}", down.stderr);
}

#[test]
fn completions_and_the_manual_name_every_command_and_need_no_configuration() {
    let place = Place::new().set("VESTIBULE_PORT", "wrong");
    let man = place.succeed(&["man"]);
    for section in [".SH VESTIBULE USER ADD", ".SH VESTIBULE KEYS ROTATE", ".SH VESTIBULE AUDIT"] {
        assert!(man.contains(section), "{section}");
    }
    assert!(man.contains(r"\fBvestibule serve\fR") && !man.contains("(1)"), "no page that does not exist is named");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.succeed(&["completions", shell]);
        assert!(script.contains("rewrap") && script.contains("invite"), "{shell}");
    }
    let zsh = place.succeed(&["completions", "zsh"]);
    for path in [":PATH:_files -/", ":FILE:_files"] {
        assert!(zsh.contains(path), "the shell completes the paths of options: {path}");
    }
    assert_eq!(place.run(&["completions", "tcsh"]).code, Some(2));
}

#[test]
fn no_command_reads_a_file_of_the_database() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    for file in ["data/vestibule.db", "data/vestibule.db-wal", "data/vestibule.db-shm"] {
        for command in [&["keys", "import"][..], &["user", "import"], &["keys", "rewrap", "--new-secret-file"]] {
            let refused = place.run(&[command, &[file]].concat()).failed();
            assert!(refused.contains("it is the database"), "{command:?} {file}: {refused}");
        }
    }
    server.token("ada", PASSWORD);
}
