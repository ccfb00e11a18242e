//! `/admin/users/<id>/sessions`: the sessions of a user.

use rocket::{State, delete, get, response::status::NoContent, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::users::{find_user, user_id};
use crate::{
    domain::SessionId,
    flows::sessions::revoke_sessions::revoke_of_user,
    http::{
        api::sessions::{RevokedSessionsResponse, SessionView},
        app_state::AppState,
        db::{Connection, Db},
        errors::{ApiError, ErrorCode},
        guards::admin::{Changes, Reads, SessionsRead, SessionsRevoke},
        request::{body::IgnoredBody, caller::Caller},
    },
    store::sessions::{self, Selection},
};

/// The live sessions of a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    /// The sessions, the most recently used first.
    sessions: Vec<SessionView>,
}

/// Returns the live sessions of a user.
#[get("/users/<id>/sessions")]
pub async fn list_sessions(
    token: Reads<SessionsRead>,
    id: &str,
    vestibule: &State<AppState>,
    caller: &Caller,
    mut db: Connection<Db>,
) -> Result<Json<SessionList>, ApiError> {
    let user = find_user(&mut db, id).await?;
    let live = sessions::list_live_by_user(&mut db, user.id, caller.context().now).await?;
    let own = token.token().session_id();
    let sessions = live.iter().map(|session| SessionView::new(vestibule, session, own)).collect();
    Ok(Json(SessionList { sessions }))
}

/// Ends all sessions of a user.
#[delete("/users/<id>/sessions", data = "<_body>")]
pub async fn revoke_sessions(
    token: Changes<SessionsRevoke>,
    id: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<RevokedSessionsResponse>, ApiError> {
    let acting = token.acting(caller)?;
    let revoked = revoke_of_user(vestibule, user_id(id)?, Selection::All, &acting).await?;
    Ok(Json(RevokedSessionsResponse::new("The sessions of the user have ended", revoked)))
}

/// Ends one session of a user.
#[delete("/users/<id>/sessions/<session>", data = "<_body>")]
pub async fn revoke_session(
    token: Changes<SessionsRevoke>,
    id: &str,
    session: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let acting = token.acting(caller)?;
    let unknown = || ApiError::new(ErrorCode::NotFound, "The user has no such session.");
    let one = Selection::One(SessionId::parse(session).ok_or_else(unknown)?);
    match revoke_of_user(vestibule, user_id(id)?, one, &acting).await? {
        0 => Err(unknown()),
        _ => Ok(NoContent),
    }
}
