//! `user import`.

use std::{fmt::Write as _, fs, os::unix::net::UnixListener, process::Command, time::Instant};

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

/// Returns lists that are nested so deep.
fn deep(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
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
        for part in [
            "without a password: grace; print a link for each with `vestibule user invite NAME`",
            "with custom claims, which tokens contain: 1",
            "with a verified address, which applications may rely on: 1",
            "GRANTED",
            "role editor",
            "permission docs:read",
        ] {
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
        (json!({"username": "a@b"}), "line 2: username must not contain @; an address belongs in email"),
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
            "line 8: password_hash costs too much: it has 31 as the cost of bcrypt; the most that is accepted is 15; if",
        ),
        (json!({"username": "z", "roles": ["admin"]}), "line 9: has roles or permissions (admin); add --allow-roles"),
        (json!({"username": "z2", "permissions": "a:b"}), "line 10: has roles or permissions (a:b); add"),
        (json!({"username": "TAKEN"}), "line 11: username is taken by an account"),
        (json!({"email": "Taken@Example.com"}), "line 12: email is taken by an account"),
        (json!({"username": "v", "email_verified": true}), "line 13: email_verified needs an email"),
        (json!({"username": "c", "claims": {"sub": "1"}}), "line 14: \"sub\" is reserved"),
        (json!({"username": "t", "created_at": "2999-01-01T00:00:00Z"}), "line 15: created_at must be between"),
        (
            json!({"username": "n", "emial": "n@example.com"}),
            "line 16: \"emial\" is no field; the fields are id, username",
        ),
        (json!([1]), "line 17: is not a JSON object"),
        (json!({"username": "b", "disabled": "maybe"}), "line 18: disabled must be true or false"),
        (json!({"username": "d", "\u{1b}[2J\nline 9: forged": 1}), "line 19: a name is no field"),
        (json!({"username": "e", "Username": "e2"}), "line 20: username appears twice"),
        (json!({"username": "f", "claims": {"a": deep(33)}}), "line 21: \"a\" is nested more than 32 deep"),
        (json!({"username": "g".repeat(70_000)}), "line 22: has more than 65536 bytes"),
    ];
    let mut lines: String = rows.iter().fold(String::new(), |lines, (row, _)| lines + &row.to_string() + "\n");
    lines += "{\"username\": hunter2}\n{\"username\": \"h\", \"username\": \"i\"}\n";
    place.write("users.jsonl", &lines);
    for arguments in [&["user", "import", "users.jsonl"][..], &["user", "import", "--dry-run", "users.jsonl"]] {
        let done = place.run(arguments);
        let told = done.stderr.clone();
        assert_eq!(done.code, Some(1), "{told}");
        for (_, problem) in &rows {
            assert!(told.contains(problem), "{problem:?} is not in {told}");
        }
        assert!(told.contains("line 23: is not JSON (column 14); each line must be one whole object"), "{told}");
        assert!(
            told.trim_end().ends_with(
                "error: 23 rows have problems, so nothing was imported; correct the file and run the command again"
            ),
            "{told}"
        );
        assert!(told.contains("line 24: has a name twice in one object"), "{told}");
        assert!(!told.contains("hunter2") && !told.contains('\u{1b}') && !told.contains("\nline 9: forged"), "{told}");
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
        "line 4: has 1 cell, but there are 2 names of fields",
        "line 5: has 3 cells, but",
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
    fs::write(place.path("latin1.csv"), b"username,n\xe4me\n").expect("it is written");
    for (name, text) in [
        ("empty.csv", ""),
        ("array.json", "[{\"username\": \"ada\"}]"),
        ("unknown.csv", "username,emial\nada,a@b\n"),
        ("semicolons.csv", "username;email\nada;a@b\n"),
        ("trailing.csv", "username,\nada,\n"),
        ("zeros.csv", "u\0s\0e\0r\0"),
        ("mac.csv", "username,email\rada,a@b.c\r"),
        ("blank.csv", " \n\r\n"),
        ("twice.csv", "username,username\nada,ada\n"),
    ] {
        place.write(name, text);
    }
    // A file without names has a hash in their place, which is not shown.
    place.write("headless.csv", &format!("{HASH},ada\n{HASH},grace\n"));
    place.write("quote.csv", &format!("username\nada\n\"bob\n{}", "x\n".repeat(100_000)));
    let made = Command::new("mkfifo").arg(place.path("pipe")).status().expect("mkfifo runs");
    assert!(made.success());
    for (file, problem) in [
        ("absent.csv", "No such file"),
        ("data", "it is not a file"),
        ("socket", ": "),
        ("/dev/null", "it is not a file; a file is read twice"),
        ("data/vestibule.db", "it is the database"),
        ("utf16.csv", "it is UTF-16; save it as UTF-8"),
        ("empty.csv", "it is empty"),
        ("array.json", "it is a JSON array; write one object on each line"),
        ("unknown.csv", "line 1: \"emial\" is no field; the fields are id, username, email"),
        ("semicolons.csv", "line 1 has no comma; write a comma between the names and cells, not ';'"),
        ("trailing.csv", "line 1: column 2 has no name"),
        ("latin1.csv", "line 1 is not UTF-8; save the file as UTF-8"),
        ("zeros.csv", "it is no text in UTF-8"),
        ("mac.csv", "its lines end with a carriage return alone; save it with line feeds"),
        ("blank.csv", "it is empty"),
        ("twice.csv", "line 1: \"username\" appears twice"),
        ("headless.csv", "line 1: a name is no field; the fields are id"),
        ("quote.csv", "from line 3 on, no row ends within 65536 bytes; perhaps a quotation mark is not closed"),
        ("pipe", "it is not a file; a file is read twice"),
    ] {
        let told = place.run(&["user", "import", file]).failed();
        assert!(told.contains(problem) && told.starts_with(&format!("error: can't import {file}: ")), "{file}: {told}");
    }
    assert_eq!(users(&place), 1);
}

#[test]
fn a_dry_run_changes_nothing_and_needs_no_database() {
    let place = Place::new();
    place.write("users.csv", "username,password_hash\nada,\ngrace,!unusable\n");
    let tried = place.run(&["user", "import", "--dry-run", "users.csv"]);
    assert!(tried.stdout.starts_with("would import 2 users\nwithout a password: ada, grace;"), "{}", tried.stdout);
    assert!(
        tried.stderr.contains("note: there is no database in ") && tried.stderr.contains("--data-dir"),
        "{}",
        tried.stderr
    );
    assert!(!place.path("data").exists());
    let imported = place.run(&["user", "import", "users.csv"]);
    assert!(imported.stderr.contains("so a new one is created there"), "{}", imported.stderr);
    assert_eq!(users(&place), 2);
}

#[test]
fn an_import_again_names_every_row_or_leaves_them_out() {
    let place = Place::new();
    place.write("users.jsonl", &many(300));
    place.run(&["user", "import", "users.jsonl"]);
    let told = place.run(&["user", "import", "users.jsonl"]).stderr;
    for line in 1..=300 {
        assert!(told.contains(&format!("line {line}: email is taken by an account")), "{line}: {told}");
    }
    place.write("more.jsonl", &(many(300) + "{\"username\":\"new\"}\n"));
    let printed = place.succeed(&["user", "import", "more.jsonl", "--on-conflict", "skip"]);
    assert!(printed.starts_with("imported 1 user\nleft out: 300, because"), "{printed}");
    assert_eq!(users(&place), 301);
    let printed = place.succeed(&["user", "import", "more.jsonl", "--on-conflict", "skip"]);
    assert!(printed.starts_with("imported 0 users\nleft out: 301"), "{printed}");
    assert_eq!(count_events(&place, "users_imported"), 2);
}

#[test]
fn a_row_that_is_left_out_is_named_if_its_account_may_be_that_of_somebody_else() {
    let place = Place::new();
    place.add_user(&["ada", "--email", "ada@example.com"]);
    place.add_user(&["bob", "--email", "bob@example.com"]);
    place.add_user(&["eve", "--email", "eve@example.com"]);
    place.add_user(&["grace"]);
    place.add_user(&["root"]);
    let rows = [
        json!({"username": "Ada", "email": "ADA@example.com"}),
        json!({"username": "bob"}),
        json!({"email": "eve@example.com", "username": "adele"}),
        json!({"username": "grace", "email": "ada2@example.com"}),
        json!({"username": "root", "id": "0b0a5b3e-6f0a-4a5c-9d68-0d5c7a1f2e33"}),
    ];
    place.write("users.jsonl", &rows.map(|row| row.to_string()).join("\n"));
    let done = place.run(&["user", "import", "users.jsonl", "--on-conflict", "skip"]);
    assert!(done.stdout.starts_with("imported 0 users\nleft out: 5, because"), "{}", done.stdout);
    assert_eq!(
        done.stderr,
        "line 3: left out; the account that has its email differs in another field\n\
         line 4: left out; the account that has its username differs in another field\n\
         line 5: left out; the account that has its username differs in another field\n"
    );
}

#[test]
fn the_line_of_a_row_is_right_with_every_line_end_and_after_empty_lines() {
    let place = Place::new();
    place.add_user(&["root"]);
    for end in ["\n", "\r\n"] {
        for last in ["", end] {
            for mark in ["", "\u{feff}"] {
                let text =
                    format!("{mark}username,email{end}{end}ok,\"a{end}b\"{end}{end} {end}bad@,{end}x{end}last@,{last}");
                place.write("users.csv", &text);
                let told = place.run(&["user", "import", "users.csv"]).stderr;
                for line in ["line 3: email", "line 7: username", "line 8: has 1 cell", "line 9: username"] {
                    assert!(told.contains(line), "{line} with {end:?} {last:?} {mark:?}: {told}");
                }
            }
        }
    }
}

#[test]
fn the_id_of_a_deleted_user_is_not_imported_while_their_tokens_are_remembered() {
    let place = Place::new();
    place.add_user(&["root"]);
    let row = json!({"id": "0b0a5b3e-6f0a-4a5c-9d68-0d5c7a1f2e33", "username": "ada", "password_hash": HASH});
    place.write("users.jsonl", &row.to_string());
    place.succeed(&["user", "import", "users.jsonl"]);
    let server = place.start(&["serve"]);
    let token = server.token("ada", PASSWORD);
    place.succeed(&["user", "delete", "ada", "--yes"]);
    let told = place.run(&["user", "import", "users.jsonl"]).stderr;
    assert!(
        told.contains("line 1: id is that of a user who was deleted here; remove the row or its id, or import"),
        "{told}"
    );
    place.write("users.jsonl", &json!({"username": "ada", "password_hash": HASH}).to_string());
    place.succeed(&["user", "import", "users.jsonl"]);
    server.me(&server.token("ada", PASSWORD)).expect("the new account");
    server.expect_revoked(&token);
}

#[test]
fn a_quotation_mark_that_is_not_closed_is_in_the_line_of_its_row() {
    let place = Place::new();
    place.add_user(&["root"]);
    for end in ["", "\n"] {
        place.write("users.csv", &format!("username,email\nok,\n\"bob,b@x.org{end}"));
        let told = place.run(&["user", "import", "users.csv"]).stderr;
        assert!(
            told.contains("line 3: has 1 cell, but there are 2 names of fields; perhaps a quotation mark"),
            "{told}"
        );
    }
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
fn an_import_that_is_killed_leaves_nothing_or_everything() {
    let place = Place::new();
    place.add_user(&["root"]);
    place.write("users.jsonl", &many(5000));
    let began = Instant::now();
    place.succeed(&["user", "import", "users.jsonl", "--dry-run"]);
    let checking = began.elapsed();
    let mut nothing = 0;
    // The first rounds end during the check of the rows, the later ones during their insertion or after it.
    for round in 1..=16 {
        place.kill_after(&["user", "import", "users.jsonl"], checking * round / 6);
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
