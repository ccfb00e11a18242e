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

use super::{environment, file, gathered::Gathered, profile::Profile, schema::Schema};

/// The options of the command line that set keys.
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

/// The places from which values are read. The type has no `Debug`, because the environment may contain secrets.
#[derive(Clone)]
pub struct Sources {
    /// Decides defaults, and which tables of the file are read.
    pub profile: Profile,
    /// `--config FILE`, instead of `Rocket.toml`.
    pub config_file: Option<PathBuf>,
    /// The options of the command line that set keys.
    pub flags: Flags,
    /// The working directory: where `.env` is, and from where `Rocket.toml` is searched upwards.
    pub(super) directory: Option<PathBuf>,
    pub(super) environment: Vec<(OsString, OsString)>,
    overrides: Vec<(String, Value)>,
}

impl Sources {
    /// Returns the sources of a process that an operator starts: `config_file`, or `Rocket.toml` searched as Rocket does;
    /// `.env` in the working directory; the environment; `flags`.
    pub fn of_process(profile: Profile, config_file: Option<PathBuf>, flags: Flags) -> Self {
        let directory = env::current_dir().ok();
        let environment = env::vars_os().collect();
        Self { config_file, flags, directory, environment, ..Self::isolated(profile) }
    }

    /// Returns sources without a file and without the environment, for tests and for programs that embed the server.
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
    pub(super) fn gather(&self, schema: &'static Schema) -> Gathered {
        let mut gathered = Gathered::new(schema);
        let environment = environment::Variables::of(&self.environment, &mut gathered);
        let dotenv = self.directory.as_deref().and_then(|directory| environment::dotenv(directory, &mut gathered));
        let dotenv = dotenv.unwrap_or_default();

        let profile = self.figment_profile(&environment);
        gathered.rocket = Figment::new().select(profile.clone());
        if let Some((path, name)) = self.file(&environment, &mut gathered) {
            file::read(&path, &name, &profile, &mut gathered);
        }
        dotenv.give(&mut gathered, |_| ".env".to_owned());
        environment.give(&mut gathered, str::to_owned);
        self.give_flags(&mut gathered);
        for (key, value) in &self.overrides {
            gathered.put(key, value.clone(), "set by the program");
        }
        gathered.settle();
        gathered
    }

    /// Returns `release` for `serve`, unless `ROCKET_PROFILE` names another profile, as it does for Rocket.
    fn figment_profile(&self, environment: &environment::Variables) -> figment::Profile {
        match self.profile {
            Profile::Serve => environment.get("ROCKET_PROFILE").unwrap_or("release").into(),
            Profile::Dev => "dev".into(),
        }
    }

    /// Returns the path of the file to read, and its name in messages.
    fn file(&self, environment: &environment::Variables, gathered: &mut Gathered) -> Option<(PathBuf, String)> {
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
                gathered.problem(name, "ROCKET_CONFIG", "no such file, here or in a directory above");
                None
            }
            (None, None) => None,
        }
    }

    fn give_flags(&self, gathered: &mut Gathered) {
        let Flags { data_dir, address, port, port_is_picked: _, allow_remote: _ } = &self.flags;
        if let Some(path) = data_dir {
            match path.to_str() {
                Some(path) => gathered.put("data_dir", path.into(), "--data-dir"),
                None => gathered.problem("data_dir", "--data-dir", "must be UTF-8"),
            }
        }
        if let Some(address) = address {
            gathered.put("address", address.to_string().into(), "--address");
        }
        if let Some(port) = port {
            gathered.put("port", (*port).into(), "--port");
        }
    }
}
