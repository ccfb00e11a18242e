//! The table of every key: its section, its default in each profile, whether it is secret, what it means.
//!
//! What is known, what `config show` lists and what `Rocket.toml` says follow from this table; nothing
//! else names a key that isn't here (a test compares both ways).

use std::fmt;

use figment::value::Value;

use super::Profile;

/// One key of the configuration.
pub(super) struct Key {
    /// As written in the file; a part `<id>` stands for any client.
    pub name: &'static str,
    pub section: Section,
    pub default: DefaultValue,
    /// Where the profile `dev` has another default.
    pub dev: Option<DefaultValue>,
    pub secret: bool,
    /// One line, for the reader of `Rocket.toml`.
    pub meaning: &'static str,
}

/// The value that a key has when nobody set it.
#[derive(Clone, Copy)]
pub(super) enum DefaultValue {
    Text(&'static str),
    Number(i64),
    Real(f64),
    Switch(bool),
    List(&'static [&'static str]),
    /// Nothing, or what the section works out; the text is an example for `Rocket.toml`.
    Derived(&'static str),
}

/// The parts of `Config`, one file each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Storage,
    Keys,
    Web,
    Tokens,
    Sessions,
    Devices,
    Passwords,
    Cookies,
    Limits,
    Clients,
}

impl Section {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Storage => "storage",
            Keys => "keys",
            Web => "web",
            Tokens => "tokens",
            Sessions => "sessions",
            Devices => "devices",
            Passwords => "passwords",
            Cookies => "cookies",
            Limits => "limits",
            Clients => "clients",
        }
    }
}

use DefaultValue::{Derived, List, Number, Real, Switch, Text};
use Section::{Clients, Cookies, Devices, Keys, Limits, Passwords, Sessions, Storage, Tokens, Web};

#[rustfmt::skip] // one key, one line
pub(super) static KEYS: &[Key] = &[
    key("data_dir", Storage, Text("./data"), "database, root secret, backups; made with mode 0700").dev(Text("./data-dev")),
    key("database_url", Storage, Derived("sqlite:./data/vestibule.db"), "unset: <data_dir>/vestibule.db; sqlite::memory: is a temporary directory removed at the end"),

    key("root_secret", Keys, Derived(""), "at least 32 bytes, from which come the sealing of signing keys, refresh tokens, device hashes and CSRF; unset: made at the first start").secret(),
    key("root_secret_file", Keys, Derived("/run/secrets/vestibule-root"), "a file that holds the root secret instead; unset: <data_dir>/secret.key"),
    key("secret_key", Keys, Derived(""), "a signing key shared with those who verify, not a sample: at least 32 bytes for HS256, 48 for HS384, 64 for HS512").secret(),
    key("secret_key_file", Keys, Derived("/run/secrets/vestibule-key"), "a file that holds the signing key instead"),
    key("algorithm", Keys, Derived("ES256"), "of new signing keys: ES256/384, EdDSA, RS256/384/512, PS256/384/512 or HS256/384/512; unset: ES256, or HS256 where only secret_key is set"),

    key("public_url", Web, Derived("https://auth.example.com"), "how clients reach this server; unset: http://localhost:<port>; must be set when address isn't loopback"),
    key("base_path", Web, Text("/auth"), "where the endpoints are mounted; / for none"),
    key("address", Web, Text("127.0.0.1"), "where to listen; Rocket's own setting works too"),
    key("port", Web, Number(8000), "where to listen, 0 picks one; Rocket's own setting works too"),
    key("trusted_proxies", Web, List(&["127.0.0.1", "::1"]), "addresses and networks whose X-Forwarded-* are believed"),
    key("allowed_redirect_hosts", Web, List(&[]), "hosts beside this one that a browser may be sent to once it is signed in, such as app.example.com, app.example.com:8443, *.example.com"),
    key("exclude_urls", Web, List(&[]), "paths that forward authentication lets through, such as /public/**, app.example.com/*.css: * within a segment, ** for any number of segments"),
    key("cors_allowed_origins", Web, List(&[]), "origins whose pages may call this server, such as https://app.example.com; in the profile dev any origin on localhost").dev(Derived("")),
    key("compat_routes", Web, Switch(false), "the paths of the systems that this one succeeds answer too, such as /login, /auth/jwt/login, /api/token/"),
    key("log_format", Web, Text("text"), "how the log is written: text or json"),
    key("privacy_contact", Web, Derived("privacy@example.com"), "whom to ask about privacy: an address, a URL, or words; shown on /privacy"),

    key("issuer", Tokens, Derived("https://auth.example.com"), "`iss` of every token; unset: public_url"),
    key("audience", Tokens, Derived("https://api.example.com"), "`aud` of access tokens; unset: issuer"),
    key("leeway", Tokens, Text("0s"), "how far the clocks of others may be off, at most 10m; for `nbf` at least two seconds"),
    key("access_token_lifetime", Tokens, Text("15m"), "how long an access token lives: seconds as a number, or 15m, 2h, 7d"),
    key("renew_within", Tokens, Text("0s"), "an access token this near its end comes back renewed, in the header New-Access-Token or its cookie; 0 is off"),
    key("token_claims", Tokens, List(&["username"]), "which of username, email a token carries"),
    key("token_location", Tokens, List(&["headers", "cookies"]), "where an access token is looked for"),

    key("refresh_token_lifetime", Sessions, Text("7d"), "a session not refreshed for so long ends"),
    key("session_lifetime", Sessions, Text("90d"), "a session this old ends, refreshed or not"),
    key("rotate_refresh_tokens", Sessions, Switch(true), "whether each refresh gives a new refresh token"),
    key("refresh_reuse_grace", Sessions, Text("30s"), "how long the token before the current one is still answered, at most 10m"),
    key("blacklist_enabled", Sessions, Switch(true), "false is the same as the strategy BLACKLIST_REFRESH"),
    key("blacklist_strategy", Sessions, Text("BLACKLIST_BOTH"), "BLACKLIST_BOTH, or BLACKLIST_REFRESH: access tokens of a revoked session live to their end"),

    key("max_devices_per_user", Devices, Number(10), "devices that one user may be signed in on; 0 is no limit"),
    key("device_limit_policy", Devices, Text("evict_oldest"), "what a login past the limit does: evict_oldest, or reject"),
    key("fingerprint_policy", Devices, Text("enforce"), "off, log, enforce (a session that began with a fingerprint is refreshed only with it), or require (no login without one)"),
    key("fingerprint_match", Devices, Real(0.75), "score from which a fingerprint is the same device, 0 to 1"),
    key("fingerprint_drift", Devices, Real(0.4), "score from which another fingerprint passes and is recorded; below it is refused"),
    key("device_retention", Devices, Text("30d"), "how long a device is kept after its last session"),

    key("username_field", Passwords, Text("either"), "what people log in with: email, username, either"),
    key("registration", Passwords, Text("closed"), "open lets anybody make an account").dev(Text("open")),
    key("password_min_length", Passwords, Number(10), "least characters of a new password, 8 to 64").dev(Number(8)),
    key("argon2_memory_kib", Passwords, Number(19456), "memory of a password hash; lower is refused outside the profile dev"),
    key("argon2_iterations", Passwords, Number(2), "passes of a password hash; lower is refused outside the profile dev"),
    key("argon2_parallelism", Passwords, Number(1), "lanes of a password hash"),
    key("hash_concurrency", Passwords, Derived("4"), "password hashes at once; unset: one per core"),
    key("hash_queue", Passwords, Number(64), "password hashes that may wait; past that 503 overloaded"),

    key("cookie_secure", Cookies, Switch(true), "false only for plain http during development").dev(Switch(false)),
    key("cookie_samesite", Cookies, Text("lax"), "whether cookies come along from other sites: strict, lax, none"),
    key("cookie_domain", Cookies, Derived("example.com"), "the cookies reach all hosts under this domain; unset: this host alone"),
    key("access_cookie_name", Cookies, Derived("__Host-access_token"), "cookie of the access token; the default begins with __Secure- where cookie_domain is set, with neither where cookie_secure is false"),
    key("refresh_cookie_name", Cookies, Derived("__Secure-refresh_token"), "cookie of the refresh token; never __Host-, since its path isn't /"),
    key("csrf_cookie_name", Cookies, Derived("__Host-csrf_token"), "cookie of the CSRF token, readable by script; the default follows the same rule as the access cookie's"),
    key("csrf_header_name", Cookies, Text("X-CSRF-Token"), "header in which a script sends the CSRF token back"),

    key("login_rate_per_ip", Limits, Text("30/1m"), "login attempts from one address (IPv6: one /64); 0 is off, here and below"),
    key("login_failures_per_account", Limits, Text("10/15m"), "wrong passwords for one typed name, whether anybody has it or not"),
    key("register_rate_per_ip", Limits, Text("10/1h"), "new accounts from one address"),
    key("refresh_rate_per_session", Limits, Text("60/1m"), "refreshes of one session; answers within the grace don't count"),
    key("audit_retention", Limits, Text("90d"), "how long the audit log is kept"),

    key("clients.<id>.audience", Clients, Derived("https://app.example.com"), "`aud` of this client's access tokens; unset: the setting audience"),
    key("clients.<id>.access_token_lifetime", Clients, Derived("5m"), "how long its access tokens live; unset: the setting of that name"),
    key("clients.<id>.refresh_token_lifetime", Clients, Derived("30d"), "how long its refresh tokens live; unset: the setting of that name"),
    key("clients.<id>.secret_hash", Clients, Derived("sha256$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "makes it confidential: what `vestibule client secret web` prints; it signs in at /token only, and must authenticate there").secret(),
    key("clients.<id>.scopes", Clients, Derived("posts:read,posts:write"), "the permissions that its tokens may carry at most; unset: all"),
    key("clients.<id>.grants", Clients, Derived("password,refresh_token"), "which of password, refresh_token it may use at /token; unset: both"),
];

const fn key(name: &'static str, section: Section, default: DefaultValue, meaning: &'static str) -> Key {
    Key { name, section, default, dev: None, secret: false, meaning }
}

impl Key {
    const fn dev(self, default: DefaultValue) -> Self {
        Self { dev: Some(default), ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Whether `key`, such as `issuer` or `clients.web.audience`, is this one.
    pub(super) fn stands_for(&self, key: &str) -> bool {
        match (split_client(key), split_client(self.name)) {
            (Some((_, setting)), Some((_, ours))) => setting == ours,
            (None, None) => key == self.name,
            _ => false,
        }
    }

    /// The default in `profile`, unless it is worked out.
    pub(super) fn default_in(&self, profile: Profile) -> Option<Value> {
        let dev = self.dev.filter(|_| profile == Profile::Dev);
        match dev.unwrap_or(self.default) {
            Text(text) => Some(text.into()),
            Number(number) => Some(number.into()),
            Real(number) => Some(number.into()),
            Switch(switch) => Some(switch.into()),
            List(items) => Some(items.into()),
            Derived(_) => None,
        }
    }
}

/// The entry of the table for `key`, such as `issuer` or `clients.web.audience`.
pub(super) fn find(key: &str) -> Option<&'static Key> {
    KEYS.iter().find(|known| known.stands_for(key))
}

/// The client and the setting in `clients.<id>.<setting>`; an id may have dots, a setting has none.
pub(super) fn split_client(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("clients.")?.rsplit_once('.')
}

/// As TOML.
impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text(text) => write!(f, "{text:?}"),
            Number(number) => write!(f, "{number}"),
            Real(number) => write!(f, "{number}"),
            Switch(switch) => write!(f, "{switch}"),
            List(items) => write!(f, "{items:?}"),
            Derived(example) if example.bytes().all(|byte| byte.is_ascii_digit()) && !example.is_empty() => {
                f.write_str(example)
            }
            Derived(example) => write!(f, "{example:?}"),
        }
    }
}
