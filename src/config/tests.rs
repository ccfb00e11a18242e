//! Tests of the configuration: its sources, the values that each key allows, secrets, the combinations of settings, and the
//! generated texts in `Rocket.toml` and `README.md`.

mod combinations;
mod reference;
mod secrets;
mod sources;
mod text_files;
mod values;
mod wrong;

use std::fs;

use super::{Config, Loaded, Profile, Sources, load};

/// Returns sources of the profile `serve`, without a file and without the environment.
fn serve() -> Sources {
    Sources::isolated(Profile::Serve)
}

/// Returns sources of the profile `dev`, without a file and without the environment.
fn dev() -> Sources {
    Sources::isolated(Profile::Dev)
}

/// Returns the configuration of `sources`. Panics with the problems if there are any.
fn config(sources: &Sources) -> Config {
    loaded(sources).config
}

/// Returns the loaded configuration of `sources`, with entries and notes. Panics with the problems if there are any.
fn loaded(sources: &Sources) -> Loaded {
    load(sources).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Returns the problems of `sources`, one line for each. Panics if there is no problem.
fn problems(sources: &Sources) -> Vec<String> {
    let problems = load(sources).expect_err("the configuration should be refused");
    problems.to_string().lines().map(str::to_owned).collect()
}

/// Returns the only problem of `sources`. Panics if there is not exactly one problem.
fn problem(sources: &Sources) -> String {
    let [problem] = problems(sources).try_into().unwrap_or_else(|problems| panic!("not one: {problems:#?}"));
    problem
}

/// A temporary working directory with files, and sources that read these files and the given variables.
struct SourceDirectory {
    directory: tempfile::TempDir,
    sources: Sources,
}

impl SourceDirectory {
    fn new(profile: Profile) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut sources = Sources::isolated(profile);
        sources.directory = Some(directory.path().to_owned());
        Self { directory, sources }
    }

    /// Writes a file in the directory.
    fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.directory.path().join(name), text).unwrap();
        self
    }

    /// Adds an environment variable.
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.push((name.into(), value.into()));
        self
    }

    fn loaded(&self) -> Loaded {
        loaded(&self.sources)
    }

    fn problems(&self) -> Vec<String> {
        problems(&self.sources)
    }

    fn problem(&self) -> String {
        problem(&self.sources)
    }

    /// Returns the effective value of `key`, as JSON text, and its origin.
    fn entry(&self, key: &str) -> (String, String) {
        let entry = self.loaded().config.entries.into_iter().find(|entry| entry.key == key);
        let entry = entry.unwrap_or_else(|| panic!("no entry for {key}"));
        (entry.value.to_string(), entry.origin)
    }
}
