//! Where values come from, and in which order: the file, `.env`, the environment, flags, overrides.
//!
//! Nothing here is read before [`load`](super::load), and the process environment is never changed.

use std::{
    env,
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
};

use figment::{Figment, value::Value};

use super::{Profile, environment, file, given::Given};

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--address`
    pub address: Option<IpAddr>,
    /// `--port`
    pub port: Option<u16>,
    /// `port` was picked for `--port 0`, and is another one at the next start.
    pub port_is_picked: bool,
    /// `--allow-remote`: the profile `dev` may listen beyond loopback.
    pub allow_remote: bool,
}

/// Where to look for values. No `Debug`: the environment may hold secrets.
#[derive(Clone)]
pub struct Sources {
    /// Decides defaults, and which tables of the file are read.
    pub profile: Profile,
    /// `--config FILE`, instead of `Rocket.toml`.
    pub config_file: Option<PathBuf>,
    /// What the command line says.
    pub flags: Flags,
    /// The working directory: where `.env` is, and from where `Rocket.toml` is searched upwards.
    pub(super) directory: Option<PathBuf>,
    pub(super) environment: Vec<(OsString, OsString)>,
    overrides: Vec<(String, Value)>,
}

impl Sources {
    /// What a process started by an operator reads: `config_file`, or `Rocket.toml` searched as Rocket
    /// does; `.env` in the working directory; the environment; `flags`.
    pub fn of_process(profile: Profile, config_file: Option<PathBuf>, flags: Flags) -> Self {
        let directory = env::current_dir().ok();
        let environment = env::vars_os().collect();
        Self { config_file, flags, directory, environment, ..Self::isolated(profile) }
    }

    /// No file and no environment: the defaults, for tests and for programs that embed the server.
    pub fn isolated(profile: Profile) -> Self {
        Self {
            profile,
            config_file: None,
            flags: Flags::default(),
            directory: None,
            environment: Vec::new(),
            overrides: Vec::new(),
        }
    }

    /// Sets `key` (such as `issuer`, `clients.web.audience`) above everything else.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.overrides.push((key.to_owned(), value.into()));
        self
    }

    /// Reads everything, later over earlier.
    pub(super) fn gather(&self) -> Given {
        let mut given = Given::default();
        let environment = environment::Variables::of(&self.environment, &mut given);
        let dotenv = self.directory.as_deref().and_then(|directory| environment::dotenv(directory, &mut given));
        let dotenv = dotenv.unwrap_or_default();

        let profile = self.figment_profile(&environment);
        given.figment = Figment::new().select(profile.clone());
        if let Some((path, name)) = self.file(&environment, &mut given) {
            file::read(&path, &name, &profile, &mut given);
        }
        dotenv.give(&mut given, |_| ".env".to_owned());
        environment.give(&mut given, str::to_owned);
        self.give_flags(&mut given);
        for (key, value) in &self.overrides {
            given.put(key, value.clone(), "set by the program");
        }
        given.settle();
        given
    }

    /// `release` for `serve`, unless `ROCKET_PROFILE` names another, as it does for Rocket.
    fn figment_profile(&self, environment: &environment::Variables) -> figment::Profile {
        match self.profile {
            Profile::Serve => environment.get("ROCKET_PROFILE").unwrap_or("release").into(),
            Profile::Dev => "dev".into(),
        }
    }

    /// The file to read, and what to call it.
    fn file(&self, environment: &environment::Variables, given: &mut Given) -> Option<(PathBuf, String)> {
        let directory = self.directory.as_deref().unwrap_or(Path::new(""));
        if let Some(named) = &self.config_file {
            return Some((directory.join(named), named.display().to_string()));
        }
        let named = environment.get("ROCKET_CONFIG");
        let name = named.unwrap_or("Rocket.toml");
        let found = self.directory.as_ref()?.ancestors().find(|directory| directory.join(name).is_file());
        match (found, named) {
            (Some(found), _) if found == directory => Some((found.join(name), name.to_owned())),
            (Some(found), _) => Some((found.join(name), found.join(name).display().to_string())),
            (None, Some(name)) => {
                given.problem(name, "ROCKET_CONFIG", "no such file, here or in a directory above");
                None
            }
            (None, None) => None,
        }
    }

    fn give_flags(&self, given: &mut Given) {
        let Flags { data_dir, address, port, port_is_picked: _, allow_remote: _ } = &self.flags;
        if let Some(path) = data_dir {
            match path.to_str() {
                Some(path) => given.put("data_dir", path.into(), "--data-dir"),
                None => given.problem("data_dir", "--data-dir", "must be UTF-8"),
            }
        }
        if let Some(address) = address {
            given.put("address", address.to_string().into(), "--address");
        }
        if let Some(port) = port {
            given.put("port", (*port).into(), "--port");
        }
    }
}
