//! `POST /auth/register` and `/users/me`: a person and their own account.

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
        guards::{AccessToken, FreshToken},
        request::{
            body::{Body, Fields, FromFields},
            caller::Caller,
            field::{Field, Kind, optional, required},
        },
    },
    store,
};

/// A user as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// The `sub` of their tokens.
    id: String,
    /// Their name.
    #[schema(required)]
    username: Option<String>,
    /// Their address.
    #[schema(required)]
    email: Option<String>,
    /// Whether a mail showed that the address is theirs.
    email_verified: bool,
    /// Whether they may not sign in.
    disabled: bool,
    /// Sorted.
    roles: Vec<String>,
    /// Granted directly or by a role, sorted.
    permissions: Vec<String>,
    /// Custom claims of their access tokens.
    #[schema(value_type = Object)]
    claims: Map<String, Value>,
    /// When the account was made.
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
        optional("username", USERNAME, "A name without `@`, unique without regard to case. The server may require it."),
        optional("email", EMAIL, "An address, unique without regard to case. The server may require it."),
        required("password", Kind::Password, "Not among the commonest, nor made of the account's own names."),
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

/// Makes an account.
#[post("/register", data = "<body>")]
pub async fn register(
    body: Body<Registration>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Created<Json<UserView>>, ApiError> {
    let user = flows::users::register::register(vestibule, body.0, caller.network, &caller.context()).await?;
    Ok(Created::new("/users/me").body(Json(user.into())))
}

/// The bearer's account.
#[get("/me")]
pub async fn me(token: AccessToken, mut db: Connection<Db>) -> Result<Json<UserView>, ApiError> {
    let user = store::users::find(&mut db, token.claims().sub).await?.ok_or_else(account_deleted)?;
    Ok(Json(user.into()))
}

impl FromFields for NewNames {
    const FIELDS: &'static [Field] = &[
        optional("username", USERNAME, "The new name, without `@`; null removes it."),
        optional("email", EMAIL, "The new address, not verified at first; null removes it."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        Some(Self {
            username: fields.nullable("username", Username::parse),
            email: fields.nullable("email", Email::parse),
        })
    }
}

/// Renames the bearer.
#[patch("/me", data = "<body>")]
pub async fn update_me(
    token: FreshToken,
    body: Body<NewNames>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<UserView>, ApiError> {
    let user = change_names(vestibule, token.claims(), body.0, caller.network, &caller.context()).await?;
    Ok(Json(user.into()))
}

/// The body of a password change.
pub struct ChangePasswordBody {
    /// The one until now.
    pub current: Password,
    /// The one from now on.
    pub new: Password,
}

impl FromFields for ChangePasswordBody {
    const FIELDS: &'static [Field] = &[
        required("current_password", Kind::Password, "The password until now."),
        required("new_password", Kind::Password, "The one from now on."),
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

/// Sets the bearer's password.
#[post("/me/password", data = "<body>")]
pub async fn change_password(
    token: AccessToken,
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

/// Removes the bearer's account.
#[delete("/me", data = "<body>")]
pub async fn delete_me(
    token: FreshToken,
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

/// All that is stored about a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportView {
    /// The account.
    user: UserView,
    /// Sessions, ended ones too while they are kept.
    sessions: Vec<ExportedSession>,
    /// Devices.
    devices: Vec<DeviceView>,
    /// The log, newest first.
    audit_events: Vec<AuditEventView>,
}

/// A session with all that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSession {
    /// As the list of live sessions shows it.
    #[serde(flatten)]
    session: SessionView,
    /// The row of the device that it is on.
    #[schema(required)]
    device: Option<String>,
    /// The end that no refresh moves.
    #[schema(value_type = String, format = DateTime)]
    ends_at: UnixTime,
    /// When a password was last proved in it.
    #[schema(value_type = String, format = DateTime)]
    auth_time: UnixTime,
    /// Wrong passwords in it since the last right one.
    failed_proofs: u32,
    /// Refreshes from another device in a row.
    mismatches: u32,
    /// The permissions that its tokens carry at most, joined by spaces; null where that was not narrowed.
    #[schema(required)]
    scope: Option<String>,
    /// What of the browser's fingerprint a keyed hash is kept of.
    fingerprint: Vec<&'static str>,
    /// When it was ended.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    revoked_at: Option<UnixTime>,
    /// Why it was ended.
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
            mismatches: session.mismatches,
            scope: session.scope.as_ref().map(|granted| scope::text(granted.permissions())),
            fingerprint: session.fingerprint.iter().flat_map(SealedFingerprint::components).collect(),
            revoked_at: session.revoked_at,
            revoked_reason: session.revoked_reason.clone(),
        }
    }
}

/// A device. Its secret is not here: only a hash of it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// Its row.
    id: String,
    /// Through which client it signs in.
    client_id: String,
    /// When it was first seen.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixTime,
    /// Its last login, or the end of its last session.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: UnixTime,
}

/// An audit event.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEventView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: UnixTime,
    /// What.
    event: String,
    /// In which session.
    #[schema(required)]
    session_id: Option<String>,
    /// From which address.
    #[schema(required)]
    ip: Option<String>,
    /// What else.
    #[schema(value_type = Object)]
    detail: Value,
}

/// Everything about the bearer.
#[get("/me/export")]
pub async fn export_me(token: AccessToken, vestibule: &State<AppState>) -> Result<Json<ExportView>, ApiError> {
    let export = export_user(vestibule, token.claims().sub).await?.ok_or_else(account_deleted)?;
    Ok(Json(ExportView::new(vestibule, export, &token)))
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

/// What whoever asks is told whose account was deleted meanwhile.
pub(in crate::http) fn account_deleted() -> ApiError {
    ApiError::new(ErrorCode::TokenRevoked, "The account is gone.")
}
