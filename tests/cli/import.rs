//! `user import` and `user export`.

use std::{
    fmt::Write as _,
    fs,
    os::unix::net::UnixListener,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    database::count_events,
    support::{PASSWORD, Place},
};

/// A hash of [`PASSWORD`], made by pwdlib.
const HASH: &str = "$2b$04$TOHW0atfA1XyQ3iD33qlb.HBLIeoi12OpAqUaKlVvAhWKTnwW6ZZO";

/// Returns the number of users; 0 if there is no database.
fn users(place: &Place) -> usize {
    if !place.path("data/vestibule.db").exists() {
        return 0;
    }
    place.json(&["user", "list"]).as_array().expect("a list").len()
}

/// Returns JSON lines with this many accounts, `user0` and so on, without passwords.
fn many(count: usize) -> String {
    (0..count).fold(String::new(), |mut lines, number| {
        writeln!(lines, r#"{{"username":"user{number}","email":"user{number}@example.com"}}"#).expect("it is written");
        lines
    })
}

#[test]
fn the_accounts_of_a_csv_file_and_of_json_lines_are_the_same() {
    let csv = format!(
        "\u{feff}Username,email,email_verified,password_hash,disabled,roles,permissions,claims,created_at,id\r\n\
         ada,Ada@Example.com,true,{HASH},,editor guest,docs:read,\"{{\"\"tenant\"\": \"\"acme, inc\"\"}}\",2020-01-02T03:04:05Z,\
         0b0a5b3e-6f0a-4a5c-9d68-0d5c7a1f2e33\r\n\
         \"grace \",,False,,t,,,,1600000000,\r\n"
    );
    let lines = format!(
        "{}\n\n{}\n",
        json!({"username": "ada", "email": "Ada@Example.com", "email_verified": true, "password_hash": HASH,
            "roles": ["editor", "guest"], "permissions": ["docs:read"], "claims": {"tenant": "acme, inc"},
            "created_at": "2020-01-02T03:04:05Z", "id": "0B0A5B3E-6F0A-4A5C-9D68-0D5C7A1F2E33"}),
        json!({"username": "grace", "disabled": true, "created_at": 1_600_000_000}),
    );
    let [from_csv, from_lines] = [("users.csv", csv), ("users.jsonl", lines)].map(|(name, text)| {
        let place = Place::new();
        place.add_user(&["root"]);
        place.succeed(&["role", "set", "editor", "posts:write"]);
        place.succeed(&["role", "set", "guest"]);
        place.write(name, &text);
        let printed = place.succeed(&["user", "import", name, "--allow-roles"]);
        assert!(printed.starts_with("imported 2 users\n"), "{printed}");
        for part in
            ["without a password: 1;", "with custom claims: 1", "GRANTED", "role editor", "permission docs:read"]
        {
            assert!(printed.contains(part), "{part}: {printed}");
        }
        assert_eq!((count_events(&place, "users_imported"), count_events(&place, "user_added")), (1, 2));
        let server = place.start(&["serve"]);
        let ada = server.me(&server.token("ada@example.com", PASSWORD)).expect("accepted");
        assert_eq!((&ada["email_verified"], &ada["claims"]), (&json!(true), &json!({"tenant": "acme, inc"})));
        assert_eq!(
            (&ada["roles"], &ada["permissions"]),
            (&json!(["editor", "guest"]), &json!(["docs:read", "posts:write"]))
        );
        assert_eq!(ada["created_at"], "2020-01-02T03:04:05Z");
        let grace = place.json(&["user", "show", "grace"]);
        assert_eq!((&grace["disabled"], &grace["created_at"]), (&json!(true), &json!("2020-09-13T12:26:40Z")));
        ada
    });
    assert_eq!(from_csv, from_lines);
    assert_eq!(from_csv["id"], "0b0a5b3e-6f0a-4a5c-9d68-0d5c7a1f2e33");
}

#[test]
fn every_bad_row_is_named_with_its_line_and_nothing_is_imported() {
    let place = Place::new();
    place.add_user(&["taken", "--email", "taken@example.com"]);
    let rows = [
        (json!({"username": "fine"}), ""),
        (json!({"username": "a@b"}), "line 2: username must not contain @"),
        (json!({"username": "x", "email": "no address"}), "line 3: email must be an email address"),
        (json!({}), "line 4: username is required, or an email"),
        (json!({"username": "fine"}), "line 5: username is the same as in line 1"),
        (json!({"username": "y", "password_hash": "hunter2"}), "line 6: password_hash has no known format"),
        (
            json!({"username": "y2", "password_hash": "$2b$12$short"}),
            "line 7: password_hash should have the form $2b$COST$",
        ),
        (
            json!({"username": "y3", "password_hash": HASH.replace("$04$", "$31$")}),
            "line 8: password_hash takes too much time",
        ),
        (
            json!({"username": "z", "roles": ["admin"]}),
            "line 9: roles and permissions are imported only with --allow-roles",
        ),
        (json!({"username": "z2", "permissions": "a:b"}), "line 10: roles and permissions are imported only"),
        (json!({"username": "TAKEN"}), "line 11: username is taken by an account"),
        (json!({"email": "Taken@Example.com"}), "line 12: email is taken by an account"),
        (json!({"username": "v", "email_verified": true}), "line 13: email_verified needs an email"),
        (json!({"username": "c", "claims": {"sub": "1"}}), "line 14: \"sub\" is reserved"),
        (json!({"username": "t", "created_at": "2999-01-01T00:00:00Z"}), "line 15: created_at must be between"),
        (json!({"username": "n", "emial": "n@example.com"}), "line 16: emial is no field; there are id, username"),
        (json!([1]), "line 17: is not a JSON object"),
        (json!({"username": "b", "disabled": "maybe"}), "line 18: disabled must be true or false"),
    ];
    let mut lines: String = rows.iter().fold(String::new(), |lines, (row, _)| lines + &row.to_string() + "\n");
    lines += "{\"username\": hunter2}\n";
    place.write("users.jsonl", &lines);
    for arguments in [&["user", "import", "users.jsonl"][..], &["user", "import", "--dry-run", "users.jsonl"]] {
        let done = place.run(arguments);
        let told = done.stderr.clone();
        assert_eq!(done.code, Some(1), "{told}");
        for (_, problem) in &rows {
            assert!(told.contains(problem), "{problem:?} is not in {told}");
        }
        assert!(told.contains("line 19: is not JSON: column 14"), "{told}");
        assert!(told.trim_end().ends_with("error: 18 rows can't be imported, so nothing was imported"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert_eq!(users(&place), 1);
    assert_eq!(count_events(&place, "users_imported"), 0);
}

#[test]
fn the_bad_rows_of_a_csv_file_are_named_by_the_line_on_which_they_begin() {
    let place = Place::new();
    place.write("users.csv", "username,email\nada,\"a\n@example.com\"\ngrace\neve,,\nbob,bob@\n");
    let told = place.run(&["user", "import", "users.csv"]).stderr;
    for problem in [
        "line 2: email must not contain control characters",
        "line 4: has 1 cells; the first line has 2",
        "line 5: has 3 cells",
        "line 6: email must be an email address",
    ] {
        assert!(told.contains(problem), "{problem}: {told}");
    }
}

#[test]
fn a_file_that_is_no_list_of_accounts_is_refused_in_one_line() {
    let place = Place::new();
    place.add_user(&["root"]);
    let _pipe = UnixListener::bind(place.path("socket")).expect("a socket");
    fs::write(place.path("utf16.csv"), b"\xff\xfeu\0s\0").expect("it is written");
    for (name, text) in [
        ("empty.csv", ""),
        ("array.json", "[{\"username\": \"ada\"}]"),
        ("unknown.csv", "username,emial\nada,a@b\n"),
        ("semicolons.csv", "username;email\nada;a@b\n"),
        ("twice.csv", "username,username\nada,ada\n"),
    ] {
        place.write(name, text);
    }
    place.write("long.jsonl", &format!("{{\"username\": \"{}\"}}\n", "x".repeat(70_000)));
    for (file, problem) in [
        ("absent.csv", "can't import absent.csv: No such file"),
        ("data", "it is not a file"),
        ("socket", "can't import socket: "),
        ("/dev/null", "it is not a file; a file is read twice"),
        ("data/vestibule.db", "it is the database"),
        ("utf16.csv", "it is UTF-16; save it as UTF-8"),
        ("empty.csv", "it is empty"),
        ("array.json", "it is a JSON array; write one object on each line"),
        ("unknown.csv", "line 1: \"emial\" is no field; there are id, username, email"),
        ("semicolons.csv", "the names are separated by commas"),
        ("twice.csv", "line 1: \"username\" appears twice"),
        ("long.jsonl", "line 1 has more than 65536 bytes"),
    ] {
        let told = place.run(&["user", "import", file]).failed();
        assert!(told.contains(problem) && told.lines().count() == 1, "{file}: {told}");
    }
    assert_eq!(users(&place), 1);
}

#[test]
fn a_dry_run_changes_nothing_and_needs_no_database() {
    let place = Place::new();
    place.write("users.csv", "username,password_hash\nada,\ngrace,!unusable\n");
    let printed = place.succeed(&["user", "import", "--dry-run", "users.csv"]);
    assert!(printed.starts_with("would import 2 users\nwithout a password: 2;"), "{printed}");
    assert!(!place.path("data").exists());
    place.succeed(&["user", "import", "users.csv"]);
    assert_eq!(users(&place), 2);
}

#[test]
fn an_import_again_names_every_row_or_leaves_them_out() {
    let place = Place::new();
    place.write("users.jsonl", &many(300));
    place.succeed(&["user", "import", "users.jsonl"]);
    let told = place.run(&["user", "import", "users.jsonl"]).stderr;
    for line in 1..=300 {
        assert!(told.contains(&format!("line {line}: username is taken by an account")), "{line}: {told}");
    }
    place.write("more.jsonl", &(many(300) + "{\"username\":\"new\"}\n"));
    let printed = place.succeed(&["user", "import", "more.jsonl", "--on-conflict", "skip"]);
    assert!(printed.starts_with("imported 1 user\nleft out 300, whose id"), "{printed}");
    assert_eq!(users(&place), 301);
    let printed = place.succeed(&["user", "import", "more.jsonl", "--on-conflict", "skip"]);
    assert!(printed.starts_with("imported 0 users\nleft out 301"), "{printed}");
    assert_eq!(count_events(&place, "users_imported"), 2);
}

#[test]
fn what_an_import_grants_is_listed() {
    let place = Place::new();
    place.succeed(&["user", "add", "root", "--generate"]);
    place.succeed(&["role", "set", "member"]);
    let lines = (0..130).fold(String::new(), |lines, number| {
        let roles = if number == 7 { json!(["member", "admin"]) } else { json!(["member"]) };
        lines + &json!({"username": format!("user{number}"), "roles": roles}).to_string() + "\n"
    });
    place.write("users.jsonl", &lines);
    let granted = |printed: &str, what: &str| {
        let line = printed.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("{what}: {printed}"));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let tried = place.succeed(&["user", "import", "users.jsonl", "--allow-roles", "--dry-run"]);
    assert!(tried.contains("WOULD GRANT"), "{tried}");
    let printed = place.succeed(&["user", "import", "users.jsonl", "--allow-roles"]);
    assert_eq!(granted(&printed, "role admin"), "role admin 1 user7");
    assert!(granted(&printed, "role member").starts_with("role member 130 user0, user1, user2, "));
    assert!(granted(&printed, "role member").ends_with("user99 and 30 more"));
    assert_eq!(count_events(&place, "user_added"), 131);

    place.write("unknown.jsonl", "{\"username\":\"eve\",\"roles\":[\"nobody\"]}\n");
    let told = place.run(&["user", "import", "unknown.jsonl", "--allow-roles"]).stderr;
    assert!(told.contains("line 1: roles has \"nobody\", which does not exist"), "{told}");
}

#[test]
fn an_export_is_imported_elsewhere_as_it_was() {
    let place = Place::new();
    place.add_user(&[
        "ada", "--email", "ada@example.com", "--role", "admin", "--permission", "docs:read", "--claim", "a=\"b,\\\"c\"",
    ]);
    place.add_user(&["grace@example.com", "--email-verified"]);
    place.add_user(&["eve"]);
    place.succeed(&["user", "disable", "eve"]);
    for format in ["csv", "jsonl"] {
        let other = Place::new();
        let exported = place.run(&["user", "export", "--with-hashes", "--format", format]);
        assert!(exported.stderr.contains("has the hashes of passwords"), "{}", exported.stderr);
        other.write("users", &exported.stdout);
        other.succeed(&["user", "import", "users", "--allow-roles"]);
        assert_eq!(other.json(&["user", "list"]), place.json(&["user", "list"]), "{format}");
        assert_eq!(other.run(&["user", "export", "--with-hashes", "--format", format]).stdout, exported.stdout);
        let server = other.start(&["serve"]);
        server.token("ada", PASSWORD);
        server.token("grace@example.com", PASSWORD);
        assert_eq!(server.login("eve", PASSWORD).0, 403);
    }
    let without = place.succeed(&["user", "export"]);
    assert!(!without.contains("hash") && !without.contains("$argon2"), "{without}");
    let lines = without.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let ada = lines.into_iter().find(|line| line["username"] == "ada").expect("the line of ada");
    // Without the permissions of the role.
    assert_eq!(ada["permissions"], json!(["docs:read"]));
    let empty = place.succeed(&["user", "export", "--format", "csv"]);
    assert!(empty.starts_with("id,username,email,email_verified,password_hash,disabled,"), "{empty}");
}

#[test]
fn an_import_that_is_killed_leaves_nothing_or_everything() {
    let place = Place::new();
    place.add_user(&["root"]);
    place.write("users.jsonl", &many(5000));
    let began = Instant::now();
    place.succeed(&["user", "import", "users.jsonl", "--dry-run"]);
    let checking = began.elapsed();
    let mut nothing = 0;
    for round in 0..12 {
        place.kill_after(&["user", "import", "users.jsonl"], checking + Duration::from_millis(round * 25));
        match users(&place) {
            1 => nothing += 1,
            5001 => break,
            other => panic!("{other} users"),
        }
    }
    assert!(nothing > 0, "no import was killed before its end");
}

#[test]
fn a_running_server_goes_on_and_knows_the_imported_users_at_once() {
    let place = Place::new().set("VESTIBULE_LOGIN_RATE_PER_IP", "0");
    place.add_user(&["root"]);
    let server = place.start(&["serve"]);
    let rows = (0..5000).fold(String::new(), |lines, number| {
        lines + &json!({"username": format!("user{number}"), "password_hash": HASH}).to_string() + "\n"
    });
    place.write("users.jsonl", &rows);
    std::thread::scope(|scope| {
        let import = scope.spawn(|| place.succeed(&["user", "import", "users.jsonl"]));
        while !import.is_finished() {
            assert_eq!(server.login("root", PASSWORD).0, 200);
        }
        import.join().expect("it is imported");
    });
    server.token("user4999", PASSWORD);
}
