//! `POST /auth/introspect` (RFC 7662): for services that ask the server rather than check a token themselves, and so see
//! revocations. A token of which the caller learns nothing looks the same as one that never was.

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

/// What is said of a token. Beside this, an access token's further claims stand here as in the token.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Introspection {
    /// Whether it is live; nothing else stands here if it is not.
    active: bool,
    /// `bearer` for an access token, `refresh_token` for the other kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// The permissions that it carries, or that the next access token would, joined by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// The client that it was given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// What the user is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// Whom an access token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// Its own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// When it was made, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// From when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// From when it no longer holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(flatten)]
    #[schema(ignore)]
    further: Map<String, Value>,
}

impl Introspection {
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
        // A custom claim can't pose as one of ours.
        known.further = claims.raw().into_iter().filter(|(name, _)| named.get(name).is_none()).collect();
        known
    }
}

/// Says whether a token is live, to whom it concerns.
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

/// Who asks: by client credentials or by an access token, not both.
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
    let refusal = ApiError::new(ErrorCode::InvalidClient, "Only a client with a secret may ask about tokens.");
    Err(if basic.is_given() { refusal.challenging_basic() } else { refusal })
}
