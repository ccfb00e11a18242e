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
    tokens::{self, TokenResponse, Transport},
};
use crate::{
    domain::{Email, Permission, UnixTime, User, Username, password::Password},
    flows::{
        self, Vestibule,
        steps::names::check_names,
        users::{
            change_names::{NewNames, change_names},
            delete_user::delete_own,
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

pub(in crate::http) const USERNAME: Kind = Kind::Text(Username::MAX_CHARS);
pub(in crate::http) const EMAIL: Kind = Kind::Text(Email::MAX_BYTES);

/// Returns the parser of the field of a new password, which must have the minimum length. Its strength is judged later, because
/// that costs time.
pub(in crate::http) fn new_password(vestibule: &Vestibule) -> impl FnOnce(&str) -> Result<Password, String> {
    let min_length = vestibule.config.passwords.min_length;
    move |text| {
        let password = Password::parse(text)?;
        password.check_length(min_length).map(|()| password)
    }
}

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
            Kind::NewPassword,
            "The password. Common passwords and the names of the account are refused.",
        ),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let username = fields.optional("username", Username::parse);
        let email = fields.optional("email", Email::parse);
        let password = fields.required("password", new_password(vestibule));
        let field = vestibule.config.passwords.username_field;
        if let Err((field, message)) = check_names(field, !fields.is_absent("username"), !fields.is_absent("email")) {
            fields.refuse(field, message);
        }
        Some(Self { username, email, password: password? })
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
        required("new_password", Kind::NewPassword, "The new password."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let current = fields.required("current_password", Password::parse);
        let new = fields.required("new_password", new_password(vestibule));
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

/// Returns the error for a bearer whose account was deleted after the access token was issued.
pub(in crate::http) fn account_deleted() -> ApiError {
    ApiError::new(ErrorCode::TokenRevoked, "The account was deleted.")
}
