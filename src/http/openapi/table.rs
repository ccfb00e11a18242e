//! The table: the requests, responses and errors of every endpoint. It lists only the error codes that are specific to an
//! endpoint. `Endpoint::codes` adds by rule the codes that follow from a token, a body or the database.

use serde_json::{Value, json};
use utoipa::openapi::HttpMethod::{Delete, Get, Patch, Post};

use super::{
    admin,
    endpoint::{
        Access::{AnyToken, Bearer, Fresh, Refresh},
        Endpoint,
        Group::{Keys, Operation, Sessions, Users},
    },
    examples::{PASSWORD, REFRESH_TOKEN},
    oauth,
    schemas::{Document, KeySet},
};
use crate::{
    flows::users::{change_names::NewNames, register::Registration},
    http::{
        api::{
            export::ExportView,
            health::{Health, Ready},
            login::{FreshTokenResponse, LoginBody, PasswordBody, RefreshBody},
            session::SessionState,
            sessions::{self, DeviceBody, MessageResponse, RevokedSessionsResponse, SessionView},
            tokens::TokenResponse,
            users::{ChangePasswordBody, UserView},
        },
        errors::ErrorCode::{
            AccountDisabled, AlreadyExists, CsrfFailed, DeviceLimitReached, DeviceMismatch, InsufficientScope,
            InvalidClient, InvalidCredentials, InvalidRequest, LastAdmin, MalformedRequest, NotFound, Overloaded,
            PayloadTooLarge, RefreshReused, RegistrationClosed, StorageUnavailable, TooManyRequests,
        },
        request::field::{self, Field, Kind},
    },
};

/// The parameter `redirect` of forward authentication.
static REDIRECT: Field = field::optional(
    "redirect",
    Kind::OneOf(&["0", "1"]),
    "If `1`, a browser that must sign in is redirected; it does not receive a 401.",
);

/// Returns the rows of all endpoints, except the pages.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        token_endpoints(),
        session_endpoints(),
        single_session_endpoints(),
        forward_auth_endpoints(),
        account_endpoints(),
        personal_data_endpoints(),
        public_endpoints(),
        admin::endpoints(),
        oauth::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn token_endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Post, "{base}/login", "login", Sessions)
            .described_as(
                "Sign in",
                "Opens a session and returns its tokens. If the request names a known device, the earlier session of this \
                 device ends.",
            )
            .json_body::<LoginBody>()
            .example_body("with a name", json!({"username": "ada", "password": PASSWORD}))
            .example_body("with an address, bound to the device", bound_login())
            .example_body("with cookies", json!({"username": "ada", "password": PASSWORD, "transport": "cookie"}))
            .returns::<TokenResponse>(200, "The tokens of a new session.")
            .with_header("Set-Cookie")
            .fails_with(&[
                InvalidCredentials,
                InvalidClient,
                // For a request that requests cookies and comes from a page of another origin.
                CsrfFailed,
                AccountDisabled,
                DeviceLimitReached,
                TooManyRequests,
                Overloaded,
            ]),
        Endpoint::new(Post, "{base}/refresh", "refresh", Sessions)
            .described_as(
                "Refresh",
                "Exchanges a refresh token for an access token and the next refresh token. If a replaced refresh token is used \
                 again after the grace period, the session ends. A refresh token that is older than the last change of the \
                 password is refused, but its session continues.",
            )
            .access(Refresh)
            .optional_json_body::<RefreshBody>()
            .example_body("with a token", json!({"refresh_token": REFRESH_TOKEN}))
            .example_body("from the bound device", json!({"refresh_token": REFRESH_TOKEN, "fingerprint": fingerprint()}))
            .returns::<TokenResponse>(200, "The new tokens. The access token is not fresh.")
            .with_header("Set-Cookie")
            .fails_with(&[RefreshReused, DeviceMismatch, InvalidClient, TooManyRequests]),
        Endpoint::new(Post, "{base}/fresh", "fresh", Sessions)
            .described_as(
                "Prove the password again",
                "Verifies the password and returns a fresh access token. Five wrong passwords in a row end the session.",
            )
            .access(Bearer)
            .json_body::<PasswordBody>()
            .example_body("the password", json!({"password": PASSWORD}))
            .returns::<FreshTokenResponse>(200, "A fresh access token of the same session.")
            .with_header("Set-Cookie")
            .fails_with(&[InvalidCredentials, TooManyRequests, Overloaded]),
    ]
}

fn session_endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "{base}/active_sessions", "active_sessions", Sessions)
            .described_as("List your sessions", "Returns your live sessions, the most recently used session first.")
            .access(Bearer)
            .returns_list_of::<SessionView>(200, "The sessions."),
        Endpoint::new(Get, "{base}/session", "session", Sessions)
            .described_as(
                "Get the state of the session",
                "Tells a page whether somebody is signed in. A missing or invalid token is not an error.",
            )
            .returns::<SessionState>(200, "The state of the session.")
            .fails_with(&[StorageUnavailable]),
        Endpoint::new(Post, "{base}/logout", "logout", Sessions)
            .described_as(
                "Sign out",
                "Ends the session of the presented token, even if the token has expired, and removes the cookies. A refresh \
                 token in the body takes precedence over a token in the header, and the header over the cookies.",
            )
            .access(AnyToken)
            .optional_json_body::<sessions::TokenBody>()
            .example_body("with a refresh token", json!({"refresh_token": REFRESH_TOKEN}))
            .returns::<MessageResponse>(200, "The session has ended, by this request or earlier.")
            .with_header("Set-Cookie"),
        Endpoint::new(Post, "{base}/logout_all", "logout_all", Sessions)
            .described_as("Sign out everywhere", "Ends all of your sessions, including this one, and removes the cookies.")
            .access(Bearer)
            .returns::<RevokedSessionsResponse>(200, "The number of live sessions that were ended.")
            .with_header("Set-Cookie")
            .fails_with(&[PayloadTooLarge]),
        Endpoint::new(Post, "{base}/revoke_other_session", "revoke_other_session", Sessions)
            .described_as(
                "Sign out everywhere else",
                "Ends all of your sessions except one. The session of the refresh token in the body is kept; this token must \
                 belong to you. Without a refresh token, the session of the access token is kept.",
            )
            .access(Bearer)
            .optional_json_body::<sessions::TokenBody>()
            .example_body("keep the session of a refresh token", json!({"refresh_token": REFRESH_TOKEN}))
            .returns::<RevokedSessionsResponse>(200, "The number of live sessions that were ended."),
    ]
}

fn single_session_endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Delete, "{base}/sessions/{id}", "delete_session", Sessions)
            .described_as(
                "End one session",
                "Ends one of your live sessions, named by its `id` in the list of sessions.",
            )
            .access(Bearer)
            .path_parameter("id", "The session's `id`.")
            .returns_nothing("The session has ended.")
            .fails_with(&[NotFound, PayloadTooLarge]),
        Endpoint::new(Post, "{base}/logout/device", "logout_device", Sessions)
            .described_as(
                "End one session, named in the body",
                "Ends one of your live sessions. The body names it by its `id` or its `jti` in the list of sessions.",
            )
            .access(Bearer)
            .json_body::<DeviceBody>()
            .example_body("by its id", json!({"session_id": SESSION_ID}))
            .returns_nothing("The session has ended.")
            .fails_with(&[NotFound]),
    ]
}

fn forward_auth_endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "{base}/verify", "verify", Sessions)
            .described_as(
                "Check whether a request may pass",
                "For nginx `auth_request`, Caddy `forward_auth` and Traefik ForwardAuth. The proxy describes the original \
                 request in the headers `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`. The response is 401 if such a \
                 header comes from an address outside of `trusted_proxies`, or is repeated. Requests for paths in \
                 `exclude_urls` pass without a token; the headers of the response are then empty.",
            )
            .access(Bearer)
            .query_parameter("permission", "A permission that the token must carry. If repeated, all of them are required.")
            .query_parameter("role", "A role that the user must have. If repeated, all of them are required.")
            .query_field(&REDIRECT)
            .returns_headers(
                &["Remote-User", "Remote-Email", "Remote-Groups", "X-Auth-Sub", "X-Auth-Permissions"],
                "The request may pass. All five headers are present; a header without a value is empty.",
            )
            .may_redirect("Redirects the browser to the sign-in. Afterwards the browser is redirected to the original URL.")
            .fails_with(&[InsufficientScope, InvalidRequest])
            // A malformed token is refused with 401, because a proxy treats a 400 as a failure of this server.
            .excludes_codes(&[MalformedRequest]),
    ]
}

fn account_endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Post, "{base}/register", "register", Users)
            .described_as("Create an account", "Creates an account, if registration is open. No session is opened.")
            .json_body::<Registration>()
            .example_body(
                "a name and an address",
                json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD}),
            )
            .returns::<UserView>(201, "The new user.")
            .with_header("Location")
            .fails_with(&[RegistrationClosed, AlreadyExists, TooManyRequests, Overloaded]),
        Endpoint::new(Get, "/users/me", "me", Users)
            .described_as(
                "Get your account",
                "Returns your account as it is stored now. The claims of your access token may be older.",
            )
            .access(Bearer)
            .returns::<UserView>(200, "The user."),
        Endpoint::new(Patch, "/users/me", "update_me", Users)
            .described_as(
                "Change your names",
                "Changes your username and email address. An absent field leaves its value unchanged; null removes the \
                 value.",
            )
            .access(Fresh)
            .json_body::<NewNames>()
            .example_body("a new address", json!({"email": "countess@example.com"}))
            .returns::<UserView>(200, "The changed user.")
            .fails_with(&[AlreadyExists, TooManyRequests]),
        Endpoint::new(Post, "/users/me/password", "change_password", Users)
            .described_as(
                "Change your password",
                "Ends all of your other sessions, revokes all earlier access tokens, and replaces the refresh token of this \
                 session.",
            )
            .access(Bearer)
            .json_body::<ChangePasswordBody>()
            .example_body(
                "both passwords",
                json!({"current_password": PASSWORD, "new_password": "seven slow ferries north"}),
            )
            .returns::<TokenResponse>(200, "New tokens of this session.")
            .with_header("Set-Cookie")
            .fails_with(&[InvalidCredentials, TooManyRequests, Overloaded]),
    ]
}

fn personal_data_endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "/users/me/export", "export_me", Users)
            .described_as(
                "Export your data",
                "Returns all data that is stored about you: account, sessions, devices and audit events.",
            )
            .access(Bearer)
            .returns::<ExportView>(200, "The data.")
            .fails_with(&[TooManyRequests]),
        Endpoint::new(Delete, "/users/me", "delete_me", Users)
            .described_as(
                "Delete your account",
                "Deletes your account, your sessions and your devices. The audit events are kept without personal data.",
            )
            .access(Fresh)
            .json_body::<PasswordBody>()
            .example_body("the password", json!({"password": PASSWORD}))
            .returns_nothing("The account is deleted.")
            .with_header("Set-Cookie")
            .fails_with(&[InvalidCredentials, LastAdmin, TooManyRequests, Overloaded]),
    ]
}

fn public_endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "/.well-known/jwks.json", "jwks", Keys)
            .described_as(
                "Get the public keys",
                "Returns the key set for services that verify access tokens themselves. Such a service does not see \
                 revocations: it accepts a token until the `exp` of the token.",
            )
            .returns::<KeySet>(200, "The key set.")
            .may_be_cached(),
        Endpoint::new(Get, "/health", "health", Operation)
            .described_as("Check that the process is alive", "The response does not depend on the database.")
            .returns::<Health>(200, "The process is alive."),
        Endpoint::new(Get, "/ready", "ready", Operation)
            .described_as(
                "Check that the server can do its work",
                "Writes to the database, at most once in a second. The 503 has the same `checks` beside the members of an error.",
            )
            .returns::<Ready>(200, "The server is ready.")
            .fails_with(&[StorageUnavailable]),
        Endpoint::new(Get, "/openapi.json", "openapi", Operation)
            .described_as("Get this document", "Returns the OpenAPI 3.1 description of every endpoint.")
            .returns::<Document>(200, "The document.")
            .may_be_cached(),
    ]
}

const SESSION_ID: &str = "019a9c1e-5b7d-7c32-8f10-6a4be2d90c55";

/// Returns the example of a login that binds the session to the device.
fn bound_login() -> Value {
    json!({
        "email": "ada@example.com",
        "password": PASSWORD,
        "device_name": "Ada's laptop",
        "fingerprint": fingerprint(),
    })
}

/// Returns an example of the fingerprint that a page with FingerprintJS and ClientJS sends. A fingerprint may lack any of these
/// fields.
fn fingerprint() -> Value {
    json!({
        "visitorId": "0b4b0000000000000000000000000000",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
        "os": "Linux",
        "osVersion": "x86_64",
        "browser": "Chrome",
        "browserVersion": "156.0.0.0",
        "screenPrint": "Current Resolution: 1366x768, Available Resolution: 1366x768, Color Depth: 24",
        "timezone": "Coordinated Universal Time",
        "language": "en-US",
        "cpu": "amd64",
        "plugins": "PDF Viewer, Chrome PDF Viewer, Chromium PDF Viewer",
        "fonts": "Arial, Courier New, Times New Roman",
        "canvasPrint": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9\
                        awAAAABJRU5ErkJggg==",
        "deviceMemory": 16,
        "hardwareConcurrency": 2,
    })
}
