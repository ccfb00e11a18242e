//! What a start reads, refuses and tells: the files and variables of the configuration, the clock, the log, and the
//! database that only some commands create.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    database,
    support::{PASSWORD, Place},
};

#[test]
fn only_a_server_and_user_add_create_a_database() {
    for arguments in [
        &["user", "list"][..],
        &["user", "show", "ada"],
        &["user", "delete", "ada", "--yes"],
        &["user", "passwd", "ada", "--generate"],
        &["session", "list"],
        &["session", "revoke", "--all", "--yes"],
        &["role", "list"],
        &["role", "set", "editor", "posts:read"],
        &["keys", "list"],
        &["keys", "rotate"],
        &["keys", "rewrap"],
        &["keys", "recover", "--lost-secret", "--yes"],
    ] {
        let place = Place::new();
        let refused = place.run(arguments).failed();
        for part in
            ["no database ./data/vestibule.db", "data_dir is ./data", "profile release", "--data-dir", "--config"]
        {
            assert!(refused.contains(part), "{arguments:?}: {part:?} is not in {refused}");
        }
        assert!(!place.path("data").exists(), "{arguments:?}");
        fs::create_dir(place.path("data")).expect("a directory");
        place.write("data/vestibule.db", "");
        assert!(place.run(arguments).failed().contains("no database"), "{arguments:?} with an empty file");
        let memory = place.run_with(&[("VESTIBULE_DATABASE_URL", "sqlite::memory:")], arguments).failed();
        assert!(memory.contains("no database"), "{arguments:?}: {memory}");
    }
    let place = Place::new();
    place.add_user(&["ada", "--email", "ada@example.com", "--email-verified"]);
    assert_eq!(place.json(&["user", "list"])[0]["email_verified"], true);
    let nothing = place.run(&["user", "add", "eve", "--email-verified", "--generate"]).failed();
    assert!(nothing.contains("no email address to verify"), "{nothing}");
}

#[test]
fn what_can_not_be_undone_is_confirmed() {
    let place = Place::new();
    place.add_user(&["ada"]);
    for arguments in
        [&["user", "delete", "ada"][..], &["session", "revoke", "--all"], &["keys", "recover", "--lost-secret"]]
    {
        let refused = place.run(arguments).failed();
        assert!(refused.contains("nothing was changed. Use --yes"), "{arguments:?}: {refused}");
        place.succeed(&[arguments, &["--yes"]].concat());
    }
}

#[test]
fn the_variable_port_counts_in_serve_alone() {
    let place = Place::new();
    let shown = |variables: &[(&str, &str)]| place.run_with(variables, &["config", "show"]).succeeded();
    assert!(!shown(&[("PORT", "9000")]).contains("9000"), "only `serve` reads it");
    // Port 0 picks a free one, so this shows that the variable is read.
    let server = place.start_as_it_is_with(&[("PORT", "0")], &["serve"]);
    assert!(!server.base.ends_with(":8000"), "{}", server.base);
    assert_eq!(server.get("/health", "").0, 200);
    place.add_user(&["ada"]);
    let token = server.token("ada", PASSWORD);
    let claims = token.split('.').nth(1).expect("claims");
    let claims = base64_of(claims);
    assert_eq!(claims["iss"], "http://localhost:8000", "the issuer does not follow it");
}

/// Returns the JSON in base64url.
fn base64_of(text: &str) -> Value {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for byte in text.bytes() {
        let value = alphabet.iter().position(|letter| *letter == byte).expect("base64url");
        bits = (bits << 6) | u32::try_from(value).expect("six bits");
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).expect("a byte"));
        }
    }
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn the_variable_vestibule_config_names_the_file_of_every_command() {
    let place = Place::new();
    place.write("auth.toml", "[default.auth]\ndata_dir = \"elsewhere\"\n");
    let with = |arguments: &[&str]| place.run_with(&[("VESTIBULE_CONFIG", "auth.toml")], arguments);
    with(&["user", "add", "ada", "--generate"]).succeeded();
    assert!(place.path("elsewhere/vestibule.db").is_file());
    assert!(with(&["user", "list"]).succeeded().contains("ada"));
    let missing = place.run_with(&[("VESTIBULE_CONFIG", "nothing.toml")], &["user", "list"]);
    assert_eq!(
        (missing.code, missing.stderr.contains("nothing.toml (VESTIBULE_CONFIG): no such file")),
        (Some(78), true)
    );
}

#[test]
fn a_clock_before_1970_refuses_the_start() {
    let place = Place::new();
    place.add_user(&["ada"]);
    place.write(
        "clock.c",
        "#define _GNU_SOURCE\n#include <time.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n\
         int clock_gettime(clockid_t id, struct timespec *now) {\n\
         if (id == CLOCK_REALTIME) { now->tv_sec = -86400; now->tv_nsec = 0; return 0; }\n\
         return syscall(SYS_clock_gettime, id, now); }\n",
    );
    let library = place.path("clock.so");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(place.path("clock.c")).status();
    assert!(built.expect("install a C compiler").success());
    let preloaded = [("LD_PRELOAD", library.to_str().expect("UTF-8"))];
    for arguments in [&["serve", "--port", "0"][..], &["dev", "--port", "0"], &["user", "list"]] {
        let refused = place.run_with(&preloaded, arguments);
        assert_eq!(refused.code, Some(1), "{arguments:?}: {}", refused.stderr);
        assert!(refused.stderr.contains("the clock of this machine is before 1970; set it"), "{}", refused.stderr);
    }
}

#[test]
fn the_log_has_the_start_the_stop_and_in_each_line_the_error_code_and_the_user() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let id = place.json(&["user", "list"])[0]["id"].as_str().expect("an id").to_owned();
    let server = place.start_with(&[("VESTIBULE_LOG_FORMAT", "json")], &["serve"]);
    let token = server.token("ada", PASSWORD);
    assert_eq!(server.login("ada", "wrong").0, 401);
    assert_eq!(server.get("/users/me", &token).0, 200);
    assert_eq!(server.get("/users/me", "a.b.c").0, 401);
    assert_eq!(server.get("/auth/verify", &token).0, 200);
    assert_eq!(server.get("/auth/verify", "").0, 401);
    let (_, _, log) = server.stop();
    let lines: Vec<Value> = log.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(lines.len(), log.len(), "{log:?}");
    let messages: Vec<&str> = lines.iter().filter_map(|line| line["message"].as_str()).collect();
    for message in ["started", "stopping", "stopped"] {
        assert!(messages.contains(&message), "{messages:?}");
    }
    let started = lines.iter().find(|line| line["message"] == "started").expect("a line");
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    let requests: Vec<(Value, Value, Value)> = lines
        .iter()
        .filter(|line| line["target"] == "vestibule::access")
        .map(|line| (line["status"].clone(), line["error"].clone(), line["user"].clone()))
        .collect();
    let expected = [
        (200, "-", id.as_str()),
        (401, "invalid_credentials", "-"),
        (200, "-", &id),
        (401, "invalid_token", "-"),
        // The permission of the proxy's request is in the log from `debug` on.
        (401, "missing_token", "-"),
    ];
    let expected: Vec<_> = expected.map(|(status, error, user)| (json!(status), json!(error), json!(user))).into();
    assert_eq!(requests, expected);
}

#[test]
fn the_level_decides_which_lines_are_in_the_log() {
    let place = Place::new();
    place.add_user(&["ada"]);
    for (level, verified, started) in [("debug", true, true), ("info", false, true), ("warn", false, false)] {
        let server = place.start_with(&[("VESTIBULE_LOG_LEVEL", level)], &["serve"]);
        let token = server.token("ada", PASSWORD);
        assert_eq!(server.get("/auth/verify", &token).0, 200);
        let (_, _, log) = server.stop();
        let has = |text: &str| log.iter().any(|line| line.contains(text));
        assert_eq!((has("/auth/verify"), has("started")), (verified, started), "{level}: {log:?}");
    }
    let refused = place.run_with(&[("VESTIBULE_LOG_LEVEL", "loud")], &["config", "check"]);
    assert!(refused.stderr.contains("one of error, warn, info, debug, trace"), "{}", refused.stderr);
}

#[test]
fn an_address_with_an_international_domain_has_one_key_in_an_old_database_too() {
    let place = Place::new();
    for (name, email) in [("ada", "ada@old.example"), ("eve", "eve@old.example"), ("bob", "bob@example.com")] {
        place.add_user(&[name, "--email", email]);
    }
    // As 0.1.0 has stored the addresses: in two spellings, with two keys.
    database::change(
        &place,
        "update users set email = 'Ada@Bücher.example', email_key = 'ada@bücher.example' where username = 'ada';
         update users set email = 'ada@xn--bcher-kva.example', email_key = 'ada@xn--bcher-kva.example'
            where username = 'eve';
         update users set created_at = created_at - 10 where username = 'ada';
         delete from meta where key = 'name_keys';",
    );
    let server = place.start(&["serve"]);
    for spelling in ["ada@bücher.example", "ADA@XN--BCHER-KVA.EXAMPLE"] {
        let me = server.me(&server.token(spelling, PASSWORD)).expect("accepted");
        assert_eq!(me["username"], "ada", "{spelling}: the older account has the address");
    }
    assert_eq!(server.me(&server.token("eve", PASSWORD)).expect("accepted")["username"], "eve", "by the username");
    assert_eq!(server.me(&server.token("bob@example.com", PASSWORD)).expect("accepted")["username"], "bob");
    let list = place.run(&["user", "list"]);
    let users: Value = place.run(&["user", "list", "--json"]).stdout.parse().expect("JSON");
    let users = users.as_array().expect("users");
    let ids = ["ada", "eve"].map(|name| {
        let user = users.iter().find(|user| user["username"] == name).expect("a user");
        user["id"].as_str().expect("an id").to_owned()
    });
    assert_eq!(list.stderr.lines().count(), 1, "{}", list.stderr);
    assert!(list.stderr.contains(&ids[0]) && list.stderr.contains(&ids[1]), "{}", list.stderr);
    let (_, _, log) = server.stop();
    let told = log.iter().filter(|line| line.contains("in another spelling")).collect::<Vec<_>>();
    assert!(told.len() == 1 && told[0].contains(&ids[0]) && told[0].contains(&ids[1]), "{log:?}");
    // Every change works by the id, and the address alone names neither account.
    let ambiguous = place.run(&["user", "disable", "ada@xn--bcher-kva.example"]).failed();
    assert!(ambiguous.contains(&ids[0]) && ambiguous.contains(&ids[1]), "{ambiguous}");
    for change in [&["disable"][..], &["enable"], &["passwd", "--generate"], &["set", "--email-verified"]] {
        let arguments = [&["user", change[0], &ids[1]], &change[1..]].concat();
        assert_eq!(place.run(&arguments).code, Some(0), "{arguments:?}");
    }
    let posing = place.run(&["user", "add", &ids[0], "--generate"]);
    assert_eq!((posing.code, posing.stderr.contains("must not be an id")), (Some(1), true), "{}", posing.stderr);
    // Another address for the younger one ends it.
    place.run(&["user", "set", "eve", "--email", "eve@example.com"]).succeeded();
    assert_eq!(place.run(&["user", "list"]).stderr, "");
    let taken = place.run(&["user", "set", "bob", "--email", "ada@xn--bcher-kva.example"]).failed();
    assert!(taken.contains("taken"), "{taken}");
}

#[test]
fn a_username_has_one_key_in_an_old_database_too() {
    let place = Place::new();
    ["ada", "eve", "bob"].iter().for_each(|name| place.add_user(&[name]));
    // As earlier versions stored these names: the upper case of the last letter but one consists of three characters, and the
    // keys of the two spellings were not equal.
    database::change(
        &place,
        "update users set username = 'Μαΐου', username_key = 'μαι\u{308}\u{301}ου' where username = 'ada';
         update users set username = 'ΜΑΪ\u{301}ΟΥ', username_key = 'μαϊ\u{301}ου' where username = 'eve';
         update users set created_at = created_at - 10 where username = 'Μαΐου';
         delete from meta where key = 'name_keys';",
    );
    let server = place.start(&["serve"]);
    for spelling in ["Μαΐου", "ΜΑΪ\u{301}ΟΥ"] {
        let me = server.me(&server.token(spelling, PASSWORD)).expect("accepted");
        assert_eq!(me["username"], "Μαΐου", "{spelling}: the older account has the name");
    }
    assert_eq!(server.me(&server.token("bob", PASSWORD)).expect("accepted")["username"], "bob");
    let (_, _, log) = server.stop();
    assert_eq!(log.iter().filter(|line| line.contains("in another spelling")).count(), 1, "{log:?}");
    let list = place.run(&["user", "list"]).stderr;
    assert!(list.contains("--username NAME"), "{list}");
    assert!(place.run(&["user", "disable", "Μαΐου"]).failed().contains("two accounts have the name"));
}

#[test]
fn open_registration_beside_hosts_for_everybody_is_told_at_the_start() {
    let place = Place::new();
    let told = |file: &str| {
        place.write("Rocket.toml", file);
        place.run(&["config", "check"]).stderr
    };
    assert!(told("[default.auth]\nregistration = \"open\"\n").contains("everybody who registers"));
    assert_eq!(told("[default.auth]\nregistration = \"open\"\nsites_default = \"deny\"\n"), "");
}
