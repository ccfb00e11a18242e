//! A refresh token as a bearer: for an application that gives something only to whoever can go on with the session.

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};
use serde_json::{Map, Value};

use super::bearer;
use crate::{
    domain::{SessionId, TokenId, UserId, refresh_token::RefreshClaims},
    flows::steps::authenticate::inspect_refresh_token,
    http::{
        app_state::app_state,
        errors::{ApiError, ErrorCode, guard_outcome},
    },
};

/// A request whose `Authorization: Bearer …` is a refresh token that would get new tokens now. It is not used by that.
///
/// Unlike the guards of access tokens this one reads the session's row. It does not ask about the device: a session that is
/// bound to one is refreshed only there, but here its token alone lets in.
///
/// ```
/// # use rocket::post;
/// use vestibule::RefreshToken;
///
/// #[post("/resume")]
/// fn resume(token: RefreshToken) -> String {
///     format!("session {} of {}", token.session_id(), token.subject())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RefreshToken(RefreshClaims);

impl RefreshToken {
    /// Every claim by its name, as it stands in the token.
    pub fn raw_claims(&self) -> Map<String, Value> {
        self.0.raw()
    }

    /// The user: the claim `sub`.
    pub fn subject(&self) -> UserId {
        self.0.sub
    }

    /// The token's own id.
    pub fn jti(&self) -> TokenId {
        self.0.id()
    }

    /// The session that it continues.
    pub fn session_id(&self) -> SessionId {
        self.0.sid
    }

    /// The client that it was given to.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for RefreshToken {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        guard_outcome(request, read(request).await.map(Self))
    }
}

async fn read(request: &Request<'_>) -> Result<RefreshClaims, ApiError> {
    let missing = || ApiError::new(ErrorCode::MissingToken, "Send a refresh token: Authorization: Bearer <token>.");
    let token = bearer(request)?.ok_or_else(missing)?;
    let vestibule = app_state(request)?;
    Ok(inspect_refresh_token(vestibule, token, vestibule.clock.now()).await?.claims)
}
