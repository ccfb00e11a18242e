//! The guard for a refresh token that is sent as a bearer token. It is for routes that only a client that can continue the
//! session may use.

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

/// A request guard for requests whose `Authorization: Bearer …` contains a refresh token that could be used for a refresh now.
/// Otherwise the response is 401. The guard does not use the token up: the client can still refresh with it.
///
/// Unlike the guards of access tokens, this guard reads the database. It does not check the device: a session that is bound to
/// a device can be refreshed only on this device, but the guard accepts the token from every device. It checks neither rate
/// limits nor the secret of a confidential client.
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
    /// Returns every claim by its name, as in the token.
    pub fn raw_claims(&self) -> Map<String, Value> {
        self.0.raw()
    }

    /// Returns the id of the user: the claim `sub`.
    pub fn subject(&self) -> UserId {
        self.0.sub
    }

    /// Returns the id of the token: the claim `jti`.
    pub fn jti(&self) -> TokenId {
        self.0.id()
    }

    /// Returns the id of the session that the token belongs to: the claim `sid`.
    pub fn session_id(&self) -> SessionId {
        self.0.sid
    }

    /// Returns the id of the client to which the token was issued: the claim `client_id`.
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

/// Returns the claims of the refresh token in the header, if the token could be used now.
async fn read(request: &Request<'_>) -> Result<RefreshClaims, ApiError> {
    let missing = || ApiError::new(ErrorCode::MissingToken, "Send a refresh token: Authorization: Bearer <token>.");
    let token = bearer(request)?.ok_or_else(missing)?;
    let vestibule = app_state(request)?;
    Ok(inspect_refresh_token(vestibule, token, vestibule.clock.now()).await?.claims)
}
