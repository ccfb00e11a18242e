//! The environment and `.env`: `VESTIBULE_<KEY>` for us, `ROCKET_<KEY>` for Rocket.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use figment::{Profile, util::nest, value::Value};

use super::gathered::Gathered;

const OURS: &str = "VESTIBULE_";
const ROCKETS: &str = "ROCKET_";

/// The variables with either prefix.
#[derive(Default, Clone)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Returns the variables of `environment` with either prefix.
    pub(super) fn of(environment: &[(OsString, OsString)], gathered: &mut Gathered) -> Self {
        let mut variables = Self::default();
        for (name, value) in environment {
            let Some(name) = name.to_str().filter(|name| concerns_us(name)) else { continue };
            match value.to_str() {
                Some(value) => drop(variables.0.insert(name.to_owned(), value.to_owned())),
                None => gathered.problem(name, "the environment", "must be UTF-8"),
            }
        }
        variables
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Adds the values to `gathered`. `origin` returns the origin of a variable, given its name.
    pub(super) fn give(self, gathered: &mut Gathered, origin: impl Fn(&str) -> String) {
        let mut ignored = Vec::new();
        for (name, value) in &self.0 {
            let place = || match origin(name) {
                origin if origin == *name => origin,
                origin => format!("{name} in {origin}"),
            };
            if let Some(suffix) = name.strip_prefix(OURS) {
                let key = suffix.to_ascii_lowercase();
                if is_injected(suffix, value) {
                    ignored.push(name.as_str());
                } else if key == "clients" || key.starts_with("clients_") {
                    gathered.problem(&key, name, "is a table, which only the file can give");
                } else if gathered.schema.find(&key).is_some() {
                    gathered.put(&key, value.as_str().into(), &origin(name));
                } else {
                    gathered.unknown(&key, &place());
                }
            } else if let Some(suffix) = name.strip_prefix(ROCKETS) {
                let key = suffix.to_ascii_lowercase();
                match key.as_str() {
                    "profile" | "config" => continue,
                    "address" | "port" => gathered.put_from_rocket(&key, value.as_str().into(), &origin(name)),
                    _ => {}
                }
                // As Rocket's provider for the environment reads them.
                let Ok(value) = value.parse::<Value>();
                if let Value::Dict(_, settings) = nest(&key, value) {
                    gathered.merge_rocket(place(), Profile::Global.collect(settings));
                }
            }
        }
        if !ignored.is_empty() {
            let names = ignored.join(", ");
            gathered.notes.push(format!("ignored, as what Kubernetes injects for a service of that name: {names}"));
        }
    }
}

fn concerns_us(name: &str) -> bool {
    name.starts_with(OURS) || name.starts_with(ROCKETS)
}

/// Returns whether Kubernetes injected a variable. It gives every container `<SERVICE>_SERVICE_HOST`,
/// `<SERVICE>_PORT=tcp://…` and their like; a service called `vestibule`, or `vestibule-…`, makes them look like ours.
fn is_injected(suffix: &str, value: &str) -> bool {
    let protocols = ["TCP", "UDP", "SCTP"];
    let parts: Vec<&str> = suffix.split('_').collect();
    let is_url = protocols.iter().any(|protocol| value.starts_with(&format!("{}://", protocol.to_ascii_lowercase())));
    (is_url && parts.last() == Some(&"PORT"))
        || parts.ends_with(&["SERVICE", "HOST"])
        || parts.windows(2).any(|pair| pair == ["SERVICE", "PORT"])
        || parts.windows(3).any(|parts| {
            parts[0] == "PORT" && parts[1].bytes().all(|byte| byte.is_ascii_digit()) && protocols.contains(&parts[2])
        })
}

/// Returns the variables in `.env`; `None` if there is no such file. The environment of the process is not changed.
pub(super) fn dotenv(directory: &Path, gathered: &mut Gathered) -> Option<Variables> {
    let path = directory.join(".env");
    // A directory of that name is a Python environment.
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            if path.is_file() {
                gathered.problem(".env", "the working directory", &format!("can't be read: {error}"));
            }
            return None;
        }
    };
    let mut variables = Variables::default();
    for line in dotenvy::from_read_iter(text.as_bytes()) {
        match line {
            Ok((name, value)) if concerns_us(&name) => drop(variables.0.insert(name, value)),
            Ok(_) => {}
            // Without the text that dotenvy quotes: it may be a secret.
            Err(dotenvy::Error::LineParse(wrong, _)) => {
                let number = text.lines().position(|line| line.trim() == wrong.trim()).map(|place| place + 1);
                let subject = number.map_or("a line".to_owned(), |number| format!("line {number}"));
                gathered.problem(&subject, ".env", "is not NAME=value");
            }
            Err(_) => gathered.problem("a line", ".env", "can't be read"),
        }
    }
    Some(variables)
}
