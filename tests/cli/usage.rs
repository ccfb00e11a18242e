//! Help, mistakes on the command line, the configuration, and what is printed without a server.

use serde_json::{Value, json};

use crate::support::Place;

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
fn help_and_version_are_there_on_every_level() {
    let place = Place::new();
    for arguments in
        [vec!["--help"], vec!["serve", "--help"], vec!["user", "add", "--help"], vec!["help", "session", "list"]]
    {
        let help = place.succeed(&arguments);
        assert!(help.contains("Usage: vestibule") && help.contains("Example") && help.contains("--data-dir"), "{help}");
    }
    assert_eq!(place.succeed(&["--version"]), format!("vestibule {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_is_wrong() {
    let place = Place::new();
    for (arguments, expected) in [
        (vec!["frobnicate"], "unrecognized subcommand 'frobnicate'"),
        (vec!["serve", "--port", "70000"], "invalid value '70000' for '--port <PORT>'"),
        (vec!["user", "add"], "<NAME>"),
        (vec!["user", "add", "ada", "--email", "nowhere"], "must be an email address, such as ada@example.com"),
        (vec!["user", "add", "ada", "--role", "a b"], "must be 1 to 64 visible ASCII characters"),
        (vec!["user", "add", "ada", "--permission", "openid"], "is reserved by OpenID Connect"),
        (vec!["user", "add", "ada", "--claim", "tenant=acme"], "what follows tenant= is not JSON"),
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
fn all_problems_of_the_configuration_are_told_at_once() {
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
fn a_bad_setting_of_rockets_own_is_told_too() {
    for value in ["many", "0"] {
        let done = Place::new().set("ROCKET_WORKERS", value).run(&["serve"]);
        assert_eq!(done.code, Some(78), "{}", done.stderr);
        let problem = done.stderr.to_lowercase();
        assert!(problem.starts_with("configuration: ") && problem.contains("workers"), "{problem}");
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
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
fn config_check_says_so_when_all_is_well() {
    let place = Place::new();
    assert_eq!(place.succeed(&["config", "check"]), "configuration is valid\n");
    assert_eq!(place.succeed(&["config", "check", "--dev"]), "configuration is valid\n");
    assert!(!place.path("data").exists());
}

#[test]
fn what_is_ignored_is_noted() {
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
