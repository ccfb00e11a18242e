//! `/admin/ui/server`: the signing keys with their forms, the backups, and the settings as they are.

use rocket::{get, post};
use serde_json::{Value, json};

use super::{
    desk::{Desk, UI},
    form::{AdminForm, Halt, Outcome},
    refused::Refused,
};
use crate::{
    config::{Algorithm, Entry},
    flows::{Vestibule, keys::retire_key::retire_key},
    http::{
        admin::keys::{KeyView, RotateBody, replace_key as replace},
        errors::ApiError,
        guards::admin::{KeysRead, KeysWrite},
        pages::{Page, PageResponse, checks, humanize},
        request::{
            body::{Fields, FromFields},
            field::{Field, Kind, required},
        },
    },
    store::signing_keys::{self, KeyStatus},
};

/// Returns the path of the page.
fn address() -> String {
    format!("{UI}/server")
}

/// Returns the page.
#[get("/ui/server")]
pub(super) async fn server_page(desk: Desk<'_>) -> Result<Page, ApiError> {
    page(&desk, None).await
}

async fn page(desk: &Desk<'_>, refused: Option<&Refused>) -> Result<Page, ApiError> {
    desk.check_page::<KeysRead>(refused)?;
    let stored = signing_keys::list(&mut *desk.vestibule.store.read().await?).await?;
    let keys = KeyView::all(desk.vestibule, stored);
    let current = keys.iter().find(|key| key.status == "current").map(|key| short(&key.kid));
    // The settings say where things are on the machine, so only an admin sees them.
    let settings: Option<Vec<Value>> =
        desk.is_admin().then(|| desk.vestibule.config.entries.iter().map(setting).collect());
    let own = json!({
        "keys": keys.iter().map(key).collect::<Vec<_>>(),
        "current": current,
        "is_configured": desk.vestibule.config.keys.secret_key().is_some(),
        "algorithm": desk.vestibule.config.keys.algorithm.as_str(),
        "algorithms": Algorithm::WORDS,
        "backup": desk.is_admin().then(|| checks::sentence(desk.vestibule, checks::backups(desk.vestibule).0)),
        "secret": checks::sentence(desk.vestibule, checks::secret(desk.vestibule).0),
        "settings": settings,
    });
    Ok(desk.page("admin-server", "server", own, refused))
}

/// The number of characters of an id that are typed to confirm the end of a key.
const NAME: usize = 8;

/// Returns the beginning of the id of a key, which is typed to confirm the end of the key.
fn short(kid: &str) -> String {
    kid.chars().take(NAME).collect()
}

/// Returns the template's values for a key.
fn key(key: &KeyView) -> Value {
    json!({
        "kid": key.kid,
        "name": short(&key.kid),
        "algorithm": key.algorithm,
        "status": key.status,
        "created_at": key.created_at.map(humanize::instant),
        "signs_from": key.signs_from.map(humanize::instant),
        "retires_at": key.retires_at.map(humanize::instant),
    })
}

/// Returns the template's values for a setting. An application that does not load its configuration from here has no settings.
fn setting(entry: &Entry) -> Value {
    let value = match &entry.value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    };
    json!({"key": entry.key, "value": value, "origin": entry.origin, "is_default": entry.origin == "default"})
}

/// Returns the page after a form: the refusal, or what has changed.
async fn respond<R>(outcome: Outcome<'_, R>, notice: &str) -> Result<PageResponse, Halt> {
    match outcome.result {
        Ok(_) => Ok(outcome.desk.to(&address(), notice)),
        Err(refused) => Ok(page(&outcome.desk, Some(&refused)).await?.into()),
    }
}

/// Replaces the key that signs. The new key is published first.
#[post("/ui/server/replace-key", data = "<form>")]
pub(super) async fn replace_key_form(form: AdminForm<'_, KeysWrite, RotateBody>) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .carry_out(async |body: RotateBody, acting| {
            replace(vestibule, RotateBody { at_once: false, ..body }, &acting).await
        })
        .await?;
    respond(outcome, "key_published").await
}

/// Replaces the key that signs at once. The beginning of its id must be typed: applications that have not read the new key
/// yet refuse tokens.
#[post("/ui/server/replace-key-at-once", data = "<form>")]
pub(super) async fn replace_key_at_once_form(form: AdminForm<'_, KeysWrite, RotateBody>) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    form.desk().check::<KeysWrite>()?;
    let stored = signing_keys::list(&mut *vestibule.store.read().await?).await?;
    let current = stored.into_iter().find(|key| key.status == KeyStatus::Current).map(|key| short(&key.kid));
    let outcome = form
        .require_typed(&current.unwrap_or_default())
        .carry_out(async |body: RotateBody, acting| {
            replace(vestibule, RotateBody { at_once: true, ..body }, &acting).await
        })
        .await?;
    respond(outcome, "key_replaced").await
}

/// The key to remove.
pub(super) struct OneKey(String);

impl FromFields for OneKey {
    const FIELDS: &'static [Field] = &[required("kid", Kind::Opaque, "The id of the key.")];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        fields.required("kid", |text| Ok::<_, &str>(text.to_owned())).map(Self)
    }
}

/// Removes a key. The beginning of its id must be typed: tokens that it signed are refused from then on.
#[post("/ui/server/remove-key", data = "<form>")]
pub(super) async fn remove_key_form(form: AdminForm<'_, KeysWrite, OneKey>) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let name = short(form.text("kid"));
    let outcome = form
        .require_typed(&name)
        .carry_out(async |OneKey(kid), acting| retire_key(vestibule, &kid, &acting).await)
        .await?;
    respond(outcome, "key_removed").await
}
