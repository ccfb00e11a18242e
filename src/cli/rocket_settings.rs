//! Rocket's own settings: the values that Rocket would refuse or panic at, and those that have no effect on this server.

use std::num::NonZeroUsize;

use rocket::figment::{self, Figment, Metadata, error::Kind, providers::Serialized, value::Dict};

use crate::config::{Problem, shorten};

/// Rocket's own settings that have no effect on this server, each with the reason.
const WITHOUT_EFFECT: [(&str, &str); 6] = [
    ("keep_alive", "must be 0 or absent; idle_timeout sets how long a connection is kept"),
    ("limits", "has no effect, since the body of a request has at most 64 KiB; remove it"),
    ("shutdown.mercy", "has no effect; shutdown_grace sets how long requests may take to finish"),
    ("tls.ciphers", "is not supported; remove it"),
    ("tls.mutual", "is not supported; remove it"),
    ("tls.prefer_server_cipher_order", "is not supported; remove it"),
];

/// Returns the problems of Rocket's own settings: values that Rocket would refuse, and values at which it would panic.
///
/// Rocket reads the settings of its runtime from `Rocket.toml` and the environment, even if `--config` names another file. So
/// they are checked in both places. `another_file` is whether `--config` or `VESTIBULE_CONFIG` names one.
pub(super) fn rocket_problems(settings: &Figment, another_file: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_runtime(settings, &mut problems);
    let of_rocket: Dict = settings.extract().unwrap_or_default();
    // Each setting is checked alone, because Rocket reports only the first problem.
    for (key, value) in of_rocket {
        // These are also settings of this program, which checks them itself.
        if matches!(key.as_str(), "address" | "port" | "tls") {
            continue;
        }
        let alone = Figment::from(rocket::Config::release_default()).merge(Serialized::global(&key, value));
        if let Err(error) = rocket::Config::try_from(alone) {
            let problem = problem_of(settings, &key, &error);
            if !problems.iter().any(|told| told.subject == problem.subject) {
                problems.push(problem);
            }
        }
    }
    for (key, message) in WITHOUT_EFFECT {
        if let Ok(value) = settings.find_value(key)
            && !(key == "keep_alive" && serde_json::to_value(&value).is_ok_and(|value| value == 0))
            && !problems.iter().any(|told| told.subject.starts_with(key))
        {
            problems.push(problem(settings, key, message));
        }
    }
    let runtime = rocket::Config::figment();
    match runtime.find_value("workers") {
        Err(error) if !error.missing() => {
            // The text of the error quotes the file, which may contain secrets, so it is left out. If the same file is also the
            // configuration of this program, its problem was already reported.
            let problem = Problem {
                subject: "Rocket.toml".to_owned(),
                value: None,
                origin: Some("the working directory or a parent".to_owned()),
                message:
                    "not TOML, and Rocket reads it in addition to the file that you named; correct it or move it away"
                        .to_owned(),
            };
            problems.extend(another_file.then_some(problem));
        }
        _ => check_runtime(&runtime, &mut problems),
    }
    problems
}

/// Checks the settings that Rocket reads when it starts its runtime and when it stops, in addition to `rocket::Config`. Adds
/// their problems to `problems`, at most one for each setting.
fn check_runtime(settings: &Figment, problems: &mut Vec<Problem>) {
    let errors = [
        ("workers", settings.extract_inner::<NonZeroUsize>("workers").err()),
        ("max_blocking", settings.extract_inner::<NonZeroUsize>("max_blocking").err()),
        // If `shutdown` is not a table, Rocket finds no `force` in it and panics.
        ("shutdown", settings.extract_inner::<Dict>("shutdown").err()),
        ("shutdown.force", settings.extract_inner::<bool>("shutdown.force").err()),
    ];
    for (key, error) in errors {
        // A missing setting has a default.
        if let Some(error) = error.filter(|error| !error.missing())
            && !problems.iter().any(|problem| key.starts_with(&problem.subject))
        {
            problems.push(problem_of(settings, key, &error));
        }
    }
}

/// Returns the problem that `error` reports: of Rocket's own setting `key`, or of a setting in the table `key`. With an empty
/// `key`, the error alone names the setting.
pub(super) fn problem_of(settings: &Figment, key: &str, error: &figment::Error) -> Problem {
    // The path of the error names the setting within the table, such as `limits.json`. Figment's own names are left out.
    let inner: Vec<&str> = error.path.iter().map(String::as_str).filter(|name| !name.starts_with("___")).collect();
    let inner = inner.join(".");
    let setting = if inner.starts_with(key) { &inner } else { key };
    let message = match &error.kind {
        Kind::InvalidType(_, wanted) | Kind::InvalidValue(_, wanted) | Kind::InvalidLength(_, wanted) => {
            let wanted = match wanted.as_str() {
                "u16" | "u32" | "usize" => "a whole number",
                "a nonzero usize" => "a whole number above 0",
                "byte unit string" => "a size such as 1MiB",
                "a map" | "struct Shutdown" => "a table",
                "path string" => "a path",
                other => other,
            };
            format!("must be {wanted}")
        }
        Kind::UnknownVariant(_, words) => format!("must be one of {}", words.join(", ")),
        other => other.to_string().replace('\n', " "),
    };
    problem(settings, setting, &message)
}

/// Returns the problem of a setting of Rocket, such as `limits.json`. The value and the origin come from `settings`. If it has
/// no such value, the origin is that of the table.
fn problem(settings: &Figment, setting: &str, message: &str) -> Problem {
    let value = settings.find_value(setting).ok().and_then(|value| serde_json::to_value(value).ok());
    let table = setting.split('.').next().unwrap_or_default();
    let source = settings.find_metadata(setting).or_else(|| settings.find_metadata(table));
    let (value, origin) = (value.as_ref().map(shorten), source.map(origin));
    Problem { subject: setting.to_owned(), value, origin, message: message.to_owned() }
}

/// Returns the name of a source for messages: the path of a file, or the name of the provider.
fn origin(metadata: &Metadata) -> String {
    let file = metadata.source.as_ref().and_then(|source| source.file_path());
    file.map_or_else(|| metadata.name.to_string(), |path| path.display().to_string())
}
