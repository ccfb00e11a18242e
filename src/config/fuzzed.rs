//! What `crate::fuzzing` calls of this layer: the sources of the configuration, with the checks of what is printed.

use std::path::Path;

use figment::{
    providers::{Format as _, Toml},
    value::{Dict, Value},
};

use super::{Loaded, Problems, Profile, SCHEMA, Sources, load};

/// A text that a secret of an input contains. It contains no character of a name, so that no message has it by chance.
const MARK: &str = "S3$CR3T";

/// Returns the names of the secret keys, such as `secret_hash` for `clients.<id>.secret_hash`.
fn secrets() -> impl Iterator<Item = &'static str> {
    let secret = SCHEMA.keys().filter(|key| key.secret);
    secret.map(|key| key.name.rsplit_once('.').map_or(key.name, |(_, setting)| setting))
}

/// Reads the configuration file in `directory`, whose content is `data`. No message contains a secret, and the settings that
/// `config show` prints lead to the same settings.
pub(crate) fn file(directory: &Path, data: &[u8]) {
    for profile in [Profile::Serve, Profile::Dev] {
        let sources = sources(directory, profile);
        let text = String::from_utf8_lossy(data);
        let Ok(loaded) = checked(&sources, has_one_secret(&text)) else { continue };
        let mut again = sources;
        for entry in
            loaded.config.entries.iter().filter(|entry| entry.origin != "default" && entry.value != "[redacted]")
        {
            again = again.set(&entry.key, Value::serialize(&entry.value).expect("JSON is a value"));
        }
        match load(&again) {
            Ok(again) => {
                let values = |loaded: &Loaded| -> Vec<_> {
                    loaded.config.entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
                };
                assert_eq!(values(&again), values(&loaded), "the printed settings mean the same");
            }
            Err(problems) => panic!("the printed settings are refused: {problems}"),
        }
    }
}

/// Returns the sources of a program that runs in `directory`.
fn sources(directory: &Path, profile: Profile) -> Sources {
    let mut sources = Sources::isolated(profile);
    sources.directory = Some(directory.to_owned());
    sources
}

/// Returns whether a file has one mark, in the value of a secret. A file that can't be parsed has it if the line is that of a
/// secret.
fn has_one_secret(text: &str) -> bool {
    if text.matches(MARK).count() != 1 {
        return false;
    }
    match Toml::from_str::<Dict>(text) {
        Ok(tables) => is_in_secret(&Value::from(tables)),
        Err(_) => text.lines().any(|line| {
            let value = secrets().find_map(|key| line.strip_prefix(key)).map(str::trim_start);
            value.is_some_and(|value| value.starts_with('=') && value.contains(MARK))
        }),
    }
}

/// Returns whether a value of a secret key contains the mark.
fn is_in_secret(value: &Value) -> bool {
    value.as_dict().is_some_and(|table| {
        table.iter().any(|(key, value)| {
            let is_marked =
                secrets().any(|secret| secret == key) && value.as_str().is_some_and(|text| text.contains(MARK));
            is_marked || is_in_secret(value)
        })
    })
}

/// Reads the file `.env` in `directory`, whose content is `data`. No message contains a secret, and a problem of a line names
/// a line of the file.
pub(crate) fn dotenv(directory: &Path, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let is_secret = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let name = line.split_once('=').map(|(name, _)| name.trim_end().to_ascii_lowercase()).unwrap_or_default();
        line.contains(MARK) && !name.contains('$') && secrets().any(|key| name == format!("vestibule_{key}"))
    };
    let has_one = text.matches(MARK).count() == 1 && text.lines().any(is_secret);
    let sources = sources(directory, Profile::Serve);
    if let Err(problems) = checked(&sources, has_one) {
        let lines = text.split('\n').count();
        for line in problems.iter().filter_map(|problem| problem.subject.strip_prefix("line ")) {
            let number: usize = line.parse().expect("the number of a line");
            assert!((1..=lines).contains(&number), "line {number} of {lines}");
        }
    }
}

/// Reads the sources, and checks what is printed of them.
fn checked(sources: &Sources, has_secret: bool) -> Result<Loaded, Problems> {
    let loaded = load(sources);
    let printed = match &loaded {
        Ok(loaded) => format!("{loaded:?} {:?} {:?}", loaded.config.entries, loaded.config.notes),
        Err(problems) => {
            assert!(problems.iter().count() > 0, "a refusal has a reason");
            for problem in problems.iter() {
                assert!(!problem.message.contains('\n'), "{problem} is one line");
            }
            format!("{problems} {problems:?}")
        }
    };
    assert!(!has_secret || !printed.contains(MARK), "a secret is printed: {printed}");
    loaded
}
