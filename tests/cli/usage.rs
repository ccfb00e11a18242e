//! Help, wrong usage, the configuration, and output that needs no server.

use serde_json::{Value, json};

use crate::{database::WriteLock, support::Place};

#[test]
fn without_a_subcommand_it_prints_the_help() {
    let place = Place::new();
    for (arguments, expected) in [
        (vec![], "Usage: vestibule [OPTIONS] <COMMAND>"),
        (vec!["user"], "Usage: vestibule user [OPTIONS] <COMMAND>"),
        (vec!["session"], "Usage: vestibule session [OPTIONS] <COMMAND>"),
        (vec!["config"], "Usage: vestibule config [OPTIONS] <COMMAND>"),
    ] {
        let help = place.succeed(&arguments);
        assert!(help.contains(expected) && help.contains("Example"), "{arguments:?}: {help}");
    }
    assert!(!place.path("data").exists());
}

#[test]
fn every_level_has_help_and_the_program_has_a_version() {
    let place = Place::new();
    for arguments in
        [vec!["--help"], vec!["serve", "--help"], vec!["user", "add", "--help"], vec!["help", "session", "list"]]
    {
        let help = place.succeed(&arguments);
        assert!(help.contains("Usage: vestibule") && help.contains("Example") && help.contains("--data-dir"), "{help}");
    }
    for option in ["--version", "-V"] {
        let version = place.succeed(&[option]);
        let lines: Vec<&str> = version.lines().collect();
        assert_eq!(lines[0], format!("vestibule {}", env!("CARGO_PKG_VERSION")), "{version}");
        let parts: Vec<_> =
            lines[1..].iter().map(|line| line.split_once(' ').expect("a part and its version")).collect();
        assert_eq!(
            parts.iter().map(|(part, _)| *part).collect::<Vec<_>>(),
            ["commit", "SQLite", "Rocket", "rustls", "AWS-LC"]
        );
        // The build script knows the commit in release builds only.
        assert_eq!(parts[0].1, "unknown", "{version}");
        for (part, version) in &parts[1..] {
            assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{part} {version}");
        }
    }
}

#[test]
fn wrong_usage_exits_with_code_2_and_names_the_mistake() {
    let place = Place::new();
    for (arguments, expected) in [
        (vec!["frobnicate"], "unrecognized subcommand 'frobnicate'"),
        (vec!["serve", "--port", "70000"], "invalid value '70000' for '--port <PORT>'"),
        (vec!["user", "add"], "<NAME>"),
        (vec!["user", "add", "ada", "--email", "nowhere"], "must be an email address, such as ada@example.com"),
        (vec!["user", "add", "ada", "--role", "a b"], "must be 1 to 64 visible ASCII characters"),
        (vec!["user", "add", "ada", "--permission", "openid"], "is reserved by OpenID Connect"),
        (vec!["user", "add", "ada", "--claim", "tenant=acme"], "the text after tenant= is not JSON"),
        (vec!["user", "add", "ada", "--claim", "tenant"], "must be KEY=JSON"),
        (vec!["user", "add", "ada", "--generate", "--password-stdin"], "cannot be used with"),
        (vec!["user", "set", "ada"], "required"),
        (vec!["session", "revoke"], "required"),
        (vec!["session", "revoke", "nonsense"], "not the id of a session"),
        (vec!["session", "revoke", "--all", "--user", "ada"], "cannot be used with"),
    ] {
        let done = place.run(&arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(done.stderr.lines().any(|line| line.contains(expected)), "{arguments:?}: {}", done.stderr);
    }
    assert!(!place.path("data").exists());
}

#[test]
fn a_data_dir_that_is_not_utf_8_is_wrong_usage() {
    let script = r#"exec "$0" "$@" --data-dir "$(printf '\377')""#;
    let done = Place::new().run_under("sh", &["-c", script], &["config", "check"]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("--data-dir") && done.stderr.contains("must be UTF-8"), "{}", done.stderr);
}

#[test]
fn all_problems_of_the_configuration_are_reported_at_once() {
    let place = Place::new().set("VESTIBULE_PROT", "1").set("VESTIBULE_ACCESS_TOKEN_LIFETIME", "soon");
    place.write("Rocket.toml", "[default.auth]\npassword_min_length = 3\nroot_secret = \"much-too-short\"\n");
    for arguments in [vec!["serve"], vec!["config", "check"], vec!["config", "show"], vec!["user", "list"]] {
        let done = place.run(&arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(78), ""), "{arguments:?}");
        let lines: Vec<&str> = done.stderr.lines().collect();
        assert_eq!(lines.len(), 4, "{arguments:?}: {}", done.stderr);
        for subject in ["prot (VESTIBULE_PROT)", "access_token_lifetime", "password_min_length", "root_secret"] {
            let start = format!("configuration: {subject}");
            assert!(lines.iter().any(|line| line.starts_with(&start)), "{subject}: {}", done.stderr);
        }
        assert!(!done.stderr.contains("much-too-short"));
    }
    assert!(!place.path("data").exists());
}

#[test]
fn a_certificate_that_can_not_be_used_stops_the_start() {
    let place = Place::new().set("VESTIBULE_TLS_CERTS", "cert.pem").set("VESTIBULE_TLS_KEY", "key.pem");
    let told = place.run(&["serve", "--port", "0"]).failed();
    assert!(told.starts_with("error: TLS: cert.pem: "), "{told}");
    place.write("cert.pem", "x");
    let told = place.run(&["serve", "--port", "0"]).failed();
    assert!(told.contains("cert.pem: has no certificate"), "{told}");
}

#[test]
fn settings_in_the_wrong_table_prevent_the_start() {
    let place = Place::new();
    place.write("Rocket.toml", "[default]\nissuer = \"x\"\nworkers = 2\n[default.auht]\nport = 1\n");
    let done = place.run(&["serve"]);
    assert_eq!(done.code, Some(78));
    assert_eq!(
        done.stderr.lines().collect::<Vec<_>>(),
        [
            "configuration: [default.auht] (Rocket.toml): unknown table; did you mean auth?",
            "configuration: issuer (Rocket.toml): is not read in [default]; move it under [default.auth]",
        ]
    );
}

#[test]
fn an_unusable_database_is_reported_with_advice() {
    let place = Place::new();
    place.write("notes.txt", "not a directory\n");
    for arguments in [&["user", "list"][..], &["serve", "--port", "0"]] {
        let failure = place.run(&[arguments, &["--data-dir", "notes.txt"]].concat()).failed();
        assert!(failure.starts_with("error: can't make the directory notes.txt: "), "{failure}");
        assert!(
            failure.ends_with("a file exists where a directory is required; choose another --data-dir"),
            "{failure}"
        );
    }
    place.add_user(&["ada"]);
    place.write("data/vestibule.db", &"none of SQLite's\n".repeat(512));
    for arguments in [&["user", "list"][..], &["serve", "--port", "0"]] {
        assert_eq!(
            place.run(arguments).failed(),
            "error: the database ./data/vestibule.db is damaged, or is not a database (file is not a database); \
             restore a backup, or move the file away, or choose another --data-dir"
        );
    }
}

#[test]
fn a_database_that_stays_locked_is_reported_with_advice() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let lock = WriteLock::take(&place);
    assert_eq!(
        place.run(&["user", "disable", "ada"]).failed(),
        "error: the database ./data/vestibule.db stays locked by another program (database is locked); \
         end the access of that program, such as an open transaction in an SQL shell, then try again"
    );
    // A command that only reads does not need the write lock.
    place.succeed(&["user", "list"]);
    lock.let_go();
    place.succeed(&["user", "disable", "ada"]);
}

#[test]
fn config_shows_every_value_with_its_origin_and_no_secret() {
    let place = Place::new()
        .set("VESTIBULE_SECRET_KEY", "k3Jx9-mQ2w_Zr7Tn5Vb8Yc1Ld4Hf6Gs0")
        .set("VESTIBULE_TRUSTED_PROXIES", "10.0.0.0/8,::1");
    place.write("own.toml", "[default.auth]\nleeway = \"5s\"\n");
    let shown = place.json(&["config", "show", "--config", "own.toml", "--data-dir", "elsewhere"]);
    let entry = |key: &str| {
        let found = shown.as_array().expect("an array").iter().find(|entry| entry["key"] == key);
        let found = found.unwrap_or_else(|| panic!("no {key}"));
        (found["value"].clone(), found["origin"].as_str().expect("an origin").to_owned())
    };
    assert_eq!(entry("secret_key"), (json!("[redacted]"), "VESTIBULE_SECRET_KEY".to_owned()));
    assert_eq!(entry("trusted_proxies"), (json!(["10.0.0.0/8", "::1"]), "VESTIBULE_TRUSTED_PROXIES".to_owned()));
    assert_eq!(entry("leeway").1, "own.toml");
    assert_eq!(entry("data_dir"), (json!("elsewhere"), "--data-dir".to_owned()));
    assert_eq!(entry("registration"), (json!("closed"), "default".to_owned()));

    let table = place.succeed(&["config", "show", "--dev"]);
    let row = |key: &str| table.lines().find(|line| line.starts_with(key)).unwrap_or_default().split_whitespace();
    assert_eq!(row("KEY").collect::<Vec<_>>(), ["KEY", "VALUE", "ORIGIN"]);
    assert_eq!(row("registration").collect::<Vec<_>>(), ["registration", "open", "default"]);
    assert_eq!(
        row("trusted_proxies").collect::<Vec<_>>(),
        ["trusted_proxies", "10.0.0.0/8,::1", "VESTIBULE_TRUSTED_PROXIES"]
    );
    assert!(!table.contains("k3Jx9") && !shown.to_string().contains("k3Jx9"));
}

#[test]
fn config_check_reports_a_valid_configuration() {
    let place = Place::new();
    assert_eq!(place.succeed(&["config", "check"]), "configuration is valid\n");
    assert_eq!(place.succeed(&["config", "check", "--dev"]), "configuration is valid\n");
    assert_eq!(place.json(&["config", "check"]), json!({ "valid": true }));
    assert!(!place.path("data").exists());
}

#[test]
fn config_check_reports_problems_as_json() {
    let place = Place::new()
        .set("VESTIBULE_PROT", "1")
        .set("VESTIBULE_ACCESS_TOKEN_LIFETIME", "soon")
        .set("VESTIBULE_ROOT_SECRET", "much-too-short")
        .set("ROCKET_WORKERS", "many");
    let done = place.run(&["config", "check", "--json"]);
    assert_eq!((done.code, done.stderr.lines().count()), (Some(78), 4), "{}", done.stderr);
    assert!(done.stderr.lines().all(|line| line.starts_with("configuration: ")), "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(told["valid"], false);
    let problem = |key: &str| {
        let problems = told["problems"].as_array().expect("an array");
        problems.iter().find(|problem| problem["key"] == key).unwrap_or_else(|| panic!("{key}: {told}")).clone()
    };
    assert_eq!(
        problem("prot"),
        json!({
            "key": "prot", "value": null, "origin": "VESTIBULE_PROT", "message": "unknown key; did you mean port?",
        })
    );
    let lifetime = problem("access_token_lifetime");
    assert_eq!((&lifetime["value"], &lifetime["origin"]), (&json!("soon"), &json!("VESTIBULE_ACCESS_TOKEN_LIFETIME")));
    assert_eq!(problem("root_secret")["value"], "[redacted]");
    assert_eq!(
        (&problem("workers")["value"], &problem("workers")["origin"]),
        (&json!("many"), &json!("ROCKET_WORKERS"))
    );
    assert!(!done.stdout.contains("much-too-short"));
}

#[test]
fn an_ignored_variable_is_reported() {
    let done = Place::new().set("VESTIBULE_PORT", "tcp://10.0.0.1:80").run(&["config", "check"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "configuration is valid\n"));
    assert!(done.stderr.starts_with("note: ") && done.stderr.contains("VESTIBULE_PORT"), "{}", done.stderr);
}

#[test]
fn the_openapi_document_follows_the_base_path() {
    let place = Place::new().set("VESTIBULE_BASE_PATH", "/sign-in");
    let document: Value = serde_json::from_str(&place.succeed(&["openapi"])).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.contains_key("/sign-in/login") && !paths.contains_key("/auth/login"), "{:?}", paths.keys());
    assert!(!place.path("data").exists());
}

#[test]
fn the_openapi_document_without_configuration_is_the_committed_file() {
    assert_eq!(Place::new().succeed(&["openapi"]), include_str!("../../openapi.json"));
}
