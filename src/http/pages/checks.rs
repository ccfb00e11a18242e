//! The checks of an installation, for the page after the set-up and for the first page of the administration.

use serde_json::{Value, json};

use super::{humanize, texts};
use crate::{config::Profile, domain::address::is_localhost, flows::Vestibule};

/// A check: the key of its sentence in the section `setup` of the texts, and whether there is nothing to do.
pub(super) type Check = (&'static str, bool);

/// Returns the check of the encryption between browsers and the server.
pub(super) fn https(vestibule: &Vestibule) -> Check {
    let url = &vestibule.config.web.public_url;
    let is_local = vestibule.config.profile == Profile::Dev || is_localhost(url.url().host_str().unwrap_or_default());
    match url.scheme() {
        "https" => ("https", true),
        _ if is_local => ("https_local", true),
        _ => ("https_missing", false),
    }
}

/// Returns the check of who can create an account.
pub(super) fn registration(vestibule: &Vestibule) -> Check {
    match vestibule.config.passwords.registration_open {
        true => ("registration_open", vestibule.config.profile == Profile::Dev),
        false => ("registration_closed", true),
    }
}

/// Returns the check of where the root secret is.
pub(super) fn secret(vestibule: &Vestibule) -> Check {
    match vestibule.config.keys.root_secret() {
        Some(_) => ("secret_configured", true),
        None => ("secret_file", true),
    }
}

/// Returns the check of the copies of the database. Its sentence names paths and errors, so only an admin may read it.
pub(super) fn backups(vestibule: &Vestibule) -> Check {
    let state = vestibule.backups.state();
    match (vestibule.config.storage.backups(), state.problem, state.last) {
        (None, ..) => ("backups_off", vestibule.config.profile == Profile::Dev),
        (_, Some(_), Some(_)) => ("backups_failed", false),
        (_, Some(_), None) => ("backups_failed_none", false),
        (_, None, None) => ("backups_none", true),
        (_, None, Some(_)) if state.shares_disk => ("backups_same_disk", true),
        (_, None, Some(_)) => ("backups_made", true),
    }
}

/// Returns the template's values for a check.
pub(super) fn shown(vestibule: &Vestibule, (key, is_good): Check) -> Value {
    json!({"is_good": is_good, "sentence": sentence(vestibule, key)})
}

/// Returns the sentence of a check.
pub(super) fn sentence(vestibule: &Vestibule, key: &str) -> String {
    let storage = &vestibule.config.storage;
    let state = vestibule.backups.state();
    let problem = state.problem.map(|(_, problem)| problem).unwrap_or_default();
    let values = [
        ("{directory}", storage.data_dir.display().to_string()),
        ("{url}", vestibule.config.web.public_url.as_str().to_owned()),
        ("{backups}", storage.backup_dir.display().to_string()),
        ("{interval}", humanize::span(storage.backup_interval.seconds().unsigned_abs())),
        ("{keep}", storage.backup_keep.to_string()),
        ("{when}", state.last.map(humanize::words).unwrap_or_default()),
        ("{problem}", problem),
    ];
    let sentence = texts::find("setup", key).unwrap_or_default().to_owned();
    values.iter().fold(sentence, |sentence, (name, value)| sentence.replace(name, value))
}
