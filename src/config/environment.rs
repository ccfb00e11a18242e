//! The environment and the file `.env`. `VESTIBULE_<KEY>` sets a key of this program, `ROCKET_<KEY>` a setting of Rocket.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use figment::{Profile, util::nest, value::Value};

use super::{
    gathered::{DOTENV, Gathered},
    schema::TABLES,
};
use crate::files::{dotenv, is_planted, read_bytes};

/// The prefix of the variables that set keys of this program.
const OWN_PREFIX: &str = "VESTIBULE_";
/// The prefix of the variables that set Rocket's own settings.
const ROCKET_PREFIX: &str = "ROCKET_";

/// The variables that begin with `VESTIBULE_` or `ROCKET_`.
#[derive(Default, Clone)]
pub(super) struct Variables(BTreeMap<String, Variable>);

/// The value of a variable, and its line in `.env`, from 1. `None` in the environment.
type Variable = (String, Option<usize>);

impl Variables {
    /// Returns the variables of `environment` with either prefix. Records a problem for a value that is not UTF-8.
    pub(super) fn of(environment: &[(OsString, OsString)], gathered: &mut Gathered) -> Self {
        let mut variables = Self::default();
        for (name, value) in environment {
            let Some(name) = name.to_str().filter(|name| has_known_prefix(name)) else { continue };
            match value.to_str() {
                Some(value) => drop(variables.0.insert(name.to_owned(), (value.to_owned(), None))),
                None => gathered.problem(name, "the environment", "must be UTF-8"),
            }
        }
        variables
    }

    /// Returns the value of a variable; `None` if the variable is not set.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|(value, _)| value.as_str())
    }

    /// Passes the values to `gathered`, and records a problem for each unknown key. `file` is the file of the variables, or
    /// `None` for the environment.
    pub(super) fn give(self, gathered: &mut Gathered, file: Option<&str>) {
        let mut ignored = Vec::new();
        for (name, (value, line)) in &self.0 {
            let origin = file.unwrap_or(name);
            let at = line.map_or_else(String::new, |line| format!(", line {line}"));
            let place = file.map_or_else(|| name.clone(), |file| format!("{name} in {file}{at}"));
            if let Some(suffix) = name.strip_prefix(OWN_PREFIX) {
                let key = suffix.to_ascii_lowercase().replacen("tls_", "tls.", 1);
                if key == "config" {
                    // It names the file, which was read already.
                } else if is_injected(suffix, value) {
                    ignored.push(name.as_str());
                } else if gathered.schema.find(&key).is_some() {
                    gathered.put(&key, value.as_str().into(), origin);
                    gathered.lines.extend(line.map(|line| (key, line)));
                } else if TABLES.iter().any(|table| key == *table || key.starts_with(&format!("{table}_"))) {
                    gathered.problem(&key, &place, "is a table, which only the file can give");
                } else {
                    gathered.unknown(&key, &place);
                }
            } else if let Some(suffix) = name.strip_prefix(ROCKET_PREFIX) {
                let key = suffix.to_ascii_lowercase();
                if matches!(key.as_str(), "profile" | "config") {
                    if file.is_some() {
                        gathered.notes.push(format!("{place} has no effect; set it in the environment"));
                    }
                    continue;
                }
                // Rocket's own provider for the environment reads a value in the same way: a name with dots is nested, and a
                // value such as `{json=x}` is a table.
                let Ok(value) = value.parse::<Value>();
                if let Value::Dict(_, settings) = nest(&key, value) {
                    settings.iter().for_each(|(setting, value)| gathered.put_from_rocket(setting, value, origin));
                    gathered.merge_rocket(place, Profile::Global.collect(settings));
                }
            }
        }
        if !ignored.is_empty() {
            let names = ignored.join(", ");
            gathered.notes.push(format!(
                "ignored: {names}; Kubernetes sets such variables for a service whose name begins with vestibule"
            ));
        }
    }
}

/// Returns whether a variable begins with `VESTIBULE_` or `ROCKET_`.
fn has_known_prefix(name: &str) -> bool {
    name.starts_with(OWN_PREFIX) || name.starts_with(ROCKET_PREFIX)
}

/// Returns whether Kubernetes injected a variable. Kubernetes sets variables such as `<SERVICE>_SERVICE_HOST` and
/// `<SERVICE>_PORT=tcp://…` for each service in every container. If a service is called `vestibule` or `vestibule-…`, these
/// variables begin with the prefix of this program. `suffix` is the name without the prefix.
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

/// Returns the variables in `.env` with either prefix; `None` if the file does not exist or can't be read. Records a problem
/// for a file that can't be read, and for each line of these variables that can't be read. Other lines are for other programs,
/// so they are ignored. The environment of the process is not changed.
pub(super) fn dotenv(directory: &Path, gathered: &mut Gathered) -> Option<Variables> {
    let path = directory.join(DOTENV);
    // A directory with the name `.env` is a virtual environment of Python, so it is ignored.
    if !path.is_file() {
        return None;
    }
    let text = match is_planted(&path) {
        true => {
            Err("belongs to another user, and everybody can write here; run the command in another directory".into())
        }
        false => read_bytes(&path),
    };
    let text = text.map_err(|wrong| gathered.problem(DOTENV, "the working directory", &wrong)).ok()?;
    let mut variables = Variables::default();
    // `VESTIBULE PORT=1`, with a space instead of `_`, is probably a mistake, so it is refused and not ignored.
    let is_ours = |line: &str| has_known_prefix(line) || line.starts_with("VESTIBULE ");
    for (line, variable) in dotenv::variables(&text, is_ours) {
        match variable {
            Ok((name, value)) => drop(variables.0.insert(name, (value, Some(line)))),
            Err(wrong) => gathered.problem(&format!("line {line}"), DOTENV, wrong),
        }
    }
    Some(variables)
}
