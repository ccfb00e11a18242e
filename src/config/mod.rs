//! The configuration: one typed value that is consistent in itself, and the origin of each part of it.
//!
//! A later source wins over an earlier one: built-in defaults, `Rocket.toml` (the profile's table, key `auth`) or
//! `--config FILE`, `.env` in the working directory, `VESTIBULE_<KEY>`, the command line. Each section has a file that declares
//! its keys (`key` says how) and checks which values fit together. A value is read once, into the type that the program
//! uses. [`load`] reports everything that is wrong at once. Nothing here knows Rocket, the clock or another module except
//! the nouns of `domain`, and nothing changes the process.

mod clients;
mod cookies;
mod declare;
mod devices;
mod environment;
mod file;
mod gathered;
mod keys;
mod limits;
mod passwords;
mod problems;
mod profile;
mod reader;
mod schema;
mod secret_file;
mod sessions;
mod setting;
mod sources;
mod storage;
mod suggest;
mod tokens;
mod web;

#[cfg(test)]
mod tests;

use std::fmt;

use figment::{Figment, providers::Serialized};

use self::{
    clients::ClientKeys,
    cookies::CookieKeys,
    devices::DeviceKeys,
    keys::SecretKeys,
    limits::LimitKeys,
    passwords::PasswordKeys,
    reader::{Read, Reader},
    schema::Schema,
    sessions::SessionKeys,
    storage::StorageKeys,
    tokens::TokenKeys,
    web::WebKeys,
};
pub use self::{
    clients::{Client, Clients, Grants},
    cookies::{Cookies, SameSite},
    devices::{Devices, FingerprintPolicy, LimitPolicy},
    keys::Keys,
    limits::Limits,
    passwords::{Passwords, Registration, UsernameField},
    problems::{Problem, Problems},
    profile::Profile,
    schema::Entry,
    secret_file::read_root_secret,
    sessions::{Blacklist, Sessions},
    sources::{Flags, Sources},
    storage::{Database, Storage},
    tokens::{TokenClaims, TokenLocation, Tokens},
    web::{CorsOrigins, LogFormat, Web},
};
pub use crate::domain::{
    rate::Rate,
    secret::Secret,
    span::{Lifetime, Seconds},
};

/// Every key, in the order of `Rocket.toml`.
static SCHEMA: Schema = Schema(&[
    StorageKeys::TABLE,
    SecretKeys::TABLE,
    WebKeys::TABLE,
    TokenKeys::TABLE,
    SessionKeys::TABLE,
    DeviceKeys::TABLE,
    PasswordKeys::TABLE,
    CookieKeys::TABLE,
    LimitKeys::TABLE,
    ClientKeys::TABLE,
]);

/// The whole configuration. A value of this type is the proof that its settings fit together.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use vestibule::config::Config;
///
/// let mut config = Config::of_process()?;
/// // Paths of the application that need no access token.
/// config.web.exclude_urls.0.push("/".parse()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// The profile: `serve` or `dev`.
    pub profile: Profile,
    /// The directory of the data, and the database.
    pub storage: Storage,
    /// Secrets and the signing algorithm.
    pub keys: Keys,
    /// Content and lifetime of access tokens.
    pub tokens: Tokens,
    /// Lifetime, rotation and revocation of sessions.
    pub sessions: Sessions,
    /// The limit of devices, and the rules by which a device is recognised.
    pub devices: Devices,
    /// Names at the sign-in, and the cost of password hashes.
    pub passwords: Passwords,
    /// Names and attributes of cookies.
    pub cookies: Cookies,
    /// Addresses, trusted proxies and origins.
    pub web: Web,
    /// The applications that sign people in here.
    pub clients: Clients,
    /// Limits on attempts, and how long the audit log is kept.
    pub limits: Limits,
}

impl Config {
    /// Returns the configuration of this process, as `vestibule serve` reads it: `Rocket.toml`, `.env`, the environment.
    ///
    /// # Errors
    /// As [`load`].
    pub fn of_process() -> Result<Self, Problems> {
        load(&Sources::of_process(Profile::Serve, None, Flags::default())).map(|loaded| loaded.config)
    }
}

/// A configuration and where it came from.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every key with its effective value and origin, for `config show`.
    pub entries: Vec<Entry>,
    /// Notes for the operator about what doesn't stop the start.
    pub notes: Vec<String>,
    /// Rocket's own settings, with our address and port, to be merged over Rocket's defaults.
    pub figment: Figment,
}

/// Reads the configuration from `sources`.
///
/// # Errors
///
/// Everything that is wrong: unknown keys, bad values, impossible combinations, unreadable files.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    load_with(sources, |_| Vec::new())
}

/// Reads the configuration like [`load`], and adds the problems that `check` finds in Rocket's own settings, whose meaning
/// nothing here knows.
///
/// # Errors
/// As [`load`], and what `check` returns, all at once.
pub fn load_with(sources: &Sources, check: impl FnOnce(&Figment) -> Vec<Problem>) -> Result<Loaded, Problems> {
    let mut reader = Reader::new(sources.profile, &sources.flags, sources.gather(&SCHEMA));
    let config = read(&mut reader);
    let (mut gathered, entries) = reader.finish();
    gathered.problems.extend(check(&gathered.rocket));
    match config {
        Ok(config) if gathered.problems.is_empty() => {
            // Rocket must bind the address and port that were checked here, also if a flag or `VESTIBULE_PORT` set them.
            let figment = gathered
                .rocket
                .merge(Serialized::global("address", config.web.address))
                .merge(Serialized::global("port", config.web.port));
            Ok(Loaded { config, entries, notes: gathered.notes, figment })
        }
        _ => Err(Problems::new(gathered.problems)),
    }
}

/// Reads every section, then checks which values fit together. Both report problems; a section without one is complete.
fn read(reader: &mut Reader) -> Read<Config> {
    let storage = StorageKeys::read(reader).complete();
    let keys = SecretKeys::read(reader).complete(reader);
    let web = WebKeys::read(reader);
    web.check(reader);
    let tokens = TokenKeys::read(reader, &web);
    tokens.check(reader, &web);
    let sessions = SessionKeys::read(reader);
    sessions.check(reader, &tokens);
    let devices = DeviceKeys::read(reader).complete();
    let passwords = PasswordKeys::read(reader);
    passwords.check(reader);
    let cookies = CookieKeys::read(reader);
    cookies.check(reader, &web);
    let limits = LimitKeys::read(reader).complete();
    let clients = Clients::read(reader, &tokens, &sessions);
    Ok(Config {
        profile: reader.profile,
        storage: storage?,
        keys: keys?,
        tokens: tokens.complete()?,
        sessions: sessions.complete()?,
        devices: devices?,
        passwords: passwords.complete()?,
        cookies: cookies.complete()?,
        web: web.complete()?,
        clients: clients?,
        limits: limits?,
    })
}

/// Without Rocket's settings, which may contain secrets of their own.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("config", &self.config).field("notes", &self.notes).finish_non_exhaustive()
    }
}
