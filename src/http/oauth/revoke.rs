//! `POST /auth/revoke` (RFC 7009): a client revokes a token that was issued to it.

use rocket::{State, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Uncached,
    client::{BasicClient, FormClient},
};
use crate::{
    flows::{Vestibule, sessions::revoke_token::revoke_token},
    http::{
        app_state::AppState,
        errors::ApiError,
        request::{
            body::{Fields, Form, FromFields},
            caller::Caller,
            field::{Field, Kind, optional, required},
        },
    },
};

/// The form of a revocation or an introspection. `token_type_hint` is ignored, because a token contains its own type.
pub struct TokenParameter {
    /// The client that the form names.
    pub client: FormClient,
    /// The token to revoke or to introspect.
    pub token: String,
}

impl FromFields for TokenParameter {
    const FIELDS: &'static [Field] = &[
        required("token", Kind::Opaque, "The token."),
        optional("token_type_hint", Kind::Opaque, "Ignored, because a token contains its own type."),
    ];

    const SHARED_FIELDS: &'static [Field] = FormClient::FIELDS;

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let client = FormClient::read(fields);
        let token = fields.required("token", |text| Ok::<_, &str>(text.to_owned()))?;
        Some(Self { client, token })
    }
}

/// An empty object.
#[derive(Debug, Serialize, ToSchema)]
pub struct Nothing {}

/// Revokes a token. Without a client in the request, the client is `default`, as at the token endpoint. The response is 200 too
/// if the token is invalid, expired or already revoked (RFC 7009 §2.2).
#[post("/revoke", data = "<body>")]
pub async fn revoke(
    body: Form<TokenParameter>,
    basic: BasicClient,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Uncached<Nothing>, ApiError> {
    let client = basic.or_form(&body.0.client, vestibule)?;
    revoke_token(vestibule, &body.0.token, client, &caller.context()).await?;
    Ok(Uncached(Nothing {}))
}
