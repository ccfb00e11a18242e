//! The table: every endpoint, what it takes, gives and refuses. Codes that come with a token, a body or the database are
//! added by rule (`Endpoint::codes`); here stand only those that are an endpoint's own.

use serde_json::{Value, json};
use utoipa::openapi::HttpMethod::{Delete, Get, Patch, Post};

use super::{
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
            health::Health,
            login::{FreshTokenResponse, LoginBody, PasswordBody, RefreshBody},
            sessions::{self, DeviceBody, MessageResponse, RevokedSessionsResponse, SessionView},
            tokens::TokenResponse,
            users::{ChangePasswordBody, ExportView, UserView},
        },
        errors::ErrorCode::{
            AccountDisabled, AlreadyExists, CsrfFailed, DeviceLimitReached, DeviceMismatch, InsufficientScope,
            InvalidClient, InvalidCredentials, InvalidRequest, LastAdmin, MalformedRequest, NotFound, Overloaded,
            PayloadTooLarge, RefreshReused, RegistrationClosed, TooManyRequests,
        },
    },
};

/// Every endpoint.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        got_tokens(),
        own_sessions(),
        ended_session(),
        asked_by_a_proxy(),
        own_account(),
        own_data(),
        for_anybody(),
        oauth::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn got_tokens() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Post, "{base}/login", "login", Sessions)
            .described_as("Sign in", "Opens a session, in place of the one that the device already had.")
            .json_body::<LoginBody>()
            .example_body("with a name", json!({"username": "ada", "password": PASSWORD}))
            .example_body("with an address, bound to the device", bound_login())
            .example_body("with cookies", json!({"username": "ada", "password": PASSWORD, "transport": "cookie"}))
            .returns::<TokenResponse>(200, "The tokens of a new session.")
            .with_header("Set-Cookie")
            .fails_with(&[
                InvalidCredentials,
                InvalidClient,
                // From a foreign page that wants cookies.
                CsrfFailed,
                AccountDisabled,
                DeviceLimitReached,
                TooManyRequests,
                Overloaded,
            ]),
        Endpoint::new(Post, "{base}/refresh", "refresh", Sessions)
            .described_as(
                "Refresh",
                "Trades a refresh token for the next pair. An old one that comes back ends its session; one that is older than \
                 the password gets nothing and ends nothing.",
            )
            .access(Refresh)
            .optional_json_body::<RefreshBody>()
            .example_body("with a token", json!({"refresh_token": REFRESH_TOKEN}))
            .example_body("from the bound device", json!({"refresh_token": REFRESH_TOKEN, "fingerprint": fingerprint()}))
            .returns::<TokenResponse>(200, "The next tokens; the access token is not fresh.")
            .with_header("Set-Cookie")
            .fails_with(&[RefreshReused, DeviceMismatch, InvalidClient, TooManyRequests]),
        Endpoint::new(Post, "{base}/fresh", "fresh", Sessions)
            .described_as(
                "Prove the password again",
                "Gives a fresh access token; five wrong passwords in a row end the session.",
            )
            .access(Bearer)
            .json_body::<PasswordBody>()
            .example_body("the password", json!({"password": PASSWORD}))
            .returns::<FreshTokenResponse>(200, "A fresh access token of the same session.")
            .with_header("Set-Cookie")
            .fails_with(&[InvalidCredentials, TooManyRequests, Overloaded]),
    ]
}

fn own_sessions() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "{base}/active_sessions", "active_sessions", Sessions)
            .described_as("List your sessions", "Those that are live, the latest used first.")
            .access(Bearer)
            .returns_list_of::<SessionView>(200, "The sessions."),
        Endpoint::new(Post, "{base}/logout", "logout", Sessions)
            .described_as(
                "Sign out",
                "Ends the session of whatever token is shown, even one that is over, and clears the cookies. A refresh token in the \
                 body wins over others.",
            )
            .access(AnyToken)
            .optional_json_body::<sessions::TokenBody>()
            .example_body("with a refresh token", json!({"refresh_token": REFRESH_TOKEN}))
            .returns::<MessageResponse>(200, "The session is over, or was already.")
            .with_header("Set-Cookie"),
        Endpoint::new(Post, "{base}/logout_all", "logout_all", Sessions)
            .described_as("Sign out everywhere", "Ends every session of yours, this one too.")
            .access(Bearer)
            .returns::<RevokedSessionsResponse>(200, "How many were ended.")
            .with_header("Set-Cookie")
            .fails_with(&[PayloadTooLarge]),
        Endpoint::new(Post, "{base}/revoke_other_session", "revoke_other_session", Sessions)
            .described_as("Sign out everywhere else", "Ends all of your sessions but one: the session of the refresh token in the body, which must be yours; without one, the session of the access token.")
            .access(Bearer)
            .optional_json_body::<sessions::TokenBody>()
            .example_body("keep the session of a refresh token", json!({"refresh_token": REFRESH_TOKEN}))
            .returns::<RevokedSessionsResponse>(200, "How many were ended."),
    ]
}

fn ended_session() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Delete, "{base}/sessions/{id}", "delete_session", Sessions)
            .described_as("End one session", "One of your own, as the list shows it.")
            .access(Bearer)
            .path_parameter("id", "The session's `id`.")
            .returns_nothing("The session is over.")
            .fails_with(&[NotFound, PayloadTooLarge]),
        Endpoint::new(Post, "{base}/logout/device", "logout_device", Sessions)
            .described_as(
                "End one session, named in the body",
                "One of your own, by its `id` or its `jti`: one of the two is needed.",
            )
            .access(Bearer)
            .json_body::<DeviceBody>()
            .example_body("by its id", json!({"session_id": SESSION_ID}))
            .returns_nothing("The session is over.")
            .fails_with(&[NotFound]),
    ]
}

fn asked_by_a_proxy() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "{base}/verify", "verify", Sessions)
            .described_as(
                "Whether a request may pass",
                "For nginx `auth_request`, Caddy `forward_auth` and Traefik ForwardAuth, which tell in `X-Forwarded-Method`, \
                 `-Proto`, `-Host` and `-Uri` what they hold. These count only from `trusted_proxies`, each once; else the \
                 answer is 401. Paths in `exclude_urls` pass with empty headers.",
            )
            .access(Bearer)
            .query_parameter("permission", "A permission that the user must have; of several, every one.")
            .query_parameter("role", "A role that the user must have; of several, every one.")
            .query_parameter("redirect", "With `1`, a browser that must sign in is sent there instead of a 401.")
            .returns_headers(
                &["Remote-User", "Remote-Email", "Remote-Groups", "X-Auth-Sub", "X-Auth-Permissions"],
                "It may: every one of the headers is there, empty where there is nothing to say.",
            )
            .may_redirect("Where the browser signs in, and comes back from.")
            .fails_with(&[InsufficientScope, InvalidRequest])
            // A malformed token is 401 there: a proxy takes a 400 for a fault of this server.
            .never_fails_with(&[MalformedRequest]),
    ]
}

fn own_account() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Post, "{base}/register", "register", Users)
            .described_as("Make an account", "For oneself, where registration is open; it does not sign in.")
            .json_body::<Registration>()
            .example_body(
                "a name and an address",
                json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD}),
            )
            .returns::<UserView>(201, "The user.")
            .with_header("Location")
            .fails_with(&[RegistrationClosed, AlreadyExists, TooManyRequests, Overloaded]),
        Endpoint::new(Get, "/users/me", "me", Users)
            .described_as("Your account", "As it is stored now, which may be newer than what your token says.")
            .access(Bearer)
            .returns::<UserView>(200, "The user."),
        Endpoint::new(Patch, "/users/me", "update_me", Users)
            .described_as("Change your names", "A field that is absent stays as it is, one that is null is removed.")
            .access(Fresh)
            .json_body::<NewNames>()
            .example_body("a new address", json!({"email": "countess@example.com"}))
            .returns::<UserView>(200, "The user, changed.")
            .fails_with(&[AlreadyExists, TooManyRequests]),
        Endpoint::new(Post, "/users/me/password", "change_password", Users)
            .described_as(
                "Change your password",
                "Ends every other session and the older access tokens of this one; its refresh token is replaced.",
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

fn own_data() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "/users/me/export", "export_me", Users)
            .described_as("Export your data", "All that is stored about you: account, sessions, devices, audit events.")
            .access(Bearer)
            .returns::<ExportView>(200, "All of it."),
        Endpoint::new(Delete, "/users/me", "delete_me", Users)
            .described_as("Delete your account", "With its sessions and devices; audit events keep no personal data.")
            .access(Fresh)
            .json_body::<PasswordBody>()
            .example_body("the password", json!({"password": PASSWORD}))
            .returns_nothing("The account is gone.")
            .with_header("Set-Cookie")
            .fails_with(&[InvalidCredentials, LastAdmin, TooManyRequests, Overloaded]),
    ]
}

fn for_anybody() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "/.well-known/jwks.json", "jwks", Keys)
            .described_as(
                "The public keys",
                "For services that check access tokens by themselves, and so never see a revocation: to them a token lives \
                 to its `exp`.",
            )
            .returns::<KeySet>(200, "The key set.")
            .cacheable(),
        Endpoint::new(Get, "/health", "health", Operation)
            .described_as("Whether the process lives", "Asks nothing of the database.")
            .returns::<Health>(200, "The process lives."),
        Endpoint::new(Get, "/openapi.json", "openapi", Operation)
            .described_as("This document", "OpenAPI 3.1 of every endpoint.")
            .returns::<Document>(200, "The document.")
            .cacheable(),
    ]
}

const SESSION_ID: &str = "019a9c1e-5b7d-7c32-8f10-6a4be2d90c55";

fn bound_login() -> Value {
    json!({
        "email": "ada@example.com",
        "password": PASSWORD,
        "device_name": "Ada's laptop",
        "fingerprint": fingerprint(),
    })
}

/// What a page that uses FingerprintJS and ClientJS sends. Any of the fields may be missing.
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
        "canvasPrint": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "deviceMemory": 16,
        "hardwareConcurrency": 2,
    })
}
