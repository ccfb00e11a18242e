//! The configuration: one typed value whose settings fit together, and the origin of each setting.
//!
//! An application begins with [`Config::of_process`], which reads what `vestibule serve` reads, or with [`load`] and
//! [`Sources`], if it sets keys itself:
//!
//! ```
//! use vestibule::config::{Profile, Sources, load};
//!
//! let sources = Sources::isolated(Profile::Serve)
//!     .set("data_dir", "/var/lib/notes")
//!     .set("public_url", "https://notes.example.com")
//!     .set("trusted_proxies", vec!["10.0.0.0/8"])
//!     .set("access_token_lifetime", "5m");
//! let config = load(&sources)?.config;
//! assert_eq!(config.web.public_url.as_str(), "https://notes.example.com");
//! # Ok::<(), vestibule::config::Problems>(())
//! ```
//!
//! A later source replaces the values of an earlier source. The order is: built-in defaults, `Rocket.toml` or `--config FILE`
//! (the table `auth` of the profile, such as `[default.auth]`), `.env` in the working directory, the environment (such as
//! `VESTIBULE_DATA_DIR`), the command line, [`Sources::set`]. The documentation of each field names its key and its default.
//! The other types of this module are parts of a [`Config`] or of what [`load`] returns, and need no example of their own.
//!
//! Each section has a file, which declares the section's keys with the macro `settings!`, and checks which values fit
//! together. A value is read once, into the type that the program uses. [`load`] reports all problems at once. This module does
//! not know Rocket or the clock, and it does not change the state of the process.

mod clients;
mod connections;
mod cookies;
mod declare;
mod devices;
mod environment;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod gathered;
mod keys;
mod limits;
mod metrics;
mod passwords;
mod problems;
mod reader;
mod schema;
mod sessions;
mod setting;
mod sites;
mod sources;
mod storage;
mod suggest;
mod tokens;
mod web;

#[cfg(test)]
mod tests;

use std::{fmt, mem};

use figment::{Figment, providers::Serialized};

pub(crate) use self::problems::shorten;
pub use self::{
    clients::{Client, Clients},
    connections::{Connections, TlsFiles},
    cookies::Cookies,
    devices::Devices,
    keys::Keys,
    limits::Limits,
    metrics::Metrics,
    passwords::Passwords,
    problems::{Problem, Problems},
    schema::Entry,
    sessions::Sessions,
    sites::{Site, Sites},
    sources::Sources,
    storage::Storage,
    tokens::Tokens,
    web::Web,
};
use self::{
    gathered::Gathered,
    reader::{Read, Reader},
    schema::Schema,
};
pub use crate::domain::{
    address::{BasePath, CookieDomain, PublicUrl},
    audience::{Audiences, StringOrUri},
    client::ClientSecretHash,
    cookie_name::{CookieName, CsrfHeader},
    cors::CorsOrigins,
    database::Database,
    device::{Thresholds, ThresholdsError},
    exclusions::{Exclusion, Exclusions},
    jwt::Algorithm,
    listen_address::{ListenAddress, MetricsAddress},
    logo::{Logo, LogoFormat},
    password_hash::{PasswordScheme, PasswordSchemes},
    policy::{
        Blacklist, FingerprintConsent, FingerprintPolicy, Grants, LimitPolicy, LogFormat, LogLevel, Profile,
        Registration, SameSite, SitesDefault, TokenClaims, TokenLocation, UsernameField,
    },
    rate::Rate,
    redirect::AllowedHost,
    secret::Secret,
    site::{PrivacyContact, SiteName},
    span::{Lifetime, Seconds},
};
pub use crate::files::{SecretFile, read_root_secret};

/// All keys, in the order of `Rocket.toml`.
const SCHEMA: Schema = Schema(&[
    storage::StorageKeys::TABLE,
    keys::SecretKeys::TABLE,
    web::WebKeys::TABLE,
    connections::ConnectionKeys::TABLE,
    metrics::MetricKeys::TABLE,
    tokens::TokenKeys::TABLE,
    sessions::SessionKeys::TABLE,
    devices::DeviceKeys::TABLE,
    passwords::PasswordKeys::TABLE,
    cookies::CookieKeys::TABLE,
    limits::LimitKeys::TABLE,
    clients::ClientKeys::TABLE,
    sites::SiteKeys::TABLE,
]);

/// The whole configuration. [`load`] returns it only if its settings fit together.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use vestibule::config::Config;
///
/// let mut config = Config::of_process()?;
/// // A path of the application that needs no access token.
/// config.web.exclude_urls.0.push("/".parse()?);
/// # Ok(())
/// # }
/// ```
///
/// Set a key with [`Sources::set`] rather than by a change of a field: other settings follow from some keys when the
/// configuration is read. A later change has no effect on the fields `tokens.access_token_lifetime`, `tokens.audience` and
/// `sessions.refresh_token_lifetime` (each client has its own value), `sessions.blacklist_enabled` and `blacklist_strategy`
/// (`blacklist` counts), `web.site_logo` (`logo` counts), `devices.match_from` and `drift_from` (`thresholds` counts) and
/// `passwords.registration` (`registration_open` counts). An embedding application listens where Rocket's configuration says,
/// so `web.address` and `web.port` have no effect there; [`Loaded::figment`] contains them for Rocket.
#[derive(Debug, Clone)]
pub struct Config {
    /// The profile: `serve` or `dev`.
    pub profile: Profile,
    /// The directory of the data, and the database.
    pub storage: Storage,
    /// The secrets and the signing algorithm.
    pub keys: Keys,
    /// The content and the lifetime of access tokens.
    pub tokens: Tokens,
    /// The lifetime, rotation and revocation of sessions.
    pub sessions: Sessions,
    /// The limit of devices, and the rules by which a device is recognised.
    pub devices: Devices,
    /// The login names, the registration, and the cost of password hashes.
    pub passwords: Passwords,
    /// The names and attributes of the cookies.
    pub cookies: Cookies,
    /// The addresses of the server, and the proxies and origins that it trusts.
    pub web: Web,
    /// The limits of connections, in time and in number.
    pub connections: Connections,
    /// Where the server gives its metrics to Prometheus. An embedding application gives none.
    pub metrics: Metrics,
    /// The clients: the applications through which users log in.
    pub clients: Clients,
    /// The hosts behind forward authentication, and who may use each.
    pub sites: Sites,
    /// The rate limits, and the retention of the audit log.
    pub limits: Limits,
    /// All keys with their effective values and origins, for `config show` and for the pages of the administration. A later
    /// change of a field is not in them.
    pub entries: Vec<Entry>,
    /// Notes for the operator that do not stop the start.
    pub notes: Vec<String>,
}

impl Config {
    /// Returns the longest lifetime of the access tokens of any client. A client of the database has the lifetime of the
    /// setting `access_token_lifetime`.
    pub(crate) fn longest_access_token_lifetime(&self) -> Lifetime {
        let lifetimes = self.clients.iter().map(|client| client.access_token_lifetime);
        lifetimes.fold(self.tokens.access_token_lifetime, Lifetime::max)
    }

    /// Reads the configuration of this process as `vestibule serve` does: from `Rocket.toml`, `.env` and the environment.
    ///
    /// # Errors
    /// [`Problems`] in the same cases as [`load`].
    pub fn of_process() -> Result<Self, Problems> {
        load(&Sources::of_process(Profile::Serve, None)).map(|loaded| loaded.config)
    }
}

/// A configuration, and the configuration of Rocket that belongs to it.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Rocket's own settings, with the address and the port of this configuration. The caller merges them over Rocket's
    /// defaults.
    pub figment: Figment,
}

/// Reads the configuration from `sources`.
///
/// # Errors
///
/// [`Problems`] with all problems: unknown keys, bad values, impossible combinations, unreadable files.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    load_with(sources, |_, _| Vec::new())
}

/// Reads the configuration like [`load`], and also reports the problems that `check` finds in Rocket's own settings. This
/// module does not know the meaning of these settings. The second argument of `check` is whether `--config` or
/// `VESTIBULE_CONFIG` names the configuration file.
///
/// # Errors
/// [`Problems`] with the problems that [`load`] reports, followed by the problems that `check` returns.
pub fn load_with(sources: &Sources, check: impl FnOnce(&Figment, bool) -> Vec<Problem>) -> Result<Loaded, Problems> {
    let mut reader = Reader::new(sources, sources.gather(SCHEMA));
    let config = read(&mut reader);
    let Gathered { rocket, mut problems, names_file, .. } = reader.gathered;
    problems.extend(check(&rocket, names_file));
    match config {
        Ok(config) if problems.is_empty() => {
            // Rocket must listen on the address and port that were checked here. A flag or `VESTIBULE_PORT` may have set them,
            // which Rocket does not read.
            let mut figment = rocket.merge(Serialized::global("port", config.web.port));
            if let ListenAddress::Ip(address) = &config.web.address {
                figment = figment.merge(Serialized::global("address", address));
            }
            Ok(Loaded { config, figment })
        }
        _ => Err(Problems(problems)),
    }
}

/// Reads and checks every section, even if an earlier section has problems. Each problem is recorded in `reader`. Fails if a
/// value of any section could not be read.
fn read(reader: &mut Reader) -> Read<Config> {
    let storage = storage::StorageKeys::read(reader);
    let keys = keys::SecretKeys::read(reader);
    let web = web::WebKeys::read(reader);
    let connections = connections::ConnectionKeys::read(reader);
    let metrics = metrics::MetricKeys::read(reader);
    let tokens = tokens::TokenKeys::read(reader, &web);
    let sessions = sessions::SessionKeys::read(reader, &tokens);
    let devices = devices::DeviceKeys::read(reader);
    let passwords = passwords::PasswordKeys::read(reader);
    let cookies = cookies::CookieKeys::read(reader, &web, &tokens);
    let limits = limits::LimitKeys::read(reader);
    let clients = Clients::read(reader, &tokens, &sessions);
    let sites = Sites::read(reader, &web, &passwords);
    Ok(Config {
        profile: reader.profile,
        storage: storage.complete()?,
        keys: keys.complete()?,
        tokens: tokens.complete()?,
        sessions: sessions.complete()?,
        devices: devices.complete()?,
        passwords: passwords.complete()?,
        cookies: cookies.complete()?,
        web: web.complete()?,
        connections: connections.complete()?,
        metrics: metrics.complete()?,
        clients: clients?,
        sites: sites?,
        limits: limits.complete()?,
        entries: reader.entries(),
        notes: mem::take(&mut reader.gathered.notes),
    })
}

/// Omits Rocket's settings, which may contain secrets of other programs.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("config", &self.config).finish_non_exhaustive()
    }
}
