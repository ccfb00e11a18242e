//! `/account`: the page with the account of the signed-in user, the user's devices, and the forms that change them.

use rocket::{
    Request, State, get,
    http::Header,
    response::{self, Responder},
};
use serde_json::{Value, json};

use super::{Page, admin::reads_anything, devices, failure::Failure, humanize, signed_in::SignedIn, texts};
use crate::{
    config::FingerprintPolicy,
    domain::AccessClaims,
    flows::Vestibule,
    http::{
        api::{
            export::{ExportResponse, export_of},
            users,
        },
        app_state::AppState,
        browser::cookies::Cookies,
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
    cookies: Cookies<'_>,
) -> Result<Page, ApiError> {
    let shown = Shown { notice: texts::notice(notice), ..Shown::default() };
    page(vestibule, who.0.claims(), caller, cookies, shown).await
}

/// What the account page displays beside the account: the result of a form.
#[derive(Default)]
pub(super) struct Shown {
    /// A sentence about the form that was sent before.
    pub notice: Option<&'static str>,
    /// Why a form was refused. The page then has its status.
    pub failure: Option<Failure>,
    /// The username and the address that were typed into the form that was refused.
    pub typed: Option<(String, String)>,
}

impl From<Failure> for Shown {
    fn from(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

/// Returns the account page with the current state, and with the result of a form. Fails if the account was deleted.
pub(super) async fn page(
    vestibule: &Vestibule,
    claims: &AccessClaims,
    caller: &Caller,
    cookies: Cookies<'_>,
    shown: Shown,
) -> Result<Page, ApiError> {
    let now = caller.context().now;
    let mut reader = vestibule.store.read().await?;
    let user = store::users::find(&mut reader, claims.sub).await?.ok_or_else(users::account_deleted)?;
    let mut live = store::sessions::list_live_by_user(&mut reader, claims.sub, now).await?;
    let link_used_at = store::one_time_tokens::find_last_use(&mut reader, claims.sub).await?;
    drop(reader);
    // The session of this request is listed first. The sort is stable, so the other sessions stay in the order of their last
    // use.
    live.sort_by_key(|session| session.id != claims.sid);
    let seen = devices::last_visit(cookies, claims.sub, now);
    let listed: Vec<Value> = live.iter().map(|session| devices::device(session, Some(claims.sid), seen)).collect();
    // The script refreshes the session. It reads the browser only if the session needs it.
    let is_read = vestibule.config.devices.fingerprint != FingerprintPolicy::Off;
    let is_bound =
        is_read && live.first().is_some_and(|session| session.id == claims.sid && session.fingerprint.is_some());
    let failure = shown.failure.as_ref();
    let stored = || (user.username.clone().unwrap_or_default(), user.email.clone().unwrap_or_default());
    let (username, email) = shown.typed.unwrap_or_else(stored);
    let field = vestibule.config.passwords.username_field;
    let context = json!({
        "fingerprint": if is_bound { "on" } else { "off" },
        "tells_bound": is_read,
        "csrf_token": vestibule.csrf_token(claims.sid),
        "notice_text": shown.notice,
        "error": failure.map(Failure::sentence),
        "wait": failure.and_then(Failure::wait),
        "problems": failure.map_or_else(|| json!({}), Failure::problems),
        "user": {
            "name": user.username.as_ref().or(user.email.as_ref()),
            "email": user.email,
            "created_at": humanize::instant(user.created_at),
        },
        "typed": {"username": username, "email": email},
        "username_field": field.as_str(),
        "devices": listed,
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
