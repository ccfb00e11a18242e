//! What the workbench does to the whole server: it replaces the signing key, and it resets the data.

use rocket::{
    Request, State,
    futures::future::BoxFuture,
    post,
    request::{FromRequest, Outcome},
    serde::json::Json,
    tokio::sync::Mutex,
};
use serde_json::{Value, json};

use super::plan::Plans;
use crate::{
    flows::{reset::reset, steps::acting::Acting},
    http::{
        admin::keys::{KeyView, RotateBody, replace_key},
        app_state::AppState,
        errors::ApiError,
        request::{body::IgnoredBody, caller::Caller},
    },
    store::signing_keys,
};

/// Creates the users that the server had at its start, as Rocket's managed state. Its error is a message.
pub struct Refill(pub Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>);

/// A request guard that returns the refill; `None` if the server has no users at its start.
pub struct MaybeRefill<'r>(Option<&'r Refill>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for MaybeRefill<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(request.rocket().state()))
    }
}

/// The lock under which accounts are deleted and created again, as Rocket's managed state. Two resets at once would create the
/// same users.
#[derive(Default)]
pub struct OneAtATime(pub Mutex<()>);

/// Replaces the signing key at once. The previous key verifies until its last token has expired. Returns all keys.
#[post("/dev/keys/rotate", data = "<_body>")]
pub async fn rotate_keys(
    vestibule: &State<AppState>,
    caller: &Caller,
    _body: IgnoredBody,
) -> Result<Json<Value>, ApiError> {
    let acting = Acting::operator(caller.context().now);
    replace_key(vestibule, RotateBody { algorithm: None, at_once: true }, &acting).await?;
    let stored = signing_keys::list(&mut *vestibule.store.read().await?).await?;
    Ok(Json(json!({"keys": KeyView::all(vestibule, stored)})))
}

/// Deletes the users, the sessions, the roles and the clients of the database, and creates the users of the start again.
#[post("/dev/reset", data = "<_body>")]
pub async fn reset_data(
    vestibule: &State<AppState>,
    plans: &State<Plans>,
    one_at_a_time: &State<OneAtATime>,
    refill: MaybeRefill<'_>,
    caller: &Caller,
    _body: IgnoredBody,
) -> Result<Json<Value>, ApiError> {
    let _alone = one_at_a_time.0.lock().await;
    plans.clear();
    reset(vestibule, &caller.context()).await?;
    if let Some(Refill(refill)) = refill.0 {
        refill().await.map_err(|message| ApiError::internal(&message))?;
    }
    Ok(Json(json!({"detail": "The users, roles and clients are as at the first start."})))
}
