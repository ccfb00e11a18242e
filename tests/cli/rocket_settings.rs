//! Rocket's own settings, which Rocket reads beside the configuration of this program.

use crate::support::Place;

#[test]
fn invalid_settings_of_rocket_are_reported_with_the_other_problems() {
    for (value, shown) in [("many", "\"many\""), ("0", "0")] {
        let done = Place::new().set("ROCKET_WORKERS", value).run(&["serve"]);
        let problem = format!("configuration: workers = {shown} (ROCKET_WORKERS): must be a whole number above 0\n");
        assert_eq!((done.code, done.stderr), (Some(78), problem));
    }
    let place = Place::new().set("VESTIBULE_PROT", "1").set("ROCKET_WORKERS", "many");
    place.write("Rocket.toml", "[default]\nworkers = 0\nmax_blocking = \"x\"\nkeep_alive = \"x\"\nsidecar = \"x\"\n");
    let done = place.run(&["config", "check"]);
    assert_eq!((done.code, done.stderr.lines().count()), (Some(78), 4), "{}", done.stderr);
    for subject in [
        "prot (VESTIBULE_PROT)",
        "workers = \"many\" (ROCKET_WORKERS)",
        "max_blocking = \"x\" (Rocket.toml)",
        "keep_alive",
    ] {
        assert!(done.stderr.contains(&format!("configuration: {subject}")), "{subject}: {}", done.stderr);
    }
}

#[test]
fn an_invalid_setting_of_rocket_is_told_by_its_name_its_origin_and_what_is_allowed() {
    for (variable, value, problem) in [
        ("ROCKET_LIMITS", "{json=x}", "limits.json = \"x\" (ROCKET_LIMITS): must be a size such as 1MiB"),
        ("ROCKET_KEEP_ALIVE", "x", "keep_alive = \"x\" (ROCKET_KEEP_ALIVE): must be a whole number"),
        ("ROCKET_CLI_COLORS", "maybe", "cli_colors = \"maybe\" (ROCKET_CLI_COLORS): must be true or false"),
        ("ROCKET_SHUTDOWN", "{force=3}", "shutdown.force = 3 (ROCKET_SHUTDOWN): must be a boolean"),
        (
            "ROCKET_SHUTDOWN",
            "{signals=[\"nope\"]}",
            "shutdown.signals.0 (ROCKET_SHUTDOWN): must be one of alrm, chld, hup, int, io, pipe, quit, term, usr1, usr2",
        ),
    ] {
        let done = Place::new().set(variable, value).run(&["config", "check"]);
        assert_eq!((done.code, done.stderr), (Some(78), format!("configuration: {problem}\n")), "{variable}={value}");
    }
}

#[test]
fn a_setting_of_another_kind_than_rocket_wants_is_refused_wherever_rocket_reads_it() {
    let refused = |place: &Place, arguments: &[&str], setting: &str| {
        let done = place.run(arguments);
        assert_eq!(done.code, Some(78), "{setting}, {arguments:?}: {}", done.stderr);
        let key = setting.split([' ', '.']).next().expect("a name");
        assert!(done.stderr.starts_with(&format!("configuration: {key}")), "{setting}: {}", done.stderr);
        assert!(!done.stderr.contains("struct") && !done.stderr.contains("___"), "{setting}: {}", done.stderr);
    };
    // Rocket reads the first four for its runtime, also beside `--config`, and would panic.
    for key in ["workers", "max_blocking", "shutdown", "shutdown.force", "temp_dir", "ident"] {
        for value in ["5.5", "-1", "[]", "[1]", "{ x = 1 }", "1979-05-27"] {
            // Figment reads a date as a table.
            if key == "shutdown" && ["{ x = 1 }", "1979-05-27"].contains(&value) {
                continue;
            }
            let (place, setting) = (Place::new(), format!("{key} = {value}"));
            place.write("Rocket.toml", &format!("[default]\n{setting}\n"));
            refused(&place, &["config", "check"], &setting);
            if !["temp_dir", "ident"].contains(&key) {
                place.write("other.toml", "");
                refused(&place, &["config", "check", "--config", "other.toml"], &setting);
            }
        }
    }
    for (variable, setting) in
        [("ROCKET_SHUTDOWN", "shutdown"), ("ROCKET_WORKERS", "workers"), ("ROCKET_LIMITS", "limits")]
    {
        for value in ["5.5", "-1", "x", "[]", "[1]"] {
            refused(&Place::new().set(variable, value), &["config", "check"], setting);
        }
    }
}

#[test]
fn a_rocket_toml_that_rocket_cant_read_is_refused_however_another_file_is_named() {
    for (options, variable) in
        [(&["--config", "a.toml"][..], None), (&[], Some("the environment")), (&[], Some(".env"))]
    {
        for text in ["x = = \"it-would-be-quoted\"", "\u{feff}\u{feff}x = \"it-would-be-quoted\""] {
            let mut place = Place::new();
            if variable == Some("the environment") {
                place = place.set("VESTIBULE_CONFIG", "a.toml");
            }
            place.write(".env", if variable == Some(".env") { "VESTIBULE_CONFIG=a.toml\n" } else { "" });
            place.write("a.toml", "");
            place.write("Rocket.toml", text);
            let done = place.run(&[&["config", "check"], options].concat());
            assert_eq!(done.code, Some(78), "{variable:?}: {}", done.stderr);
            assert!(done.stderr.starts_with("configuration: Rocket.toml (the working directory"), "{}", done.stderr);
            assert!(!format!("{}{}", done.stdout, done.stderr).contains("it-would-be-quoted"), "{}", done.stderr);
        }
    }
}

#[test]
fn a_file_with_two_byte_order_marks_is_refused_before_rocket_quotes_it() {
    let place = Place::new();
    place.write("Rocket.toml", "\u{feff}\u{feff}[default.auth]\nsecret_key = \"it-would-be-quoted\"\n");
    for arguments in [&["config", "check"][..], &["config", "show"], &["serve"]] {
        let done = place.run(arguments);
        assert_eq!(done.code, Some(78), "{}", done.stderr);
        assert!(done.stderr.contains("begins with two byte order marks"), "{}", done.stderr);
        assert!(!format!("{}{}", done.stdout, done.stderr).contains("it-would-be-quoted"), "{}", done.stderr);
    }
    // One is what some editors write.
    place.write("Rocket.toml", "\u{feff}[default.auth]\nissuer = \"x\"\n");
    assert_eq!(place.run(&["config", "check"]).code, Some(0));
}

#[test]
fn a_setting_of_rocket_without_effect_is_refused_by_name() {
    let place = Place::new();
    place.write(
        "Rocket.toml",
        "[default]\nkeep_alive = 5\n[default.limits]\njson = \"1MiB\"\n[default.shutdown]\nmercy = 5\n\
         [default.tls]\ncerts = \"cert.pem\"\nkey = \"key.pem\"\nprefer_server_cipher_order = true\n",
    );
    let done = place.run(&["config", "check"]);
    assert_eq!((done.code, done.stderr.lines().count()), (Some(78), 4), "{}", done.stderr);
    for subject in ["keep_alive = 5", "limits = a table", "shutdown.mercy = 5", "tls.prefer_server_cipher_order = true"]
    {
        assert!(done.stderr.contains(&format!("configuration: {subject} (")), "{subject}: {}", done.stderr);
    }
}

#[test]
fn a_setting_of_rocket_that_this_program_has_too_counts() {
    let place = Place::new();
    place.write(
        "Rocket.toml",
        "[default]\nkeep_alive = 0\n[default.shutdown]\ngrace = 3\nctrlc = false\n[default.tls]\ncerts = \"cert.pem\"\n\
         key = \"key.pem\"\n",
    );
    let value = |place: &Place, key: &str| {
        let entries = place.json(&["config", "show"]);
        let entries = entries.as_array().expect("a list").clone();
        entries.into_iter().find(|entry| entry["key"] == key).expect(key)["value"].clone()
    };
    assert_eq!(value(&place, "shutdown_grace"), "3s");
    assert_eq!((value(&place, "tls.certs"), value(&place, "tls.key")), ("cert.pem".into(), "key.pem".into()));
    let place = Place::new().set("ROCKET_TLS", "{certs=\"a\",key=\"b\"}").set("VESTIBULE_TLS_KEY", "c");
    assert_eq!((value(&place, "tls.certs"), value(&place, "tls.key")), ("a".into(), "c".into()));
    let place = Place::new().set("VESTIBULE_TLS_KEY", "c");
    let done = place.run(&["config", "check"]);
    assert_eq!(done.stderr, "configuration: tls.certs (default): must be set, since tls.key is set\n");
}

#[test]
fn rocket_toml_is_checked_although_another_file_is_given() {
    let place = Place::new();
    place.write("own.toml", "[default.auth]\n");
    place.write("Rocket.toml", "[default]\nworkers = 0\n");
    let done = place.run(&["config", "check", "--config", "own.toml"]);
    assert!(done.code == Some(78) && done.stderr.lines().count() == 1, "{}", done.stderr);
    assert!(done.stderr.contains("workers = 0") && done.stderr.contains("Rocket.toml"), "{}", done.stderr);

    place.write("Rocket.toml", "[default.auth]\nroot_secret = \"much-too-secret\" x\n");
    let done = place.run(&["config", "check", "--config", "own.toml"]);
    assert!(done.stderr.contains("Rocket.toml") && done.stderr.contains("not TOML"), "{}", done.stderr);
    for arguments in [&["config", "check", "--config", "own.toml"][..], &["config", "check"]] {
        let done = place.run(arguments);
        assert_eq!((done.code, done.stderr.lines().count()), (Some(78), 1), "{}", done.stderr);
        assert!(!done.stderr.contains("much-too-secret"), "{}", done.stderr);
    }
}
