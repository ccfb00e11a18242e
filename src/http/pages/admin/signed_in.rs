//! `/admin/ui/signed-in`: who is signed in, and where.

use rocket::get;
use serde_json::{Value, json};

use super::{
    desk::{Desk, UI},
    events::name_of,
    person,
};
use crate::{
    domain::SessionId,
    http::{
        errors::ApiError,
        guards::admin::{SessionsRead, UsersRead},
        pages::{Page, with_parameters},
    },
    store::{live_sessions, users},
};

/// The number of sessions on a page.
const PAGE: i64 = 50;

/// Returns the live sessions of all users, those that were opened last first.
#[get("/ui/signed-in?<cursor>")]
pub(super) async fn signed_in_page(desk: Desk<'_>, cursor: Option<&str>) -> Result<Page, ApiError> {
    desk.check::<SessionsRead>()?;
    let after = cursor.and_then(SessionId::parse);
    let mut conn = desk.vestibule.store.read().await?;
    let (live, next) = live_sessions::page(&mut conn, desk.caller.context().now, after, PAGE).await?;
    let mut rows: Vec<Value> = Vec::with_capacity(live.len());
    for session in &live {
        let user = match desk.may::<UsersRead>() {
            true => users::find(&mut conn, session.user_id).await?,
            false => None,
        };
        let name = user.as_ref().map_or_else(|| session.user_id.to_string(), name_of);
        let address = user.map(|user| person::address(user.id));
        rows.push(json!({
            "person": name,
            "address": address,
            "session": person::session_values(&desk, session),
        }));
    }
    drop(conn);
    let further = next.map(|id| with_parameters(&format!("{UI}/signed-in"), [("cursor", id.to_string().as_str())]));
    let own = json!({"rows": rows, "further": further});
    Ok(desk.page("admin-signed-in", "people", own, None))
}
