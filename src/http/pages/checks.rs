//! The checks of an installation, for the page after the set-up and for the first page of the administration.

use serde_json::{Value, json};

use super::texts;
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
    match vestibule.config.keys.root_secret {
        Some(_) => ("secret_configured", true),
        None => ("secret_file", true),
    }
}

/// The check of the backups.
pub(super) const BACKUPS: Check = ("backups", false);

/// Returns the template's values for a check.
pub(super) fn shown(vestibule: &Vestibule, (key, is_good): Check) -> Value {
    json!({"is_good": is_good, "sentence": sentence(vestibule, key)})
}

/// Returns the sentence of a check.
pub(super) fn sentence(vestibule: &Vestibule, key: &str) -> String {
    let directory = vestibule.config.storage.data_dir.display().to_string();
    let sentence = texts::find("setup", key).unwrap_or_default();
    sentence.replace("{directory}", &directory).replace("{url}", vestibule.config.web.public_url.as_str())
}
