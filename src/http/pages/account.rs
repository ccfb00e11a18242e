//! `/account`: who is signed in, where, and what they can do about it.

use rocket::{
    Request, State, get,
    http::Header,
    response::{self, Responder},
    serde::json::Json,
};
use serde_json::{Value, json};

use super::{Page, failure::Failure, humanize, signed_in::SignedIn, texts};
use crate::{
    domain::{AccessClaims, session::Session},
    flows::Vestibule,
    http::{
        api::users::{self, ExportView},
        app_state::AppState,
        errors::ApiError,
        request::caller::Caller,
    },
    store,
};

/// The page.
#[get("/account?<notice>")]
pub async fn account_page(
    who: SignedIn,
    notice: Option<&str>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Page, ApiError> {
    page(vestibule, who.0.claims(), caller, texts::notice(notice), None).await
}

/// The page as things stand now, with what became of the form that was sent.
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
    drop(reader);
    // This device first, then the latest used.
    live.sort_by_key(|session| session.id != claims.sid);
    let devices: Vec<Value> = live.iter().map(|session| device(session, claims)).collect();
    let context = json!({
        "csrf_token": vestibule.csrf_token(claims.sid),
        "notice_text": notice,
        "error": failure.as_ref().map(Failure::sentence),
        "problems": failure.as_ref().map_or_else(|| json!({}), Failure::problems),
        "user": {
            "name": user.username.as_ref().or(user.email.as_ref()),
            "email": user.email,
            "created_at": humanize::instant(user.created_at),
        },
        "devices": devices,
        "password_min_length": vestibule.config.passwords.min_length,
    });
    let page = Page::new("account", context);
    Ok(match failure {
        Some(failure) => page.refused(failure.status, failure.retry_after),
        None => page,
    })
}

fn device(session: &Session, claims: &AccessClaims) -> Value {
    json!({
        "id": session.id.to_string(),
        "name": session.device_name,
        "current": session.id == claims.sid,
        "last_used_at": humanize::instant(session.last_used_at),
        "created_at": humanize::instant(session.created_at),
        "bound": session.is_bound(),
    })
}

/// A file to keep.
pub struct Download(Json<ExportView>);

impl<'r> Responder<'r, 'static> for Download {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = self.0.respond_to(request)?;
        response.set_header(Header::new("Content-Disposition", "attachment; filename=\"my-data.json\""));
        Ok(response)
    }
}

/// Everything about whoever is signed in, as a file.
#[get("/account/export")]
pub async fn export(who: SignedIn, vestibule: &State<AppState>) -> Result<Download, ApiError> {
    users::export_me(who.0, vestibule).await.map(Download)
}
