//! `POST /auth/introspect` (RFC 7662): returns the state of a token. It is for services that do not verify tokens themselves,
//! and for services that need to see revocations. If the caller may not know about a token, the response is the same as for a
//! token that never existed.

use rocket::{State, post};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Uncached, client::BasicClient, revoke::TokenParameter};
use crate::{
    domain::{AccessClaims, permission},
    flows::{
        Vestibule,
        sessions::introspect::{IntrospectedToken, Requester, introspect as look_at},
    },
    http::{
        app_state::AppState,
        errors::{ApiError, ErrorCode},
        guards::BearerToken,
        request::{body::Form, caller::Caller},
    },
};

/// The state of a token. For a live access token, the object also contains the other claims of the token.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Introspection {
    /// Whether the token is live: valid now, and the caller may know about it. If it is not, the object has no other field.
    active: bool,
    /// `bearer` for an access token, `refresh_token` for a refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// The permissions of the access token, separated by spaces. For a refresh token: the permissions of the next access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The client to which the token was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The username, or the email address if there is no username. For an access token, only a name that the token contains.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The id of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// The audience of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    /// The issuer of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// The id of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// The id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// When the token was issued, in seconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// The time from which an access token is valid, in seconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// The time from which the token is no longer valid, in seconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// The other claims of an access token; `type` for a refresh token.
    #[serde(flatten)]
    #[schema(ignore)]
    further: Map<String, Value>,
}

impl Introspection {
    /// Returns the response for a token that is live and that the caller may know about.
    fn of(introspected: IntrospectedToken) -> Self {
        match introspected {
            IntrospectedToken::Access(claims) => Self::of_access(&claims),
            IntrospectedToken::Refresh { claims, user, scope } => Self {
                active: true,
                token_type: Some("refresh_token"),
                scope: Some(scope),
                client_id: Some(claims.client_id.clone()),
                username: user.username.or(user.email),
                sub: Some(claims.sub.to_string()),
                iss: Some(claims.issuer().to_owned()),
                jti: Some(claims.id().to_string()),
                sid: Some(claims.sid.to_string()),
                iat: Some(claims.issued_at().seconds()),
                exp: Some(claims.expires_at().seconds()),
                further: Map::from_iter([("type".to_owned(), "refresh".into())]),
                ..Self::default()
            },
        }
    }

    /// Returns the response for an access token: its claims, under their own names.
    fn of_access(claims: &AccessClaims) -> Self {
        let mut known = Self {
            active: true,
            token_type: Some("bearer"),
            scope: Some(claims.scope.clone()),
            client_id: Some(claims.client_id.clone()),
            username: claims.username.clone().or_else(|| claims.email.clone()),
            sub: Some(claims.sub.to_string()),
            aud: Some(claims.aud.clone()),
            iss: Some(claims.iss.clone()),
            jti: Some(claims.jti.to_string()),
            sid: Some(claims.sid.to_string()),
            iat: Some(claims.iat.seconds()),
            nbf: Some(claims.nbf.seconds()),
            exp: Some(claims.exp.seconds()),
            further: Map::new(),
        };
        let named = serde_json::to_value(&known).unwrap_or_default();
        // A claim that the fields above contain is not repeated, and a custom claim must not replace a field of this response.
        known.further = claims.raw().into_iter().filter(|(name, _)| named.get(name).is_none()).collect();
        known
    }
}

/// Returns the state of a token. A token that the caller may not know about is reported as not live.
#[post("/introspect", data = "<body>")]
pub async fn introspect(
    body: Form<TokenParameter>,
    basic: BasicClient,
    bearer: BearerToken,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Uncached<Introspection>, ApiError> {
    let requester = requester(&body.0, &basic, &bearer, vestibule)?;
    let found = look_at(vestibule, &body.0.token, requester, caller.context().now).await?;
    Ok(Uncached(found.map_or_else(Introspection::default, Introspection::of)))
}

/// Authenticates the caller: by an access token in the header with the permission for introspection, or as a confidential
/// client. A client secret together with an access token is an error.
fn requester<'r>(
    body: &TokenParameter,
    basic: &BasicClient,
    bearer: &'r BearerToken,
    vestibule: &'r Vestibule,
) -> Result<Requester<'r>, ApiError> {
    if let Some(token) = bearer.token() {
        if body.client.has_secret() {
            let detail = "Authenticate once: by an access token, or by client_id and client_secret.";
            return Err(ApiError::new(ErrorCode::OAuthInvalidRequest, detail));
        }
        let may = token.claims().has_permission(permission::INTROSPECT);
        return may
            .then(|| Requester::Bearer(token.claims()))
            .ok_or_else(|| ApiError::may_not_introspect(permission::INTROSPECT));
    }
    let client = basic.or_form(&body.client, vestibule)?;
    if client.settings().is_confidential() {
        return Ok(Requester::Client(client));
    }
    let refusal = ApiError::new(ErrorCode::InvalidClient, "Only a client with a secret may introspect tokens.");
    Err(if basic.is_given() { refusal.challenging_basic() } else { refusal })
}
