//! `POST /token`: issues tokens for a password (RFC 6749 §4.3) or for a refresh token (§6).

use rocket::{State, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Uncached,
    client::{BasicClient, FormClient},
};
use crate::{
    config::FingerprintPolicy,
    domain::{
        Email, Identifier, Scope,
        device::{DeviceName, DeviceSecret, Fingerprint},
        password::Password,
    },
    flows::{
        self, Tokens, Vestibule,
        sessions::{login::Login, refresh::Refresh},
        steps::client::KnownClient,
    },
    http::{
        api::audience::{self, MAX_AUDIENCE},
        api::login::{DEVICE_ID, DEVICE_NAME, device_id, require_fingerprint},
        app_state::AppState,
        errors::{ApiError, ErrorCode, of_oauth},
        request::{
            body::{Fields, Form, FromFields},
            caller::Caller,
            field::{Field, Kind, optional},
            log_entry::LogEntry,
        },
    },
};

/// The form of a token request.
pub struct TokenForm {
    client: FormClient,
    grant: Grant,
    /// The requested audience of the access token (RFC 8707).
    resource: Option<String>,
    /// The requested scope. An invalid scope is refused with the error code `invalid_scope`, not reported as an invalid field.
    scope: Result<Option<Scope>, &'static str>,
}

/// The grant of a token request, with its fields.
enum Grant {
    Password(Box<PasswordGrant>),
    RefreshToken { token: String, fingerprint: Option<Fingerprint>, device_id: Option<DeviceSecret> },
    Unsupported,
}

/// The fields of the grant `password`.
struct PasswordGrant {
    identifier: Identifier,
    password: Password,
    fingerprint: Option<Fingerprint>,
    device_id: Option<DeviceSecret>,
    device_name: Option<DeviceName>,
}

/// The supported values of `grant_type`.
const GRANTS: &[&str] = &[PASSWORD, REFRESH_TOKEN];
const PASSWORD: &str = "password";
const REFRESH_TOKEN: &str = "refresh_token";

impl FromFields for TokenForm {
    const FIELDS: &'static [Field] = &[
        optional("grant_type", Kind::OneOf(GRANTS), "The grant; by default `password`."),
        // A username or an email address: 254 bytes are at most 254 characters.
        optional("username", Kind::Text(Email::MAX_BYTES), "The username or email address; for the grant `password`."),
        optional("password", Kind::Password, "The password of the account; for the grant `password`."),
        optional("refresh_token", Kind::Opaque, "The session's refresh token; for the grant `refresh_token`."),
        optional(
            "scope",
            Kind::Opaque,
            "The permissions to which the tokens are limited, separated by spaces. By default all that can be granted.",
        ),
        optional(
            "resource",
            Kind::Text(MAX_AUDIENCE),
            "The audience of the access token (RFC 8707): one of the client's. By default its first.",
        ),
        DEVICE_ID,
        DEVICE_NAME,
        optional("fingerprint", Kind::Opaque, "The properties of the browser: a JSON object, as text."),
    ];

    const SHARED_FIELDS: &'static [Field] = FormClient::FIELDS;

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let client = FormClient::read(fields);
        let scope = fields.optional("scope", |text| Ok::<_, &str>(Scope::parse(text))).unwrap_or(Ok(None));
        let resource = fields.optional("resource", audience::parse);
        let grant_type = fields.optional("grant_type", |text| Ok::<_, &str>(text.to_owned()));
        // Clients that follow FastAPI's `OAuth2PasswordRequestForm` may omit `grant_type`.
        let grant = match grant_type.as_deref().unwrap_or(PASSWORD) {
            PASSWORD => Grant::Password(Box::new(PasswordGrant::read(fields, vestibule)?)),
            REFRESH_TOKEN => {
                let token = fields.required("refresh_token", |text| Ok::<_, &str>(text.to_owned()));
                let (fingerprint, device_id) = (read_fingerprint(fields, vestibule), device_id(fields));
                Grant::RefreshToken { fingerprint, device_id, token: token? }
            }
            _ => Grant::Unsupported,
        };
        Some(Self { client, grant, resource, scope })
    }
}

/// Reads the fingerprint, which is JSON text in a form. Returns `None` if the setting `fingerprint_policy` is `off`, if the
/// field is absent, or if it is invalid. An invalid field is recorded in `fields`.
fn read_fingerprint(fields: &mut Fields, vestibule: &Vestibule) -> Option<Fingerprint> {
    if vestibule.config.devices.fingerprint == FingerprintPolicy::Off {
        return None;
    }
    fields.optional("fingerprint", |text| {
        let value = serde_json::from_str(text).map_err(|_| "must be JSON".to_owned())?;
        Fingerprint::parse(&value).map_err(|error| error.to_string())
    })
}

impl PasswordGrant {
    /// Reads the fields.
    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let identifier = fields.required("username", Identifier::parse);
        let password = fields.required("password", Password::parse);
        let fingerprint = read_fingerprint(fields, vestibule);
        require_fingerprint(fields, vestibule, fingerprint.as_ref());
        let device_id = device_id(fields);
        let device_name = fields.optional("device_name", DeviceName::parse);
        Some(Self { identifier: identifier?, password: password?, fingerprint, device_id, device_name })
    }
}

/// The response of the token endpoint (RFC 6749 §5.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct OAuthTokens {
    /// The access token, for the header `Authorization: Bearer …`.
    access_token: String,
    /// Always `bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// The refresh token, for the grant `refresh_token`.
    refresh_token: String,
    /// Seconds until the refresh token expires.
    refresh_expires_in: i64,
    /// The permissions that the access token carries, separated by spaces.
    scope: String,
    /// The id of the session.
    session_id: String,
    /// A secret by which the server recognises the device at the next login. Null if the server has deleted the device.
    #[schema(required)]
    device_id: Option<String>,
    /// Whether the session is bound to its device: then each refresh must send a matching fingerprint.
    device_bound: bool,
}

impl From<Tokens> for OAuthTokens {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "bearer",
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token,
            refresh_expires_in: tokens.refresh_expires_in,
            scope: tokens.scope,
            session_id: tokens.session_id.to_string(),
            device_id: tokens.device_id,
            device_bound: tokens.device_bound,
        }
    }
}

/// Issues tokens, below `base_path`.
#[post("/token", data = "<body>")]
pub async fn token(
    body: Form<TokenForm>,
    basic: BasicClient,
    vestibule: &State<AppState>,
    caller: &Caller,
    log: &LogEntry,
) -> Result<Uncached<OAuthTokens>, ApiError> {
    issue(body.0, &basic, vestibule, caller, log).await
}

/// Issues tokens at `/token`, outside of `base_path`, where clients written for FastAPI expect it. Not mounted if `base_path`
/// is empty, because both paths would be the same.
#[post("/token", data = "<body>")]
pub async fn root_token(
    body: Form<TokenForm>,
    basic: BasicClient,
    vestibule: &State<AppState>,
    caller: &Caller,
    log: &LogEntry,
) -> Result<Uncached<OAuthTokens>, ApiError> {
    issue(body.0, &basic, vestibule, caller, log).await
}

/// Authenticates the client, checks the grant and then the scope, and runs the flow of the grant.
async fn issue(
    body: TokenForm,
    basic: &BasicClient,
    vestibule: &Vestibule,
    caller: &Caller,
    log: &LogEntry,
) -> Result<Uncached<OAuthTokens>, ApiError> {
    let client = basic.or_form(&body.client, vestibule)?;
    check_grant(&body.grant, &client, vestibule)?;
    let scope =
        body.scope.map_err(|message| ApiError::new(ErrorCode::InvalidScope, format!("The scope {message}.")))?;
    let tokens = match body.grant {
        Grant::Password(grant) => {
            let PasswordGrant { identifier, password, fingerprint, device_id, device_name } = *grant;
            let device_ids = device_id.into_iter().collect();
            let request = Login {
                identifier,
                password,
                fingerprint,
                device_ids,
                device_name,
                client,
                audience: body.resource,
                scope,
                end_session: None,
                only_asks: false,
            };
            let tokens = flows::sessions::login::login(vestibule, request, caller.network, &caller.context()).await;
            tokens.map_err(of_oauth::of_login)?
        }
        Grant::RefreshToken { token, fingerprint, device_id } => {
            log.set_refresh_token(vestibule, &token);
            let request = Refresh {
                token: &token,
                fingerprint,
                device_ids: device_id.into_iter().collect(),
                client: Some(client),
                audience: body.resource,
                scope,
            };
            let tokens = flows::sessions::refresh::refresh(vestibule, request, &caller.context()).await;
            tokens.map_err(of_oauth::of_refresh)?
        }
        Grant::Unsupported => return Err(unsupported_grant()),
    };
    log.set_user(tokens.user_id);
    Ok(Uncached(tokens.into()))
}

/// Checks the grant. Fails with `unsupported_grant_type` for an unknown grant. Fails with `unauthorized_client` if the server
/// issues tokens in cookies only, or if the client may not use the grant.
fn check_grant(grant: &Grant, client: &KnownClient, vestibule: &Vestibule) -> Result<(), ApiError> {
    let allowed = client.settings().grants;
    let may = match grant {
        Grant::Password(_) => allowed.password,
        Grant::RefreshToken { .. } => allowed.refresh_token,
        Grant::Unsupported => return Err(unsupported_grant()),
    };
    // If the server accepts tokens in cookies only, a script must not get a token in a body.
    if !vestibule.config.tokens.location.headers {
        return Err(ApiError::new(ErrorCode::UnauthorizedClient, "This server issues tokens in cookies only."));
    }
    if may { Ok(()) } else { Err(ApiError::new(ErrorCode::UnauthorizedClient, "This client may not use this grant.")) }
}

fn unsupported_grant() -> ApiError {
    ApiError::new(ErrorCode::UnsupportedGrantType, "The grants are password and refresh_token.")
}
