//! Vestibule is a server for logins and sessions, with its own database. This crate is the library of that server. With it, a
//! Rocket application can serve the login endpoints itself and protect its own routes.
//!
//! # Getting started
//!
//! The crate is on no registry. An application depends on a checkout of it, and on the version of Rocket that it uses:
//!
//! ```toml
//! vestibule = { path = "../vestibule" }
//! rocket = "=0.5.2"
//! ```
//!
//! The first start creates the data directory, the database and the root secret. Users come to exist by the endpoint
//! `/auth/register`, if the setting `registration` is `open`, or by the command `vestibule user add` on the same data
//! directory. Roles and permissions are granted by the commands `vestibule role set` and `vestibule user set`.
//!
//! # A complete application
//!
//! ```no_run
//! use rocket::{get, routes};
//! use vestibule::{CurrentUser, Embed, Vestibule, config::Config, protected};
//!
//! #[get("/greeting")]
//! fn greeting(user: CurrentUser) -> String {
//!     format!("Hello {}", user.username().unwrap_or("you"))
//! }
//!
//! #[rocket::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let vestibule = Vestibule::open(Config::of_process()?).await?;
//!     rocket::build()
//!         .attach(Embed::new(&vestibule).only_protected_routes())
//!         .mount("/", protected(routes![greeting]))
//!         .launch()
//!         .await?;
//!     vestibule.close().await;
//!     Ok(())
//! }
//! ```
//!
//! * [`Vestibule::open`] opens the database that the configuration names.
//! * [`Embed`] mounts the endpoints for login, refresh and logout, and provides what the guards need.
//! * [`protected`] wraps the application's routes, so that each of them requires a valid access token. A route whose handler
//!   names no guard is then not open by mistake.
//! * The guard [`CurrentUser`] verifies the access token of the request. Without a valid token, the response is 401 and the
//!   handler does not run.
//!
//! `examples/notes.rs` is a longer application.
//!
//! # Guards
//!
//! A request reaches a handler only if it meets the condition of every guard in the handler's signature.
//!
//! | guard | condition |
//! | --- | --- |
//! | [`AccessToken`] | a valid access token |
//! | [`CurrentUser`] | a valid access token; the guard has methods for the username and the email address |
//! | [`MaybeAccessToken`] | a valid access token, or no token |
//! | [`FreshToken`] | an access token that was issued because the user had just proved the password |
//! | [`Require`] | an access token that carries a permission, which [`permission!`] defines as a type |
//! | [`RefreshToken`] | a refresh token that would be accepted for a refresh |
//!
//! The guards of access tokens do not read the database. They refuse a revoked token from the first request after the
//! revocation. If the setting `blacklist_strategy` is `BLACKLIST_REFRESH`, the access tokens of a revoked session stay valid
//! until they expire.
//!
//! # Where to find what
//!
//! | task | item |
//! | --- | --- |
//! | read the configuration of the process | [`config::Config::of_process`] |
//! | open and close the database | [`Vestibule::open`], [`Vestibule::close`], [`OpenError`] |
//! | stop serving when the database fails | [`Vestibule::writer_failed`] |
//! | choose which endpoints are mounted, and where | [`Embed`], [`Group`] |
//! | refuse the launch if a route of the application is not protected | [`protected`], [`Embed::only_protected_routes`] |
//! | verify an access token in code | [`Vestibule::authenticate`], [`AccessClaims`] |
//! | issue an access token in code | [`Vestibule::create_access_token`], [`AccessTokenOptions`] |
//! | revoke a token in code | [`Vestibule::invalidate`] |
//! | refuse tokens by a rule of the application | [`Vestibule::revoke_when`] |
//! | refer to users, sessions, tokens and permissions | [`UserId`], [`SessionId`], [`TokenId`], [`Permission`] |
//!
//! The hidden modules are the implementation. The binary and the tests use them. They may change in any release.
//! `ARCHITECTURE.md` describes them.

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod clock;
pub mod config;
#[doc(hidden)]
pub mod domain;
mod files;
#[doc(hidden)]
pub mod flows;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod memory;
#[doc(hidden)]
pub mod random;
#[doc(hidden)]
pub mod store;

#[expect(deprecated, reason = "applications written for 0.1 name it")]
pub use self::http::guards::protected::closed;
pub use self::{
    domain::{
        AccessClaims, Permission, SessionId, TokenId, UnixTime, UserId,
        access_token::AccessTokenError,
        device::{DeviceName, DeviceNameError},
    },
    flows::{
        OpenError, RevocationRule, Vestibule,
        sessions::create_access_token::{AccessTokenOptions, CreateAccessTokenError, IssuedAccessToken},
    },
    http::{
        BindError, Embed, Front, Group, LaunchError, Place, TlsError,
        guards::{AccessToken, CurrentUser, FreshToken, MaybeAccessToken, PermissionName, RefreshToken, Require},
        protected,
    },
    store::Error as StoreError,
};
