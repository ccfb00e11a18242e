//! `POST /auth/register` and `/users/me`: the endpoints with which users create and manage their own accounts.

use rocket::{
    State, delete, get, patch, post,
    response::status::{Created, NoContent},
    serde::json::Json,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    login::PasswordBody,
    sessions::SessionView,
    tokens::{self, TokenResponse, Transport},
};
use crate::{
    domain::{
        Email, Permission, SessionId, UnixTime, User, Username, device::SealedFingerprint, password::Password, scope,
        session::Session,
    },
    flows::{
        self, Vestibule,
        steps::names::check_names,
        users::{
            change_names::{NewNames, change_names},
            delete_user::delete_own,
            export_user::{Export, export_user},
            register::Registration,
        },
    },
    http::{
        app_state::AppState,
        browser::cookies::Cookies,
        db::{Connection, Db},
        errors::{ApiError, ErrorCode},
        guards::{AccessToken, FreshToken, OnAccount},
        request::{
            body::{Body, Fields, FromFields},
            caller::Caller,
            field::{Field, Kind, optional, required},
        },
    },
    store,
};

/// The account of the user.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// The id of the user: the claim `sub` of the user's tokens.
    id: String,
    /// The username; null if the account has no username.
    #[schema(required)]
    username: Option<String>,
    /// The email address; null if the account has no email address.
    #[schema(required)]
    email: Option<String>,
    /// Whether the email address is verified as belonging to the user. The operator records this. A new address is not
    /// verified.
    email_verified: bool,
    /// Whether the account is disabled. The user of a disabled account can't sign in.
    disabled: bool,
    /// The user's roles, sorted.
    roles: Vec<String>,
    /// The permissions of the user, assigned directly or by a role, sorted.
    permissions: Vec<String>,
    /// The custom claims that the user's access tokens contain.
    #[schema(value_type = Object)]
    claims: Map<String, Value>,
    /// When the account was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixTime,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username,
            email: user.email,
            email_verified: user.email_verified_at.is_some(),
            disabled: user.disabled_at.is_some(),
            roles: user.roles,
            permissions: user.permissions.iter().map(Permission::to_string).collect(),
            claims: user.claims,
            created_at: user.created_at,
        }
    }
}

const USERNAME: Kind = Kind::Text(Username::MAX_CHARS);
const EMAIL: Kind = Kind::Text(Email::MAX_BYTES);

impl FromFields for Registration {
    const FIELDS: &'static [Field] = &[
        optional(
            "username",
            USERNAME,
            "A name without `@`, unique without regard to case. The settings of the server may require it.",
        ),
        optional(
            "email",
            EMAIL,
            "The email address, unique without regard to case. The settings of the server may require it.",
        ),
        required(
            "password",
            Kind::Password,
            "The password. Common passwords and the names of the account are refused.",
        ),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let username = fields.optional("username", Username::parse);
        let email = fields.optional("email", Email::parse);
        let password = fields.required("password", Password::parse);
        let field = vestibule.config.passwords.username_field;
        if let Err((field, message)) = check_names(field, !fields.is_absent("username"), !fields.is_absent("email")) {
            fields.refuse(field, message);
        }
        let password = password?;
        if let Err(message) = password.check_length(vestibule.config.passwords.min_length) {
            fields.refuse("password", message);
        }
        Some(Self { username, email, password })
    }
}

/// Creates an account. Does not open a session.
#[post("/register", data = "<body>")]
pub async fn register(
    body: Body<Registration>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Created<Json<UserView>>, ApiError> {
    let user = flows::users::register::register(vestibule, body.0, caller.network, &caller.context()).await?;
    Ok(Created::new("/users/me").body(Json(user.into())))
}

/// Returns the bearer's account as it is stored now.
#[get("/me")]
pub async fn me(token: OnAccount<AccessToken>, mut db: Connection<Db>) -> Result<Json<UserView>, ApiError> {
    let user = store::users::find(&mut db, token.claims().sub).await?.ok_or_else(account_deleted)?;
    Ok(Json(user.into()))
}

impl FromFields for NewNames {
    const FIELDS: &'static [Field] = &[
        optional("username", USERNAME, "The new username, without `@`; null removes the username."),
        optional("email", EMAIL, "The new email address, which is not verified; null removes the address."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        Some(Self {
            username: fields.nullable("username", Username::parse),
            email: fields.nullable("email", Email::parse),
        })
    }
}

/// Changes the bearer's username, email address, or both. An absent field is kept.
#[patch("/me", data = "<body>")]
pub async fn update_me(
    token: OnAccount<FreshToken>,
    body: Body<NewNames>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<UserView>, ApiError> {
    let user = change_names(vestibule, token.claims(), body.0, caller.network, &caller.context()).await?;
    Ok(Json(user.into()))
}

/// The body of a password change.
pub struct ChangePasswordBody {
    /// The current password.
    pub current: Password,
    /// The new password.
    pub new: Password,
}

impl FromFields for ChangePasswordBody {
    const FIELDS: &'static [Field] = &[
        required("current_password", Kind::Password, "The current password."),
        required("new_password", Kind::Password, "The new password."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let current = fields.required("current_password", Password::parse);
        let new = fields.required("new_password", Password::parse);
        if let Some(Err(message)) = new.as_ref().map(|new| new.check_length(vestibule.config.passwords.min_length)) {
            fields.refuse("new_password", message);
        }
        Some(Self { current: current?, new: new? })
    }
}

/// Changes the bearer's password, and returns new tokens of the session. They use the transport of the request's access token.
#[post("/me/password", data = "<body>")]
pub async fn change_password(
    token: OnAccount<AccessToken>,
    body: Body<ChangePasswordBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<TokenResponse>, ApiError> {
    let ChangePasswordBody { current, new } = body.0;
    let tokens =
        flows::users::change_password::change_password(vestibule, token.claims(), &current, &new, &caller.context())
            .await?;
    let transport = if token.came_in_cookie() { Transport::Cookie } else { Transport::Body };
    Ok(tokens::respond(cookies, tokens, transport))
}

/// Deletes the bearer's account. Removes the cookies, including the secret of the device.
#[delete("/me", data = "<body>")]
pub async fn delete_me(
    token: OnAccount<FreshToken>,
    body: Body<PasswordBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<NoContent, ApiError> {
    delete_own(vestibule, token.claims(), &body.0.0, &caller.context()).await?;
    cookies.clear();
    cookies.clear_device();
    Ok(NoContent)
}

/// All data that the server stores about the user.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportView {
    /// The user's account.
    user: UserView,
    /// The user's sessions. A session that has ended is included until the server deletes it.
    sessions: Vec<ExportedSession>,
    /// The devices on which the user has signed in.
    devices: Vec<DeviceView>,
    /// The events of the audit log about the user, newest first.
    audit_events: Vec<AuditEventView>,
}

/// A session with all data that the server stores about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSession {
    /// The fields of the session in the list of sessions.
    #[serde(flatten)]
    session: SessionView,
    /// The `id` of the session's device; null if the session has no device, or if the server has deleted it.
    #[schema(required)]
    device: Option<String>,
    /// The time at which the session ends even if it is used. A refresh does not move this time.
    #[schema(value_type = String, format = DateTime)]
    ends_at: UnixTime,
    /// When the user last proved the password in the session.
    #[schema(value_type = String, format = DateTime)]
    auth_time: UnixTime,
    /// The number of consecutive wrong passwords in the session. A correct password resets it.
    failed_proofs: u32,
    /// The number of consecutive refreshes with the fingerprint of another device.
    mismatches: u32,
    /// When refreshes with the fingerprint of another device came, of the last day before the last one.
    #[schema(value_type = Vec<String>)]
    mismatched_at: Vec<UnixTime>,
    /// The permissions to which the session's tokens are limited, separated by spaces; null if they are not limited.
    #[schema(required)]
    scope: Option<String>,
    /// The names of the browser's properties of which the server stores a keyed hash.
    fingerprint: Vec<&'static str>,
    /// When the session was revoked; null if it was not revoked.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    revoked_at: Option<UnixTime>,
    /// The reason for which the session was revoked; null if it was not revoked.
    #[schema(required)]
    revoked_reason: Option<String>,
}

impl ExportedSession {
    fn new(vestibule: &Vestibule, session: &Session, current: SessionId) -> Self {
        Self {
            session: SessionView::new(vestibule, session, current),
            device: session.device.map(|device| device.to_string()),
            ends_at: session.expires_at,
            auth_time: session.auth_time,
            failed_proofs: session.failed_proofs,
            mismatches: session.mismatches.in_a_row,
            mismatched_at: session.mismatches.within_a_day.clone(),
            scope: session.scope.as_ref().map(|granted| scope::text(granted.permissions())),
            fingerprint: session.fingerprint.iter().flat_map(SealedFingerprint::components).collect(),
            revoked_at: session.revoked_at,
            revoked_reason: session.revoked_reason.clone(),
        }
    }
}

/// A device on which the user has signed in. The secret `device_id` of the device is not included, because the server stores
/// only its hash.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// The id of the device. It is not the secret `device_id`.
    id: String,
    /// The id of the client through which the user signs in on the device.
    client_id: String,
    /// When the user first signed in on the device.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixTime,
    /// When the user last signed in on the device. After the server has deleted a session of the device: the end of that
    /// session, if it is later.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: UnixTime,
}

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEventView {
    /// When the event happened.
    #[schema(value_type = String, format = DateTime)]
    at: UnixTime,
    /// The kind of the event.
    event: String,
    /// The id of the session in which the event happened; null if the event belongs to no session.
    #[schema(required)]
    session_id: Option<String>,
    /// The IP address of the client that caused the event; null if it is unknown.
    #[schema(required)]
    ip: Option<String>,
    /// Further data. The fields depend on the kind of the event.
    #[schema(value_type = Object)]
    detail: Value,
}

/// Returns all data that the server stores about the bearer.
#[get("/me/export")]
pub async fn export_me(
    token: OnAccount<AccessToken>,
    vestibule: &State<AppState>,
) -> Result<Json<ExportView>, ApiError> {
    export_of(&token, vestibule).await
}

/// Returns all data that the server stores about the bearer of a token that a guard has accepted.
pub(in crate::http) async fn export_of(
    token: &AccessToken,
    vestibule: &Vestibule,
) -> Result<Json<ExportView>, ApiError> {
    let export = export_user(vestibule, token.claims().sub).await?.ok_or_else(account_deleted)?;
    Ok(Json(ExportView::new(vestibule, export, token)))
}

impl ExportView {
    fn new(vestibule: &Vestibule, export: Export, token: &AccessToken) -> Self {
        let current = token.claims().sid;
        let sessions =
            export.sessions.iter().map(|session| ExportedSession::new(vestibule, session, current)).collect();
        let devices = export.devices.into_iter().map(|device| DeviceView {
            id: device.id.to_string(),
            client_id: device.client_id,
            created_at: device.created_at,
            last_used_at: device.last_used_at,
        });
        let audit_events = export.audit_events.into_iter().map(|event| AuditEventView {
            at: event.at,
            event: event.event,
            session_id: event.session_id,
            ip: event.ip,
            detail: event.detail,
        });
        Self { user: export.user.into(), sessions, devices: devices.collect(), audit_events: audit_events.collect() }
    }
}

/// Returns the error for a bearer whose account was deleted after the access token was issued.
pub(in crate::http) fn account_deleted() -> ApiError {
    ApiError::new(ErrorCode::TokenRevoked, "The account was deleted.")
}
