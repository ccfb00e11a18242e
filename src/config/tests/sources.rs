//! Tests of the sources of settings: file, `.env`, environment, flags, program. They test the order of the sources, the origins
//! of values, and the input that is ignored or refused.

use figment::Figment;

use super::{SourceDirectory, dev, loaded, problem, serve};
use crate::{
    config::{Problem, Profile, SCHEMA, load, load_with, schema::Key},
    domain::device::Thresholds,
};

/// Returns an empty working directory for the profile `serve`.
fn sources_dir() -> SourceDirectory {
    SourceDirectory::new(Profile::Serve)
}

/// Returns a value and its origin in the form of [`Place::entry`].
fn pair(value: &str, origin: &str) -> (String, String) {
    (value.to_owned(), origin.to_owned())
}

#[test]
fn a_later_source_replaces_the_value_and_the_origin() {
    let mut sources_dir = sources_dir();
    assert_eq!(sources_dir.entry("port"), pair("8000", "default"));
    sources_dir = sources_dir.file("Rocket.toml", "[default.auth]\nport = 1\n");
    assert_eq!(sources_dir.entry("port"), pair("1", "Rocket.toml"));
    sources_dir =
        sources_dir.file("Rocket.toml", "[default.auth]\nport = 1\n[release.auth]\nport = 2\n[dev.auth]\nport = 9\n");
    assert_eq!(sources_dir.entry("port"), pair("2", "Rocket.toml"));
    sources_dir = sources_dir.file(".env", "OTHER=1\nVESTIBULE_PORT=3\n");
    assert_eq!(sources_dir.entry("port"), pair("3", ".env"));
    sources_dir = sources_dir.variable("VESTIBULE_PORT", "4");
    assert_eq!(sources_dir.entry("port"), pair("4", "VESTIBULE_PORT"));
    sources_dir.sources = sources_dir.sources.set_from("--port", "port", Some(5));
    assert_eq!(sources_dir.entry("port"), pair("5", "--port"));
    sources_dir.sources = sources_dir.sources.clone().set("port", 6);
    assert_eq!(sources_dir.entry("port"), pair("6", "set by the program"));
    assert_eq!(sources_dir.loaded().figment.extract_inner::<u16>("port").unwrap(), 6);
}

#[test]
fn each_profile_reads_its_own_table() {
    let text = "[default.auth]\nissuer = \"a\"\n[release.auth]\nissuer = \"b\"\n[dev.auth]\nissuer = \"c\"\n";
    let issuer = |sources_dir: SourceDirectory| sources_dir.loaded().config.tokens.issuer;
    assert_eq!(issuer(sources_dir().file("Rocket.toml", text)), "b");
    assert_eq!(issuer(SourceDirectory::new(Profile::Dev).file("Rocket.toml", text)), "c");
    let debug = format!("{text}[debug.auth]\nissuer = \"d\"\n");
    assert_eq!(issuer(sources_dir().file("Rocket.toml", &debug).variable("ROCKET_PROFILE", "debug")), "d");
    let text = format!("{text}[global.auth]\nissuer = \"e\"\n");
    assert_eq!(issuer(sources_dir().file("Rocket.toml", text)), "e");
}

#[test]
fn the_file_is_searched_upwards_as_rocket_does() {
    let mut sources_dir = sources_dir().file("Rocket.toml", "[default.auth]\nissuer = \"up\"\n");
    let below = sources_dir.directory.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    sources_dir.sources.directory = Some(below);
    let (value, origin) = sources_dir.entry("issuer");
    assert_eq!(value, "\"up\"");
    assert!(origin.ends_with("/Rocket.toml") && origin.starts_with('/'), "{origin}");
}

#[test]
fn a_named_file_is_read_and_must_exist() {
    let mut sources_dir =
        sources_dir().file("a.toml", "[default.auth]\nissuer = \"a\"\n").file("Rocket.toml", "not toml");
    sources_dir.sources.config_file = Some("a.toml".into());
    assert_eq!(sources_dir.entry("issuer"), pair("\"a\"", "a.toml"));
    sources_dir.sources.config_file = Some("b.toml".into());
    assert!(sources_dir.problem().contains("b.toml (the configuration file): can't be read: "));
    sources_dir.sources.config_file = None;
    sources_dir = sources_dir.variable("ROCKET_CONFIG", "a.toml");
    assert_eq!(sources_dir.entry("issuer"), pair("\"a\"", "a.toml"));
    sources_dir.sources.environment.clear();
    sources_dir = sources_dir.variable("ROCKET_CONFIG", "b.toml");
    assert!(sources_dir.problem().starts_with("b.toml (ROCKET_CONFIG): no such file"));
}

#[test]
fn an_unknown_key_is_reported_with_its_origin_and_a_suggestion() {
    let sources_dir = sources_dir()
        .file(
            "Rocket.toml",
            "[default.auth]\nacess_token_lifetime = \"5m\"\n[default.auth.clients.web]\naudiense = \"x\"\n",
        )
        .file(".env", "VESTIBULE_COOKIE_SECURED=1\n")
        .variable("VESTIBULE_AUTHJWT_SECRET_KEY", "hunter2")
        .variable("VESTIBULE_TLS", "x")
        .variable("VESTIBULED", "not ours");
    assert_eq!(
        sources_dir.problems(),
        [
            "acess_token_lifetime (Rocket.toml): unknown key; did you mean access_token_lifetime?",
            "clients.web.audiense (Rocket.toml): unknown key; did you mean clients.web.audience?",
            "cookie_secured (VESTIBULE_COOKIE_SECURED in .env, line 1): unknown key; did you mean cookie_secure?",
            "authjwt_secret_key (VESTIBULE_AUTHJWT_SECRET_KEY): unknown key; did you mean secret_key?",
            "tls (VESTIBULE_TLS): unknown key",
        ]
    );
}

#[test]
fn variables_that_kubernetes_injects_are_ignored_with_a_note() {
    let injected = [
        ("VESTIBULE_PORT", "tcp://10.0.0.1:8000"),
        ("VESTIBULE_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("VESTIBULE_PORT_8000_TCP_PROTO", "tcp"),
        ("VESTIBULE_PORT_8000_TCP_PORT", "8000"),
        ("VESTIBULE_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("VESTIBULE_PORT_53_UDP", "udp://10.0.0.1:53"),
        ("VESTIBULE_SERVICE_HOST", "10.0.0.1"),
        ("VESTIBULE_SERVICE_PORT", "8000"),
        ("VESTIBULE_SERVICE_PORT_HTTP", "8000"),
        ("VESTIBULE_METRICS_SERVICE_HOST", "10.0.0.1"),
        ("VESTIBULE_METRICS_PORT", "tcp://10.0.0.1:9000"),
    ];
    let sources_dir =
        injected.iter().fold(sources_dir(), |sources_dir, (name, value)| sources_dir.variable(name, value));
    let notes = sources_dir.loaded().config.notes;
    assert_eq!(notes.len(), 1);
    assert!(injected.iter().all(|(name, _)| notes[0].contains(name)), "{notes:?}");
    assert_eq!(sources_dir.entry("port"), pair("8000", "default"));
}

#[test]
fn the_text_of_a_variable_is_read_into_the_type_of_its_key() {
    let sources_dir = sources_dir()
        .variable("VESTIBULE_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1")
        .variable("VESTIBULE_TOKEN_CLAIMS", "")
        .variable("VESTIBULE_ROTATE_REFRESH_TOKENS", "False")
        .variable("VESTIBULE_FINGERPRINT_MATCH", "0.9")
        .variable("VESTIBULE_ISSUER", "12345")
        .variable("VESTIBULE_HASH_QUEUE", "7");
    let config = sources_dir.loaded().config;
    assert_eq!(config.web.trusted_proxies.len(), 2);
    assert!(!config.tokens.claims.username && !config.sessions.rotate);
    let thresholds = Thresholds::new(0.9, 0.4).expect("they are in order");
    assert_eq!((config.devices.thresholds, config.passwords.hash_queue), (thresholds, 7));
    assert_eq!(config.tokens.issuer, "12345");
    assert_eq!(sources_dir.entry("trusted_proxies").0, r#"["10.0.0.0/8","127.0.0.1"]"#);
}

#[test]
fn a_variable_can_not_set_clients() {
    for name in ["VESTIBULE_CLIENTS", "VESTIBULE_CLIENTS_WEB_AUDIENCE"] {
        let problem = sources_dir().variable(name, "{web={}}").problem();
        assert!(problem.ends_with(&format!("({name}): is a table, which only the file can give")), "{problem}");
    }
    let sources_dir =
        sources_dir().file("Rocket.toml", "[default.auth.clients.web]\n[release.auth.clients.app]\naudience = \"x\"\n");
    let clients = sources_dir.loaded().config.clients;
    assert!(["web", "app", "default"].iter().all(|id| clients.get(id).is_some()));
    assert_eq!(sources_dir.entry("clients.app.audience"), pair("\"x\"", "Rocket.toml"));
    assert_eq!(sources_dir.entry("clients.web.access_token_lifetime"), pair("\"15m\"", "default"));
}

#[test]
fn rockets_own_address_and_port_are_used_unless_ours_are_set() {
    let text = "[default]\naddress = \"127.0.0.3\"\nport = 1\nlog_level = \"off\"\n[default.auth]\nissuer = \"x\"\n";
    let sources_dir = sources_dir().file("Rocket.toml", text);
    assert_eq!(sources_dir.entry("address"), pair("\"127.0.0.3\"", "Rocket.toml"));
    let sources_dir = sources_dir.variable("ROCKET_PORT", "2").variable("ROCKET_IDENT", "Me");
    assert_eq!(sources_dir.entry("port"), pair("2", "ROCKET_PORT"));
    let sources_dir = sources_dir.file(".env", "VESTIBULE_PORT=3\n");
    assert_eq!(sources_dir.entry("port"), pair("3", ".env"));

    let figment = sources_dir.loaded().figment;
    assert_eq!(figment.profile(), "release");
    assert_eq!(figment.extract_inner::<u16>("port").unwrap(), 3);
    assert_eq!(figment.extract_inner::<String>("log_level").unwrap(), "off");
    assert_eq!(figment.extract_inner::<String>("ident").unwrap(), "Me");
    assert!(figment.find_value("auth").is_err());
}

#[test]
fn a_syntax_error_is_reported_with_file_and_line() {
    let problem = sources_dir().file("Rocket.toml", "[default.auth]\nport = 1\nport = 2\n").problem();
    assert!(problem.starts_with("line 3 (Rocket.toml): not TOML: duplicate key"), "{problem}");
    let problem = sources_dir().file(".env", "VESTIBULE_PORT=1\nVESTIBULE ISSUER=x\n").problem();
    assert_eq!(problem, "line 2 (.env): is not NAME=value");
}

#[test]
fn a_key_in_the_wrong_table_is_reported() {
    let problem = sources_dir().file("Rocket.toml", "[default]\nissuer = \"x\"\n").problem();
    assert_eq!(problem, "issuer (Rocket.toml): is not read in [default]; move it under [default.auth]");
    let problem = sources_dir().file("Rocket.toml", "[release.clients.web]\n").problem();
    assert_eq!(problem, "clients (Rocket.toml): is not read in [release]; move it under [release.auth]");
    // The table of another profile is not read, so its mistakes are not reported, except that its table `auth` is unused.
    sources_dir().file("Rocket.toml", "[debug]\nissuer = \"x\"\n[debug.auht]\n").loaded();
    assert!(sources_dir().file("Rocket.toml", "[auth]\nissuer = \"x\"\n").problem().contains("write [default.auth]"));
    assert!(sources_dir().file("Rocket.toml", "port = 1\n").problem().contains("outside of a table"));
    assert!(sources_dir().file("Rocket.toml", "[default]\nauth = 1\n").problem().contains("[default.auth]"));
}

#[test]
fn a_table_with_a_name_like_auth_is_reported() {
    for name in ["auht", "ath", "Auth", "authn", "AUTH"] {
        for profile in ["default", "release", "global"] {
            let problem = sources_dir().file("Rocket.toml", format!("[{profile}.{name}]\nissuer = \"x\"\n")).problem();
            assert_eq!(problem, format!("[{profile}.{name}] (Rocket.toml): unknown table; did you mean auth?"));
        }
    }
}

#[test]
fn settings_of_rocket_and_of_the_application_are_accepted_beside_auth() {
    let text = "[default]\naddress = \"127.0.0.1\"\nport = 1\nworkers = 2\nident = \"x\"\nlog_level = \"off\"\n\
                secret_key = \"x\"\npath = \"x\"\ntemplate_dir = \"x\"\n[default.limits]\njson = \"1MiB\"\n[default.tls]\n\
                [default.databases.app]\n[default.oauth.github]\n[default.shutdown]\n[default.mail]\n";
    let loaded = sources_dir().file("Rocket.toml", text).loaded();
    assert_eq!(loaded.config.notes, Vec::<String>::new());
    assert_eq!(loaded.figment.extract_inner::<String>("limits.json").unwrap(), "1MiB");
}

#[test]
fn problems_of_rockets_settings_are_reported_with_the_others() {
    let sources_dir = sources_dir()
        .file("Rocket.toml", "[default]\nworkers = 0\nkeep_alive = \"x\"\n")
        .file(".env", "ROCKET_MAX_BLOCKING=x\n")
        .variable("ROCKET_WORKERS", "x")
        .variable("ROCKET_LIMITS", "{json=x}")
        .variable("ROCKET_LIMITS.FORM", "1")
        .variable("VESTIBULE_PROT", "1");
    let check = |settings: &Figment, _: bool| {
        assert_eq!(settings.extract_inner::<u16>("limits.form").unwrap(), 1);
        let wrong = |key: &str| Problem {
            subject: key.to_owned(),
            value: settings.find_value(key).ok().and_then(|value| value.into_string()),
            origin: settings.find_metadata(key).map(|source| source.name.to_string()),
            message: "must be a whole number".to_owned(),
        };
        ["keep_alive", "limits.json", "max_blocking", "workers"].map(wrong).into()
    };
    let problems = load_with(&sources_dir.sources, check).unwrap_err().to_string();
    assert_eq!(
        problems.lines().collect::<Vec<_>>(),
        [
            "prot (VESTIBULE_PROT): unknown key; did you mean port?",
            "keep_alive = x (Rocket.toml): must be a whole number",
            "limits.json = x (ROCKET_LIMITS): must be a whole number",
            "max_blocking = x (ROCKET_MAX_BLOCKING in .env, line 1): must be a whole number",
            "workers = x (ROCKET_WORKERS): must be a whole number",
        ]
    );
}

#[test]
fn a_value_of_the_wrong_type_is_a_problem() {
    use std::os::unix::ffi::OsStringExt as _;
    let mut sources_dir = sources_dir();
    sources_dir.sources.environment.push(("VESTIBULE_ISSUER".into(), std::ffi::OsString::from_vec(vec![0xff])));
    assert_eq!(sources_dir.problem(), "VESTIBULE_ISSUER (the environment): must be UTF-8");
    assert!(problem(&serve().set("clients", 1)).contains("must be tables"));
    assert!(problem(&serve().set("issuer", 1)).starts_with("issuer = 1 (set by the program): must be a name"));
}

#[test]
fn each_problem_is_one_line() {
    let text = "a\nb\u{1b}[31m".repeat(40);
    let problem = problem(&serve().set("issuer", text.as_str()));
    assert!(!problem.contains('\u{1b}') && problem.len() < 300, "{problem}");
    assert_eq!(load(&dev().set("x\ny", 1)).unwrap_err().to_string().lines().count(), 1);
}

#[test]
fn a_directory_named_dot_env_is_ignored() {
    let sources_dir = sources_dir();
    std::fs::create_dir(sources_dir.directory.path().join(".env")).unwrap();
    sources_dir.loaded();
}

#[test]
fn isolated_sources_load_without_notes() {
    assert!(loaded(&serve()).config.notes.is_empty());
}

#[test]
fn the_variable_vestibule_config_names_the_file_as_the_option_does() {
    let named = || sources_dir().file("a.toml", "[default.auth]\nissuer = \"a\"\n").file("Rocket.toml", "not toml");
    let mut by_variable = named().variable("VESTIBULE_CONFIG", "a.toml").variable("ROCKET_CONFIG", "Rocket.toml");
    assert_eq!(by_variable.entry("issuer"), pair("\"a\"", "a.toml"));
    by_variable.sources.config_file = Some("b.toml".into());
    assert!(by_variable.problem().contains("b.toml"), "--config wins");
    let by_dotenv = named().file(".env", "VESTIBULE_CONFIG=a.toml\n");
    assert_eq!(by_dotenv.entry("issuer"), pair("\"a\"", "a.toml"));
    let missing = sources_dir().variable("VESTIBULE_CONFIG", "b.toml").problem();
    assert_eq!(missing, "b.toml (VESTIBULE_CONFIG): no such file");
    sources_dir().variable("VESTIBULE_CONFIG", "").loaded();
}

#[test]
fn the_system_file_is_read_if_no_rocket_toml_has_our_table() {
    let with = |rocket: Option<&str>, system: &str| {
        let mut sources_dir = sources_dir().file("system.toml", system);
        sources_dir.sources.system_file = Some(sources_dir.directory.path().join("system.toml"));
        match rocket {
            Some(text) => sources_dir.file("Rocket.toml", text),
            None => sources_dir,
        }
    };
    let issuer = |rocket| with(rocket, "[default.auth]\nissuer = \"system\"\n").loaded().config.tokens.issuer;
    assert_eq!(issuer(None), "system");
    assert_eq!(issuer(Some("[default]\nport = 1\n[default.databases.app]\n")), "system");
    assert_eq!(issuer(Some("[default.auth]\nissuer = \"own\"\n")), "own");
    assert_eq!(issuer(Some("[dev.auth]\nissuer = \"dev\"\n")), "http://localhost:8000", "it has a table of ours");
    let broken = with(Some("[default"), "[default.auth]\n").problem();
    assert!(broken.contains("Rocket.toml): not TOML"), "{broken}");
}

/// Returns relative paths for each key whose example or default is a path.
fn relative_paths() -> Vec<(&'static str, &'static str)> {
    let default = |key: &Key| key.default_in(Profile::Serve).and_then(|value| value.as_str().map(str::to_owned));
    let mut paths = vec![("address", "unix:run/socket"), ("metrics_address", "unix:socket")];
    for key in SCHEMA.keys().filter(|key| key.name != "base_path") {
        let written = default(key).unwrap_or_else(|| key.example.to_owned());
        if written.starts_with(['/', '.']) {
            paths.extend([(key.name, "a/file"), (key.name, "./file"), (key.name, "../file")]);
        } else if written.starts_with("sqlite:") {
            paths.extend([(key.name, "sqlite:file"), (key.name, "sqlite://a/file")]);
        }
    }
    paths
}

#[test]
fn a_path_in_the_system_file_is_absolute() {
    let paths = relative_paths();
    for known in ["data_dir", "database_url", "backup_dir", "root_secret_file", "tls.key", "site_logo"] {
        assert!(paths.iter().any(|(key, _)| *key == known), "{known}");
    }
    let refused = |name: &str, text: String| {
        let mut sources_dir = sources_dir().file(name, text);
        sources_dir.sources.system_file = Some(sources_dir.directory.path().join("system.toml"));
        load(&sources_dir.sources)
            .err()
            .is_some_and(|problems| problems.to_string().contains("must be an absolute path"))
    };
    for (key, path) in paths {
        let text = format!("[default.auth]\n{key} = \"{path}\"\n");
        assert!(refused("system.toml", text.clone()), "{key} = {path}");
        assert!(!refused("Rocket.toml", text), "{key} = {path} in Rocket.toml");
    }
    let absolute = "data_dir = \"/var/lib/a\"\ndatabase_url = \"sqlite:///a.db\"\naddress = \"unix:/run/a\"\n";
    assert!(!refused("system.toml", format!("[default.auth]\n{absolute}")));
    assert!(!refused("system.toml", "[default.auth]\ndatabase_url = \"sqlite::memory:\"\n".to_owned()));
}

#[test]
fn the_port_of_a_hosting_platform_counts_where_no_other_port_is_given() {
    let with = |value: &str| {
        let mut sources_dir = sources_dir().variable("PORT", value);
        sources_dir.sources.has_port_of_host = true;
        sources_dir
    };
    assert_eq!(with("9000").entry("port"), pair("9000", "PORT"));
    assert_eq!(with("9000").loaded().config.tokens.issuer, "http://localhost:8000", "the issuer does not follow it");
    assert_eq!(with("9000").variable("VESTIBULE_PORT", "1").entry("port"), pair("1", "VESTIBULE_PORT"));
    assert_eq!(with("9000").variable("ROCKET_PORT", "2").entry("port"), pair("2", "ROCKET_PORT"));
    assert_eq!(with("9000").file("Rocket.toml", "[default]\nport = 3\n").entry("port"), pair("3", "Rocket.toml"));
    let mut free = sources_dir();
    free.sources = free.sources.set_from("--port", "port", Some(0)).with_free_port(4711);
    assert_eq!(free.entry("port"), pair("4711", "chosen at the start"));
    assert_eq!(free.loaded().config.tokens.issuer, "http://localhost:8000", "nor does it follow a free port");
    for ignored in ["", "tcp://10.0.0.1:8000", "http", "-1", " 80", "8e3"] {
        assert_eq!(with(ignored).entry("port"), pair("8000", "default"), "{ignored:?}");
    }
    assert!(with("80000").problem().contains("(PORT): must be a whole number"));
    assert_eq!(sources_dir().variable("PORT", "9000").entry("port"), pair("8000", "default"), "only `serve` reads it");
}

#[test]
fn a_table_of_a_profile_that_is_not_in_use_is_refused() {
    for profile in ["prod", "production", "serve", "debug", "staging"] {
        let problem = sources_dir().file("Rocket.toml", format!("[{profile}.auth]\nport = 1\n")).problem();
        let message = format!("[{profile}.auth] (Rocket.toml): is not in use, since the profile is release; ");
        assert!(problem.starts_with(&message), "{problem}");
        let selected = sources_dir().file("Rocket.toml", format!("[{profile}.auth]\nport = 1\n"));
        assert_eq!(selected.variable("ROCKET_PROFILE", profile).entry("port").0, "1");
    }
    for profile in [Profile::Serve, Profile::Dev] {
        let text = "[default.auth]\n[dev.auth]\n[release.auth]\n[global.auth]\n[debug]\nport = 1\n";
        SourceDirectory::new(profile).file("Rocket.toml", text).loaded();
    }
}
