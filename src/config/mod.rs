//! The configuration: one typed value that can't be wrong, and where each part of it came from.
//!
//! Later wins: built-in defaults, `Rocket.toml` (the profile's table, key `auth`) or `--config FILE`,
//! `.env` in the working directory, `VESTIBULE_<KEY>`, the command line. `schema` is the table of keys;
//! each section has a file that reads its keys into types; [`load`] reports everything that is wrong at
//! once. Nothing here knows Rocket, the clock or a module of ours but the nouns of `domain`, and nothing changes the process.

mod clients;
mod cookies;
mod devices;
mod duration;
mod entry;
mod environment;
mod excluded;
mod file;
mod given;
mod keys;
mod limits;
mod passwords;
mod problems;
mod profile;
mod reader;
mod schema;
mod secret;
mod sessions;
mod setting;
mod sources;
mod storage;
mod suggest;
mod tokens;
mod url;
mod web;

#[cfg(test)]
mod tests;

use std::fmt;

use figment::{Figment, providers::Serialized};

use self::reader::{Read, Reader, share};
pub use self::{
    clients::{Client, Clients, Grants},
    cookies::{Cookies, SameSite},
    devices::{Devices, FingerprintPolicy, LimitPolicy},
    duration::{Lifetime, Seconds},
    entry::Entry,
    keys::{Algorithm, Keys},
    limits::{Limits, Rate},
    passwords::{Argon2Params, Passwords, UsernameField},
    problems::{Problem, Problems},
    profile::Profile,
    secret::Secret,
    sessions::{Blacklist, Sessions},
    sources::{Flags, Sources},
    storage::{Database, Storage},
    tokens::{TokenClaims, TokenLocation, Tokens},
    web::{CorsOrigins, LogFormat, Web},
};

/// The whole configuration. Holding one is the proof that its values fit together.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the server runs as.
    pub profile: Profile,
    /// Where data is.
    pub storage: Storage,
    /// What keys are made from.
    pub keys: Keys,
    /// What tokens say, and how long access tokens live.
    pub tokens: Tokens,
    /// How long sessions live, and how they are refreshed and revoked.
    pub sessions: Sessions,
    /// How many devices, and how they are recognised.
    pub devices: Devices,
    /// How people log in, and how passwords are hashed.
    pub passwords: Passwords,
    /// Names and attributes of cookies.
    pub cookies: Cookies,
    /// Where the server listens, and whom it believes.
    pub web: Web,
    /// The applications that sign people in here.
    pub clients: Clients,
    /// Throttles, and how long the audit log is kept.
    pub limits: Limits,
}

impl Config {
    /// The configuration of this process, as `vestibule serve` reads it: `Rocket.toml`, `.env`, the environment.
    ///
    /// # Errors
    /// As [`load`].
    pub fn of_process() -> Result<Self, Problems> {
        load(&Sources::of_process(Profile::Serve, None, Flags::default())).map(|loaded| loaded.config)
    }
}

/// What [`load`] gives.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every key with its effective value and origin, for `config show`.
    pub entries: Vec<Entry>,
    /// What the operator should be told, though it doesn't stop the start.
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

/// As [`load`], with what `check` has against Rocket's own settings, which nothing here knows the meaning of.
///
/// # Errors
/// As [`load`], and what `check` gives, all at once.
pub fn load_with(sources: &Sources, check: impl FnOnce(&Figment) -> Vec<Problem>) -> Result<Loaded, Problems> {
    let mut reader = Reader::new(sources.profile, &sources.flags, sources.gather());
    let config = read(&mut reader);
    let (mut given, entries) = reader.finish();
    given.problems.extend(check(&given.figment));
    match config {
        Ok(config) if given.problems.is_empty() => {
            // Rocket must bind what was checked here, also where a flag or a variable of ours decided it.
            let figment = given
                .figment
                .merge(Serialized::global("address", config.web.address))
                .merge(Serialized::global("port", config.web.port));
            Ok(Loaded { config, entries, notes: given.notes, figment })
        }
        _ => Err(Problems::new(given.problems)),
    }
}

fn read(reader: &mut Reader) -> Read<Config> {
    let storage = Storage::read(reader);
    let keys = Keys::read(reader);
    let web = Web::read(reader);
    let tokens = Tokens::read(reader, share(&web));
    let sessions = Sessions::read(reader, share(&tokens));
    let devices = Devices::read(reader);
    let passwords = Passwords::read(reader);
    let cookies = Cookies::read(reader, share(&web));
    let limits = Limits::read(reader);
    let clients = Clients::read(reader, share(&tokens), share(&sessions));
    Ok(Config {
        profile: reader.profile,
        storage: storage?,
        keys: keys?,
        tokens: tokens?,
        sessions: sessions?,
        devices: devices?,
        passwords: passwords?,
        cookies: cookies?,
        web: web?,
        clients: clients?,
        limits: limits?,
    })
}

/// Without Rocket's settings, which may hold secrets of their own.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("config", &self.config).field("notes", &self.notes).finish_non_exhaustive()
    }
}
