//! `/privacy`: which data the server reads and stores, why, for how long, and how users can see and delete their data. The
//! content depends on the configuration.

use rocket::{State, get};
use serde_json::{Value, json};

use super::{Page, humanize};
use crate::{
    config::FingerprintConsent,
    flows::{Vestibule, vestibule::CLOCK_STEP_MARGIN},
    http::app_state::AppState,
};

/// Returns the privacy page.
#[get("/privacy")]
pub fn privacy_page(vestibule: &State<AppState>) -> Page {
    let config = &vestibule.config;
    let span = |seconds: i64| humanize::span(u64::try_from(seconds).unwrap_or_default());
    // The longest time for which an unused session of any client is kept.
    let idle = config.clients.iter().map(|client| client.refresh_token_lifetime.seconds()).max().unwrap_or_default();
    let context = json!({
        "asks_for_consent": config.devices.consent == FingerprintConsent::Ask,
        "policy": config.devices.fingerprint.as_str(),
        "idle": span(idle + config.tokens.leeway.seconds() + CLOCK_STEP_MARGIN),
        "device_retention": span(config.devices.retention.seconds()),
        "audit_retention": span(config.limits.audit_retention.seconds()),
        // A copy is made at the latest one interval after a deletion, and the copies before it are deleted by their age.
        "backups": config.storage.backups().map(|schedule| span(schedule.max_age() + schedule.interval)),
        "contact": contact(vestibule),
    });
    Page::new("privacy", context)
}

/// Returns the contact as `text` and `link`. The link is a URL, or a `mailto:` URL for an email address; it is null for another
/// text. Returns null if no contact is configured.
pub(super) fn contact(vestibule: &Vestibule) -> Value {
    let Some(contact) = &vestibule.config.web.privacy_contact else { return Value::Null };
    let link = match contact {
        contact if contact.starts_with("https://") || contact.starts_with("http://") => Some(contact.to_string()),
        contact if contact.contains('@') && !contact.contains(char::is_whitespace) => Some(format!("mailto:{contact}")),
        _ => None,
    };
    json!({"text": **contact, "link": link})
}
