//! The sources of values, in the order in which a later source replaces an earlier source: the file, `.env`, the environment,
//! the flags of the command line, the overrides of the program.
//!
//! The files are read only during [`load`](super::load). The environment of the process is never changed.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use figment::{Figment, value::Value};

use super::{
    environment, file,
    gathered::{DOTENV, Gathered},
    schema::Schema,
};
use crate::{
    config::Profile,
    files::{PLANTED, is_planted},
};

/// The variable that names the configuration file, as `--config` does.
const CONFIG: &str = "VESTIBULE_CONFIG";

/// The variable with which hosting platforms choose the port.
pub(super) const PORT: &str = "PORT";

/// The origin of a free port. The next start has a different port.
pub(super) const FREE_PORT: &str = "chosen at the start";

/// The sources of the configuration. The type does not implement `Debug`, because the environment may contain secrets.
#[derive(Clone, Default)]
pub struct Sources {
    /// The profile. It determines the defaults, and the tables of the file that are read.
    pub profile: Profile,
    /// The path from `--config FILE`. `None` if `Rocket.toml` is searched.
    pub config_file: Option<PathBuf>,
    /// Whether the profile `dev` may listen on an address that other machines can reach.
    pub may_be_remote: bool,
    /// The file that is read if `Rocket.toml` is absent or has no table `auth`.
    pub(crate) system_file: Option<PathBuf>,
    /// Whether the variable `PORT` of hosting platforms is used, if its value is a number. Every other source of the port
    /// replaces it.
    pub(crate) has_port_of_host: bool,
    /// The working directory. `.env` is read from it; `Rocket.toml` is searched in it and in its parents. `None` for
    /// isolated sources, or if it is unknown.
    pub(super) directory: Option<PathBuf>,
    /// The environment variables, with all prefixes.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// The keys that the command line and the program set, with their values and origins.
    overrides: Vec<(String, Value, &'static str)>,
}

impl Sources {
    /// Returns the sources of a process that an operator starts: `config_file`; `.env` in the working directory; the
    /// environment. If `config_file` is `None`, `Rocket.toml` is searched in the working directory and in its parents, as
    /// Rocket does.
    pub fn of_process(profile: Profile, config_file: Option<PathBuf>) -> Self {
        let directory = env::current_dir().ok();
        let environment = env::vars_os().collect();
        Self { config_file, directory, environment, ..Self::isolated(profile) }
    }

    /// Returns sources without a file, environment and flags, for tests and for programs that embed the server. The module
    /// documentation has an example.
    pub fn isolated(profile: Profile) -> Self {
        Self { profile, ..Self::default() }
    }

    /// Sets a key, such as `issuer` or `clients.web.audience`. This value replaces the value of every other source.
    #[must_use]
    pub fn set(self, key: &str, value: impl Into<Value>) -> Self {
        self.set_from("set by the program", key, Some(value))
    }

    /// Sets a key to a value whose origin is `origin`, such as the option `--port`. Does nothing if `value` is `None`.
    #[must_use]
    pub(crate) fn set_from(mut self, origin: &'static str, key: &str, value: Option<impl Into<Value>>) -> Self {
        self.overrides.extend(value.map(|value| (key.to_owned(), value.into(), origin)));
        self
    }

    /// Sets the port to a free port, which was chosen because the configured port is 0.
    pub(crate) fn with_free_port(self, port: u16) -> Self {
        self.set_from(FREE_PORT, "port", Some(port))
    }

    /// Reads all sources. A value of a later source replaces the value of an earlier source.
    pub(super) fn gather(&self, schema: Schema) -> Gathered {
        let system_file = self.system_file.as_ref().map(|file| file.display().to_string());
        let mut gathered = Gathered::new(schema, system_file);
        let environment = environment::Variables::of(&self.environment, &mut gathered);
        let dotenv = self.directory.as_deref().and_then(|directory| environment::dotenv(directory, &mut gathered));
        let dotenv = dotenv.unwrap_or_default();

        let profile = self.figment_profile(&environment);
        gathered.rocket = Figment::new().select(profile.clone());
        // Like Rocket's own port, it gives way to every other source of the port.
        if let Some(port) = self.port_of_host() {
            gathered.put_from_rocket("port", &port.into(), PORT);
        }
        if let Some((path, name)) = self.file(&environment, &dotenv, &mut gathered) {
            file::read(&path, &name, &profile, &mut gathered);
        }
        dotenv.give(&mut gathered, Some(DOTENV));
        environment.give(&mut gathered, None);
        for (key, value, origin) in &self.overrides {
            gathered.put(key, value.clone(), origin);
        }
        gathered.complete();
        gathered
    }

    /// Returns the port that a hosting platform chose; `None` if it is not used, or if the value is not a number.
    fn port_of_host(&self) -> Option<&str> {
        let variable = self.environment.iter().find(|(name, _)| self.has_port_of_host && name == PORT);
        let port = variable.and_then(|(_, port)| port.to_str())?;
        Some(port).filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Returns the profile of the file's tables: `dev` for `dev`; for `serve` the value of `ROCKET_PROFILE` in the environment,
    /// or `release`.
    fn figment_profile(&self, environment: &environment::Variables) -> figment::Profile {
        match self.profile {
            Profile::Serve => environment.get("ROCKET_PROFILE").unwrap_or("release").into(),
            Profile::Dev => "dev".into(),
        }
    }

    /// Returns the path of the file to read, and its name in messages. `None` if no file was named and none was found. Also
    /// `None`, with a problem, if the file of `VESTIBULE_CONFIG` or `ROCKET_CONFIG` does not exist, or if another user may have
    /// put the file there.
    fn file(
        &self,
        environment: &environment::Variables,
        dotenv: &environment::Variables,
        gathered: &mut Gathered,
    ) -> Option<(PathBuf, String)> {
        let directory = self.directory.as_deref().unwrap_or(Path::new(""));
        let named = environment.get(CONFIG).or(dotenv.get(CONFIG)).filter(|named| !named.is_empty());
        gathered.names_file = self.config_file.is_some() || named.is_some();
        if let Some(named) = &self.config_file {
            return Some((directory.join(named), named.display().to_string()));
        }
        if let Some(named) = named {
            let path = directory.join(named);
            if !path.is_file() {
                gathered.problem(named, CONFIG, "no such file");
            }
            return path.is_file().then(|| (path, named.to_owned()));
        }
        let named = environment.get("ROCKET_CONFIG");
        let name = named.unwrap_or("Rocket.toml");
        let mut above = self.directory.as_ref()?.ancestors();
        let found = above.find(|directory| directory.join(name).is_file());
        if let Some(planted) = found.map(|found| found.join(name)).filter(|path| is_planted(path)) {
            gathered.problem(&planted.display().to_string(), "found by its name", PLANTED);
            return None;
        }
        let is_ours = named.is_some() || found.is_some_and(|found| file::has_ours(&found.join(name)));
        if let Some(system) = self.system_file.as_ref().filter(|system| !is_ours && system.is_file()) {
            return Some((system.clone(), system.display().to_string()));
        }
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
}
