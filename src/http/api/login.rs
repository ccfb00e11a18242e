//! `POST /auth/login`, `/auth/refresh` and `/auth/fresh`: the endpoints that issue tokens.

use rocket::{State, post, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    audience::{AUDIENCE, audience, audience_in_cookie, audience_of_refreshed_cookie},
    sessions,
    tokens::{self, TokenResponse, Transport},
};
use crate::{
    config::FingerprintPolicy,
    domain::{
        Email, Identifier, SessionId,
        client::DEFAULT_CLIENT,
        device::{DeviceName, DeviceSecret, Fingerprint},
        password::Password,
    },
    flows::{
        self, Tokens, Vestibule,
        sessions::{login::Login, refresh::Refresh},
        steps::client,
        users::reauthenticate::reauthenticate,
    },
    http::{
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode},
        fairings::renewal::WithOwnToken,
        guards::{AccessToken, OnAccount},
        request::{
            body::{Body, Fields, FromFields, OptionalBody},
            caller::Caller,
            field::{Field, Kind, optional, required},
        },
    },
};

/// The field of a login with the secret of a device that is already known.
pub(in crate::http) const DEVICE_ID: Field = optional(
    "device_id",
    Kind::Opaque,
    "The `device_id` that an earlier login on this device returned. An unknown value is ignored.",
);

/// The field of a refresh with the secret of the session's device.
pub(in crate::http) const REFRESH_DEVICE_ID: Field = optional(
    "device_id",
    Kind::Opaque,
    "The `device_id` of the session. By default that of the cookie. If a refresh sends it, the token that the refresh replaces \
     is repeated only for requests that send it too.",
);

/// The field of a login with the name of the device.
pub(in crate::http) const DEVICE_NAME: Field = optional(
    "device_name",
    Kind::Text(DeviceName::MAX_CHARS),
    "The name of the device in the list of sessions. By default it is derived from the user agent.",
);

/// The field of a login with the session that makes room for it.
pub(in crate::http) const END_SESSION: Field = optional(
    "end_session",
    Kind::Opaque,
    "The id of a session of the user, which ends if `max_devices_per_user` is reached and `device_limit_policy` is `reject`. \
     The login then takes its place.",
);

/// The maximum length of a `client_id`, in bytes.
pub(in crate::http) const MAX_CLIENT_ID: usize = 64;

/// The body of a login.
pub struct LoginBody {
    identifier: Identifier,
    password: Password,
    fingerprint: Option<Fingerprint>,
    device_id: Option<DeviceSecret>,
    device_name: Option<DeviceName>,
    client_id: String,
    audience: Option<String>,
    end_session: Option<SessionId>,
    pub(in crate::http) transport: Transport,
}

/// The maximum length of a username or an email address, in bytes. The fields `username` and `email` accept both.
const MAX_IDENTIFIER: usize = Email::MAX_BYTES;

impl FromFields for LoginBody {
    const FIELDS: &'static [Field] = &[
        optional(
            "username",
            Kind::Text(MAX_IDENTIFIER),
            "The username or the email address of the account. This field or `email` is required.",
        ),
        optional(
            "email",
            Kind::Text(MAX_IDENTIFIER),
            "The email address or the username of the account. This field is ignored if there is a `username`.",
        ),
        required("password", Kind::Password, "The password of the account."),
        optional(
            "fingerprint",
            Kind::Fingerprint,
            "The properties of the browser, in up to 64 fields and 48 KiB. If there are enough of them, they bind the session \
             to the device: each refresh must then send a matching fingerprint.",
        ),
        DEVICE_ID,
        DEVICE_NAME,
        optional(
            "client_id",
            Kind::Text(MAX_CLIENT_ID),
            "The id of the client; by default `default`. A confidential client is refused.",
        ),
        AUDIENCE,
        END_SESSION,
        optional(
            "transport",
            Kind::OneOf(Transport::NAMES),
            "How the tokens are returned: `bearer` in the body, `cookie` in cookies. With cookies, the body has `csrf_token` \
             instead. By default `bearer`, if the server accepts tokens in headers.",
        ),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let identifier = identifier(fields);
        let password = fields.required("password", Password::parse);
        let fingerprint = fingerprint(fields, vestibule);
        require_fingerprint(fields, vestibule, fingerprint.as_ref());
        let device_id = device_id(fields);
        let device_name = fields.optional("device_name", DeviceName::parse);
        let client_id = fields.optional("client_id", client_id).unwrap_or_else(|| DEFAULT_CLIENT.to_owned());
        let audience = audience(fields);
        let end_session = end_session(fields);
        let transport = transport(fields, vestibule);
        Some(Self {
            identifier: identifier?,
            password: password?,
            fingerprint,
            device_id,
            device_name,
            client_id,
            audience,
            end_session,
            transport,
        })
    }
}

/// Reads the session that makes room for the login.
pub(in crate::http) fn end_session(fields: &mut Fields) -> Option<SessionId> {
    fields.optional("end_session", |text| SessionId::parse(text).ok_or("must be the id of a session"))
}

/// Reads the identifier from the field `username`, otherwise from the field `email`. Records the field as invalid if both are
/// absent.
fn identifier(fields: &mut Fields) -> Option<Identifier> {
    if fields.is_absent("username") && fields.is_absent("email") {
        fields.refuse("username", "is required, or an email");
    }
    let username = fields.optional("username", Identifier::parse);
    username.or(fields.optional("email", Identifier::parse))
}

/// Reads the fingerprint. Returns `None` if `fingerprint_policy` is `off`, if the field is absent, or if it is invalid. An
/// invalid field is recorded.
pub(in crate::http) fn fingerprint(fields: &mut Fields, vestibule: &Vestibule) -> Option<Fingerprint> {
    if vestibule.config.devices.fingerprint == FingerprintPolicy::Off {
        return None;
    }
    fields.value("fingerprint", Fingerprint::parse)
}

/// Reads the secret of a known device. A malformed value is ignored, because the device may have it from another server.
pub(in crate::http) fn device_id(fields: &mut Fields) -> Option<DeviceSecret> {
    fields.optional("device_id", |text| Ok::<_, &str>(DeviceSecret::parse(text).ok())).flatten()
}

/// Records the field `fingerprint` as invalid if `fingerprint_policy` is `require` and the fingerprint is absent or can't bind
/// the session.
pub fn require_fingerprint(fields: &mut Fields, vestibule: &Vestibule, fingerprint: Option<&Fingerprint>) {
    if vestibule.config.devices.fingerprint != FingerprintPolicy::Require {
        return;
    }
    if fields.is_absent("fingerprint") {
        fields.refuse("fingerprint", "is required");
    } else if fingerprint.is_some_and(|fingerprint| !fingerprint.says_enough()) {
        fields.refuse("fingerprint", "has too few properties to recognise the device");
    }
}

/// Returns the client id, or the message for the field. Whether the client exists is checked later.
pub(in crate::http) fn client_id(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.len() > MAX_CLIENT_ID {
        Err("must have 1 to 64 characters")
    } else {
        Ok(text.to_owned())
    }
}

/// Reads the transport. By default it is the body, or cookies if the server accepts tokens in cookies only. Records the field
/// as invalid if `token_location` does not contain the transport.
fn transport(fields: &mut Fields, vestibule: &Vestibule) -> Transport {
    let location = &vestibule.config.tokens.location;
    let requested = fields.optional("transport", Transport::parse);
    match requested.unwrap_or(if location.headers { Transport::Body } else { Transport::Cookie }) {
        Transport::Cookie if !location.cookies => {
            fields.refuse("transport", "must be \"bearer\": this server has cookies switched off");
            Transport::Body
        }
        Transport::Body if !location.headers => {
            fields.refuse("transport", "must be \"cookie\": this server takes tokens in cookies only");
            Transport::Cookie
        }
        transport => transport,
    }
}

/// Signs a user in, and returns the tokens of a new session.
#[post("/login", data = "<body>")]
pub async fn login(
    origin: csrf::RequestOrigin<'_>,
    body: Body<LoginBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<TokenResponse>, ApiError> {
    let transport = body.0.transport;
    if transport == Transport::Cookie {
        // A foreign page could sign its visitor in as another user.
        origin.check_origin()?;
    }
    let tokens = sign_in(body.0, vestibule, caller, cookies).await?;
    Ok(tokens::respond(cookies, tokens, transport))
}

/// Opens the session that a body requests, and returns its tokens. Does not set cookies.
pub(in crate::http) async fn sign_in(
    body: LoginBody,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Tokens, ApiError> {
    let client = client::public_client(vestibule, &body.client_id)?;
    let audience = match body.transport {
        Transport::Cookie => audience_in_cookie(client.settings(), body.audience, vestibule)?,
        Transport::Body => body.audience,
    };
    let request = Login {
        identifier: body.identifier,
        password: body.password,
        fingerprint: body.fingerprint,
        device_ids: match (body.device_id, body.transport) {
            (Some(device_id), _) => vec![device_id],
            (None, Transport::Cookie) => cookies.device_ids(),
            (None, Transport::Body) => Vec::new(),
        },
        device_name: body.device_name,
        client,
        audience,
        scope: None,
        end_session: body.end_session,
        only_asks: false,
    };
    Ok(flows::sessions::login::login(vestibule, request, caller.network, &caller.context()).await?)
}

/// The body of a refresh.
#[derive(Default)]
pub struct RefreshBody {
    pub(in crate::http) refresh_token: Option<String>,
    pub(in crate::http) fingerprint: Option<Fingerprint>,
    pub(in crate::http) device_id: Option<DeviceSecret>,
    pub(in crate::http) audience: Option<String>,
}

impl FromFields for RefreshBody {
    const FIELDS: &'static [Field] = &[
        optional(
            "refresh_token",
            Kind::Opaque,
            "The session's refresh token. By default the token of the cookie is used.",
        ),
        optional("fingerprint", Kind::Fingerprint, "Required if the session is bound to a device."),
        REFRESH_DEVICE_ID,
        AUDIENCE,
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let refresh_token = fields.optional("refresh_token", |text| Ok::<_, &str>(text.to_owned()));
        Some(Self {
            refresh_token: refresh_token.filter(|token| !token.is_empty()),
            fingerprint: fingerprint(fields, vestibule),
            device_id: device_id(fields),
            audience: audience(fields),
        })
    }
}

/// Exchanges a refresh token for new tokens. The token in the body takes precedence over the cookie.
#[post("/refresh", data = "<body>")]
pub async fn refresh(
    _page: csrf::SameOrigin,
    body: OptionalBody<RefreshBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<Json<TokenResponse>, ApiError> {
    let RefreshBody { refresh_token: in_body, fingerprint, device_id, audience } = body.0.unwrap_or_default();
    let device_ids = device_id.into_iter().chain(cookies.device_ids()).collect();
    let in_headers = vestibule.config.tokens.location.headers;
    let transport = if in_body.is_some() && in_headers { Transport::Body } else { Transport::Cookie };
    let token = match in_body {
        Some(token) => {
            // The response sets cookies, with which a foreign page could sign its visitor in as another user.
            if transport == Transport::Cookie {
                origin.check_origin()?;
            }
            token
        }
        None => {
            let now = caller.context().now;
            let (token, claims) = cookies.refresh(now)?.ok_or_else(missing_refresh_token)?;
            // A session that has ended needs no CSRF check, because the flow then changes nothing. Its error is more useful
            // than a failed CSRF check.
            if sessions::is_live(vestibule, claims.sid, now).await? {
                origin.check(claims.sid)?;
            }
            token.to_owned()
        }
    };
    cookies.log_entry().set_refresh_token(vestibule, &token);
    let audience = match transport {
        Transport::Cookie => audience_of_refreshed_cookie(&token, audience, vestibule)?,
        Transport::Body => audience,
    };
    let request = Refresh { fingerprint, device_ids, audience, ..Refresh::of(&token) };
    let tokens = flows::sessions::refresh::refresh(vestibule, request, &caller.context()).await?;
    Ok(tokens::respond(cookies, tokens, transport))
}

fn missing_refresh_token() -> ApiError {
    ApiError::new(ErrorCode::MissingToken, "Send a refresh token: {\"refresh_token\": \"…\"}, or its cookie.")
}

/// A body with the user's password, for a reauthentication.
pub struct PasswordBody(pub Password);

impl FromFields for PasswordBody {
    const FIELDS: &'static [Field] = &[required("password", Kind::Password, "The password of the account.")];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        fields.required("password", Password::parse).map(Self)
    }
}

/// A fresh access token. It proves that the user has just proved the password.
#[derive(Debug, Serialize, ToSchema)]
pub struct FreshTokenResponse {
    /// The fresh access token, of the same session. Absent if the request sent its access token in a cookie. The response then
    /// sets the cookie to the fresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Always `bearer`.
    token_type: &'static str,
    /// Seconds until the fresh access token expires.
    expires_in: i64,
}

/// Verifies the password again, and returns a fresh access token.
#[post("/fresh", data = "<body>")]
pub async fn fresh(
    token: OnAccount<AccessToken>,
    body: Body<PasswordBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<WithOwnToken<Json<FreshTokenResponse>>, ApiError> {
    let fresh = reauthenticate(vestibule, token.claims(), &body.0.0, &caller.context()).await?;
    if token.came_in_cookie() {
        cookies.set_fresh(&fresh);
    }
    let in_body = Some(fresh.access_token).filter(|_| !token.came_in_cookie());
    Ok(WithOwnToken(Json(FreshTokenResponse {
        access_token: in_body,
        token_type: "bearer",
        expires_in: fresh.expires_in,
    })))
}
