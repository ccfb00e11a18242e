//! Tests of the values that each key allows and refuses.

use super::{config, dev, problem, serve};
use crate::{
    config::{Blacklist, CorsOrigins, Database, LogFormat, SameSite},
    domain::jwt::Algorithm,
};

/// Asserts that each of `values` is refused for `key`, with exactly one problem that contains the key and the origin.
fn refused(key: &str, values: &[&str]) {
    for value in values {
        let problem = problem(&serve().set(key, *value));
        assert!(problem.starts_with(&format!("{key} = ")), "{problem}");
        assert!(problem.contains("(set by the program): "), "{problem}");
    }
}

#[test]
fn without_any_source_every_setting_has_its_default() {
    let config = config(&serve());
    assert_eq!(config.storage.data_dir.to_str(), Some("./data"));
    assert_eq!(config.storage.database, Database::File("./data/vestibule.db".into()));
    assert_eq!(config.keys.algorithm, Algorithm::Es256);
    assert_eq!(config.web.public_url.as_str(), "http://localhost:8000");
    assert_eq!(config.web.base_path, "/auth");
    assert_eq!(config.tokens.issuer, "http://localhost:8000");
    assert_eq!(config.tokens.access_token_lifetime.seconds(), 900);
    assert_eq!(config.sessions.refresh_token_lifetime.seconds(), 7 * 86_400);
    assert_eq!(config.sessions.blacklist, Blacklist::Both);
    assert_eq!(
        config.clients.get("default").map(|client| client.audience.default_audience()),
        Some("http://localhost:8000")
    );
    assert_eq!(&*config.cookies.access_name, "__Host-access_token");
    assert_eq!(&*config.cookies.refresh_name, "__Secure-refresh_token");
    assert_eq!(&*config.cookies.csrf_name, "__Host-csrf_token");
    assert_eq!(config.web.cors, CorsOrigins::None);
    assert_eq!(config.limits.login_rate_per_ip.map(|rate| rate.count.get()), Some(30));
    assert!(!config.passwords.registration_open && config.passwords.hash_concurrency > 0);
}

#[test]
fn dev_has_open_registration_plain_cookies_and_its_own_database() {
    let config = config(&dev());
    assert_eq!(config.storage.database, Database::File("./data-dev/vestibule.db".into()));
    assert!(config.passwords.registration_open && !config.cookies.secure);
    assert_eq!(config.passwords.min_length, 8);
    assert_eq!(&*config.cookies.access_name, "access_token");
    assert_eq!(&*config.cookies.refresh_name, "refresh_token");
    assert_eq!(&*config.cookies.csrf_name, "csrf_token");
    assert_eq!(config.web.cors, CorsOrigins::AnyLocalhost);
}

#[test]
fn lifetimes_are_spans_or_seconds() {
    for (text, seconds) in [("30s", 30), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("90", 90)] {
        let config = config(&serve().set("audit_retention", text));
        assert_eq!(config.limits.audit_retention.seconds(), seconds);
    }
    assert_eq!(config(&serve().set("audit_retention", 90)).limits.audit_retention.seconds(), 90);
    refused("audit_retention", &["0", "0s", "-1", "+1", "1.5h", "1 h", "m", "", "1w", "15m15s", "3651d", "é", "٣s"]);
    refused("audit_retention", &["99999999999999999999d", "9223372036854775807d"]);
}

#[test]
fn leeway_and_grace_are_from_zero_to_ten_minutes() {
    for key in ["leeway", "refresh_reuse_grace"] {
        config(&serve().set(key, "0s"));
        config(&serve().set(key, 600));
        refused(key, &["601s", "11m", "-1s"]);
    }
}

#[test]
fn a_word_that_is_not_in_the_list_is_refused_with_the_list() {
    assert_eq!(
        problem(&serve().set("algorithm", "none")),
        r#"algorithm = "none" (set by the program): must be one of ES256, ES384, EdDSA, RS256, RS384, RS512, PS256, PS384, PS512, HS256, HS384, HS512"#
    );
    refused("blacklist_strategy", &["both", ""]);
    refused("device_limit_policy", &["evict"]);
    refused("fingerprint_policy", &["on"]);
    refused("username_field", &["name"]);
    refused("registration", &["true"]);
    refused("cookie_samesite", &["Lax!"]);
    refused("log_format", &["yaml"]);
    refused(
        "metrics_address",
        &["", "9464", "localhost:9464", "127.0.0.1", "::1:9464", "127.0.0.1:65536", "unix:", ":1"],
    );
    assert_eq!(config(&serve().set("log_format", "json")).web.log_format, LogFormat::Json);
    assert_eq!(config(&serve().set("cookie_samesite", "strict")).cookies.samesite, SameSite::Strict);
}

#[test]
fn numbers_have_bounds() {
    refused("argon2_memory_kib", &["19455", "1048577", "-1", "x"]);
    refused("argon2_iterations", &["1", "101"]);
    refused("argon2_parallelism", &["0", "65"]);
    refused("password_min_length", &["7", "65"]);
    refused("hash_concurrency", &["0", "1025"]);
    refused("max_devices_per_user", &["-1", "10001"]);
    refused("fingerprint_match", &["1.01", "NaN", "inf"]);
    refused("fingerprint_drift", &["-0.1", "0"]);
    refused("port", &["65536", "-1", "http"]);
    assert_eq!(config(&serve().set("port", 0)).web.port, 0);
    assert_eq!(config(&serve().set("hash_queue", 0)).passwords.hash_queue, 0);
}

#[test]
fn dev_permits_cheap_password_hashes() {
    let sources = dev().set("argon2_memory_kib", 8).set("argon2_iterations", 1);
    assert_eq!(config(&sources).passwords.argon2_memory_kib, 8);
    assert!(problem(&sources.set("argon2_parallelism", 2)).contains("at least 8 for each"));
}

#[test]
fn rates_are_a_number_and_a_period_or_zero() {
    let rate = |value: &str| config(&serve().set("login_rate_per_ip", value)).limits.login_rate_per_ip;
    assert_eq!(rate("5/30s").map(|rate| (rate.count.get(), rate.per.seconds())), Some((5, 30)));
    assert_eq!(rate("0"), None);
    assert_eq!(config(&serve().set("login_rate_per_ip", 0)).limits.login_rate_per_ip, None);
    refused("login_rate_per_ip", &["30", "0/1m", "5/", "/1m", "5/m", "5/0s", "1000001/1m", "5/25h", "off"]);
}

#[test]
fn a_list_of_words_with_another_word_is_refused() {
    let claims = config(&serve().set("token_claims", "username, email")).tokens.claims;
    assert!(claims.username && claims.email);
    let claims = config(&serve().set("token_claims", Vec::<String>::new())).tokens.claims;
    assert!(!claims.username && !claims.email);
    refused("token_claims", &["roles", "username,,email"]);
    let location = config(&serve().set("token_location", "headers")).tokens.location;
    assert!(location.headers && !location.cookies);
    refused("token_location", &["", "query", "headers,query"]);
}

#[test]
fn the_public_url_is_kept_without_a_slash_at_its_end() {
    let url = |value: &str| config(&serve().set("public_url", value)).web.public_url.as_str().to_owned();
    assert_eq!(url("https://auth.example.com/"), "https://auth.example.com");
    assert_eq!(url("HTTPS://Auth.Example.com:443/sso/"), "https://auth.example.com/sso");
    assert_eq!(url("http://[::1]:8080"), "http://[::1]:8080");
    refused("public_url", &["auth.example.com", "ftp://a.example", "https://", "https://a b", "https://a:0"]);
    refused("public_url", &["https://a.example?x", "https://a.example/#x", "https://a..example", "https://[::1"]);
    refused(
        "public_url",
        &["https://a.example:99999", "https://a.example//x", "https://a.example/../x", "https://1.2.3"],
    );
}

#[test]
fn a_password_in_a_url_is_refused_and_not_repeated() {
    for key in ["public_url", "cors_allowed_origins", "database_url"] {
        let problem = problem(&serve().set(key, "postgres://me:hunter2@db.example"));
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn the_base_path_has_plain_segments() {
    let path = |value: &str| config(&serve().set("base_path", value)).web.base_path;
    assert_eq!([path("/"), path(""), path("/a/b-c")], ["", "", "/a/b-c"]);
    refused("base_path", &["auth", "/auth/", "//", "/a//b", "/../a", "/a?b", "/<id>", "/a b", "/.well-known"]);
}

#[test]
fn proxies_are_addresses_and_networks() {
    let sources = serve().set("trusted_proxies", "10.0.0.1/8, ::1");
    let shown: Vec<String> = config(&sources).web.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["10.0.0.0/8", "::1/128"]);
    refused("trusted_proxies", &["proxy.example", "10.0.0.0/33", "10.0.0.1,"]);
}

#[test]
fn origins_have_no_path_and_no_wildcard() {
    let cors = |value: &str| config(&serve().set("cors_allowed_origins", value)).web.cors;
    let listed = CorsOrigins::List(vec!["https://app.example.com".to_owned(), "http://localhost:5173".to_owned()]);
    assert_eq!(cors("https://App.example.com:443,http://localhost:5173"), listed);
    assert_eq!(cors(""), CorsOrigins::None);
    refused("cors_allowed_origins", &["*", "null", "https://a.example/", "https://a.example/x", "a.example"]);
    refused("cors_allowed_origins", &["https://*.example.com", "https://u@a.example", "https://a.example,"]);
    assert!(problem(&serve().set("cors_allowed_origins", "*")).contains("act with the cookies"));
}

#[test]
fn the_database_is_a_file_or_temporary() {
    let database = |value: &str| config(&serve().set("database_url", value)).storage.database;
    assert_eq!(database("sqlite::memory:"), Database::Temporary);
    assert_eq!(database("sqlite:a.db"), Database::File("a.db".into()));
    assert_eq!(database("sqlite:///var/a.db"), Database::File("/var/a.db".into()));
    refused(
        "database_url",
        &["postgres://db", "a.db", "sqlite:", "sqlite:a.db?mode=ro", "sqlite:dir/", "sqlite://:memory:"],
    );
}

#[test]
fn cookie_names_header_names_domain_issuer_and_contact_are_checked() {
    refused("access_cookie_name", &["", "a b", "a;b", "a=b", "é"]);
    refused("csrf_header_name", &["X CSRF", "Content-Type", "authorization", "X:Y"]);
    refused("cookie_domain", &[".example.com", "localhost", "10.0.0.1", "exa mple.com", "a_b.example"]);
    refused("issuer", &["", "a b", "a\nb"]);
    refused("privacy_contact", &["", "two\nlines"]);
}

#[test]
fn the_name_of_the_site_is_the_host_of_the_public_url_unless_it_is_set() {
    let url = || serve().set("public_url", "https://auth.example.com:8443");
    assert_eq!(*config(&url()).web.site_name, *"auth.example.com:8443");
    assert_eq!(*config(&url().set("site_name", " Ada’s notes ")).web.site_name, *"Ada’s notes");
    let long = "x".repeat(61);
    refused("site_name", &["", "two\nlines", "a\u{202e}b", &long]);
}

#[test]
fn the_logo_is_an_image_in_a_file() {
    assert!(config(&serve()).web.logo.is_none());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("logo");
    let with_logo = || serve().set("site_logo", path.display().to_string());
    assert!(problem(&with_logo()).contains("can't be read"), "{}", problem(&with_logo()));
    std::fs::write(&path, "<html>").expect("a file");
    assert!(problem(&with_logo()).contains("SVG, PNG, WebP or JPEG"), "{}", problem(&with_logo()));
    std::fs::write(&path, "<svg xmlns='http://www.w3.org/2000/svg'/>").expect("a file");
    assert_eq!(config(&with_logo()).web.logo.map(|logo| logo.file_name()), Some("logo.svg"));
}

#[test]
fn an_excluded_path_that_can_never_match_is_refused() {
    let globs = |text: &str| -> Vec<String> {
        let exclusions = config(&serve().set("exclude_urls", text)).web.exclude_urls;
        exclusions.0.iter().map(ToString::to_string).collect()
    };
    assert_eq!(globs(""), Vec::<String>::new());
    assert_eq!(
        globs("/, /public/**, /*.css,/a/**/b/, App.Example.com/x,app.example.com:8443/**"),
        ["/", "/public/**", "/*.css", "/a/**/b/", "app.example.com/x", "app.example.com:8443/**"]
    );
    for (entry, wrong) in [
        ("public", "must have a path"),
        ("app.example.com", "must have a path"),
        ("https://app.example.com/x", "must have a port"),
        ("*.example.com/x", "one host"),
        ("a b/x", "one host"),
        ("app.example.com:0/x", "must have a port"),
        ("//x", "empty segment"),
        ("/a//b", "empty segment"),
        ("/a//", "empty segment"),
        ("/a/../b", "dot segments"),
        ("/a/.", "dot segments"),
        ("/a/b**", "whole segment"),
        ("/a/***", "whole segment"),
        ("/a?b", "only * and **"),
        ("/a#b", "only * and **"),
        ("/[ab]", "only * and **"),
        ("/{a}", "only * and **"),
        ("/!a", "only * and **"),
        ("/a%20b", "no %"),
        ("/a\\b", "backslash"),
        ("/a;b", "backslash"),
        ("/a\nb", "control character"),
        ("/,,/a", "must have a path"),
    ] {
        let problem = problem(&serve().set("exclude_urls", entry));
        assert!(problem.starts_with("exclude_urls = ") && problem.contains(wrong), "{entry:?}: {problem}");
    }
    let long = format!("/{}", "a".repeat(512));
    assert!(problem(&serve().set("exclude_urls", long)).contains("at most 512 bytes"));
}
