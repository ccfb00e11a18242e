//! Configurations that people have written by mistake, and what each is told: the name, where it stands, its value, and what is
//! allowed.

use super::SourceDirectory;
use crate::config::{Profile, load};

/// The lines of a table `[default.auth]`, with the parts of the message.
const IN_THE_FILE: &[(&str, &[&str])] = &[
    ("acess_token_lifetime = \"5m\"", &["acess_token_lifetime (Rocket.toml)", "did you mean access_token_lifetime?"]),
    ("public_url = \"auth.example.com\"", &["public_url = \"auth.example.com\"", "https://auth.example.com"]),
    ("public_url = \"https://auth.example.com/?x\"", &["public_url", "no query"]),
    ("public_url = \"https://auth.example.com/auth/\"", &["public_url", "must not end with base_path = \"/auth\""]),
    ("public_url = \"http://auth.example.com\"", &["public_url", "must be https", "cookie_secure = true"]),
    ("address = \"0.0.0.0\"", &["public_url", "must be set, since address = \"0.0.0.0\""]),
    ("address = \"localhost\"", &["address = \"localhost\"", "an IP address such as 127.0.0.1"]),
    ("access_token_lifetime = \"15 minutes\"", &["access_token_lifetime = \"15 minutes\"", "15m"]),
    ("access_token_lifetime = \"8d\"", &["access_token_lifetime", "refresh_token_lifetime"]),
    ("access_token_lifetime = -5", &["access_token_lifetime = -5", "a span such as 30s"]),
    ("registration = \"yes\"", &["registration = \"yes\"", "one of open, closed"]),
    ("registration = true", &["registration = true", "one of open, closed"]),
    ("algorithm = \"hs512\"", &["algorithm = \"hs512\"", "HS512"]),
    ("algorithm = \"none\"", &["algorithm = \"none\"", "one of"]),
    ("port = 80000", &["port = 80000", "a whole number from 0 to 65535"]),
    ("port = \"http\"", &["port = \"http\"", "a whole number"]),
    ("cookie_samesite = \"None\"", &["cookie_samesite = \"None\"", "one of strict, lax, none"]),
    ("cookie_domain = \".example.com\"", &["cookie_domain = \".example.com\"", "no dot before it"]),
    ("cookie_domain = \"co.uk\"", &["cookie_domain = \"co.uk\"", "public suffix"]),
    ("cookie_domain = \"localhost\"", &["cookie_domain = \"localhost\"", "a domain such as example.com"]),
    (
        "cookie_domain = \"example.com\"\npublic_url = \"https://auth.example.org\"",
        &["cookie_domain = \"example.com\"", "must be the host of public_url"],
    ),
    ("access_cookie_name = \"my token\"", &["access_cookie_name = \"my token\"", "letters, digits"]),
    ("cors_allowed_origins = \"https://app.example.com/\"", &["cors_allowed_origins", "no slash at its end"]),
    ("cors_allowed_origins = \"*\"", &["cors_allowed_origins = \"*\"", "any page on the web"]),
    ("cors_allowed_origins = [\"app.example.com\"]", &["cors_allowed_origins", "each must begin with a scheme"]),
    ("cors_allowed_origins = [\"file://\"]", &["cors_allowed_origins", "no page has an origin with the scheme file"]),
    ("allowed_redirect_hosts = [\"https://app.example.com\"]", &["allowed_redirect_hosts", "a list of hosts such as"]),
    ("trusted_proxies = [\"caddy\"]", &["trusted_proxies", "a list of addresses and networks"]),
    ("trusted_proxies = \"10.0.0.0/33\"", &["trusted_proxies", "a list of addresses and networks"]),
    ("exclude_urls = [\"public\"]", &["exclude_urls", "each must have a path"]),
    ("exclude_urls = [\"/a/**x\"]", &["exclude_urls", "** must be a whole segment"]),
    ("secret_key = \"short\"", &["secret_key = [redacted]", "32 bytes"]),
    ("secret_key = \"supersecretkeysupersecretkeysupersecretkey\"", &["secret_key = [redacted]"]),
    ("login_rate_per_ip = \"30 per minute\"", &["login_rate_per_ip = \"30 per minute\"", "30/1m"]),
    ("max_devices_per_user = \"many\"", &["max_devices_per_user = \"many\"", "a whole number"]),
    ("password_min_length = 4", &["password_min_length = 4", "from 8 to 64"]),
    ("log_level = \"verbose\"", &["log_level = \"verbose\"", "one of error, warn, info, debug, trace"]),
    ("sites_default = \"allow\"", &["sites_default = \"allow\"", "one of signed_in, deny"]),
    (
        "[default.auth.sites.\"https://app.example.com\"]\nroles = [\"a\"]",
        &["sites.https://app.example.com", "a host such as"],
    ),
    (
        "[default.auth.sites.\"app.example.com\"]\nrole = [\"a\"]",
        &["role", "did you mean sites.app.example.com.roles?"],
    ),
    (
        "[default.auth.sites.\"app.example.com\"]\nroles = [\"\"]",
        &["sites.app.example.com.roles", "a list of roles; one of these"],
    ),
    ("sites = [\"app.example.com\"]", &["sites (Rocket.toml)", "must be tables such as [default.auth.sites.<id>]"]),
    ("[default.auth.clients.\"my app\"]", &["clients.my app", "1 to 64 letters, digits"]),
    ("[default.auth.clients.web]\naudiense = \"x\"", &["clients.web.audiense", "did you mean clients.web.audience?"]),
];

#[test]
fn a_wrong_line_is_named_with_its_place_and_what_is_allowed() {
    for (lines, parts) in IN_THE_FILE {
        let sources_dir =
            SourceDirectory::new(Profile::Serve).file("Rocket.toml", format!("[default.auth]\n{lines}\n"));
        let problems = load(&sources_dir.sources).err().unwrap_or_else(|| panic!("not refused: {lines}")).to_string();
        for part in parts.iter().chain(&["Rocket.toml"]) {
            assert!(problems.contains(part), "{lines}: {part:?} is not in {problems:?}");
        }
    }
}

#[test]
fn a_wrong_file_is_named_with_its_place() {
    for (file, text, parts) in [
        ("Rocket.toml", "[default.auth\nport = 1\n", &["line 1 (Rocket.toml)", "not TOML"][..]),
        ("Rocket.toml", "[default.auth]\nport = 1\nport = 2\n", &["line 3 (Rocket.toml)", "duplicate key"]),
        ("Rocket.toml", "[auth]\nport = 1\n", &["[auth] (Rocket.toml)", "write [default.auth]"]),
        ("Rocket.toml", "port = 1\n", &["port (Rocket.toml)", "outside of a table; put it under [default.auth]"]),
        ("Rocket.toml", "[default]\nissuer = \"x\"\n", &["issuer (Rocket.toml)", "move it under [default.auth]"]),
        ("Rocket.toml", "[prod.auth]\nport = 1\n", &["[prod.auth] (Rocket.toml)", "write [default.auth]"]),
        ("Rocket.toml", "[default.auht]\nport = 1\n", &["[default.auht] (Rocket.toml)", "did you mean auth?"]),
        (".env", "VESTIBULE_PROT=1\n", &["prot (VESTIBULE_PROT in .env, line 1)", "did you mean port?"]),
        (".env", "VESTIBULE_PORT\n", &["line 1 (.env)", "is not NAME=value"]),
        (".env", "VESTIBULE_CLIENTS_WEB_AUDIENCE=x\n", &["clients_web_audience", "which only the file can give"]),
        (".env", "VESTIBULE_SITES=a.example\n", &["sites", "which only the file can give"]),
    ] {
        let problems = SourceDirectory::new(Profile::Serve).file(file, text).problems().join("\n");
        for part in parts {
            assert!(problems.contains(part), "{file}: {text}: {part:?} is not in {problems:?}");
        }
    }
}
