//! `/account`: the page with the account of the signed-in user, the user's devices, and the forms that change them.

use rocket::{
    Request, State, get,
    http::Header,
    response::{self, Responder},
};
use serde_json::{Value, json};

use super::{Page, admin::reads_anything, failure::Failure, humanize, signed_in::SignedIn, texts};
use crate::{
    config::FingerprintPolicy,
    domain::{AccessClaims, session::Session},
    flows::Vestibule,
    http::{
        api::{
            export::{ExportResponse, export_of},
            users,
        },
        app_state::AppState,
        errors::ApiError,
        request::caller::Caller,
    },
    store,
};

/// Returns the account page. The query parameter `notice` selects a sentence about the form that was sent before; an unknown
/// value is ignored.
#[get("/account?<notice>")]
pub async fn account_page(
    who: SignedIn,
    notice: Option<&str>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Page, ApiError> {
    page(vestibule, who.0.claims(), caller, texts::notice(notice), None).await
}

/// Returns the account page with the current state. `notice` or `failure` reports the result of a form. If there is a
/// `failure`, the response has its status. Fails if the account was deleted.
pub(super) async fn page(
    vestibule: &Vestibule,
    claims: &AccessClaims,
    caller: &Caller,
    notice: Option<&'static str>,
    failure: Option<Failure>,
) -> Result<Page, ApiError> {
    let mut reader = vestibule.store.read().await?;
    let user = store::users::find(&mut reader, claims.sub).await?.ok_or_else(users::account_deleted)?;
    let mut live = store::sessions::list_live_by_user(&mut reader, claims.sub, caller.context().now).await?;
    let link_used_at = store::one_time_tokens::find_last_use(&mut reader, claims.sub).await?;
    drop(reader);
    // The session of this request is listed first. The sort is stable, so the other sessions stay in the order of their last
    // use.
    live.sort_by_key(|session| session.id != claims.sid);
    let devices: Vec<Value> = live.iter().map(|session| device(session, claims)).collect();
    // The script refreshes the session. It reads the browser only if the session needs it.
    let is_read = vestibule.config.devices.fingerprint != FingerprintPolicy::Off;
    let is_bound =
        is_read && live.first().is_some_and(|session| session.id == claims.sid && session.fingerprint.is_some());
    let context = json!({
        "fingerprint": if is_bound { "on" } else { "off" },
        "csrf_token": vestibule.csrf_token(claims.sid),
        "notice_text": notice,
        "error": failure.as_ref().map(Failure::sentence),
        "wait": failure.as_ref().and_then(Failure::wait),
        "problems": failure.as_ref().map_or_else(|| json!({}), Failure::problems),
        "user": {
            "name": user.username.as_ref().or(user.email.as_ref()),
            "email": user.email,
            "created_at": humanize::instant(user.created_at),
        },
        "devices": devices,
        "is_administrator": reads_anything(claims),
        "link_used_at": link_used_at.map(humanize::instant),
        "password_min_length": vestibule.config.passwords.min_length,
    });
    let page = Page::new("account", context);
    Ok(match failure {
        Some(failure) => failure.on(page),
        None => page,
    })
}

/// Returns the template's values for one session. The page presents a session as a device.
fn device(session: &Session, claims: &AccessClaims) -> Value {
    json!({
        "id": session.id.to_string(),
        "name": session.device_name,
        "current": session.id == claims.sid,
        "last_used_at": humanize::instant(session.last_used_at),
        "created_at": humanize::instant(session.created_at),
        "bound": session.is_bound(),
        "repeated_at": session.repeated.as_ref().map(|repeat| humanize::instant(repeat.at)),
        "repeated_ip": session.repeated.as_ref().and_then(|repeat| repeat.ip.as_deref()),
    })
}

/// A response with the exported data, which the browser saves as a file.
pub struct Download(ExportResponse);

impl<'r> Responder<'r, 'r> for Download {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'r> {
        let mut response = self.0.respond_to(request)?;
        response.set_header(Header::new("Content-Disposition", "attachment; filename=\"my-data.json\""));
        Ok(response)
    }
}

/// Returns the export of the user's data, without secrets and internal values, as a file.
#[get("/account/export")]
pub async fn export(who: SignedIn, vestibule: &State<AppState>, caller: &Caller) -> Result<Download, ApiError> {
    export_of(&who.0, vestibule, caller).await.map(Download)
}
