//! Vestibule: a login-and-session system in one file, and here a part of a Rocket application of your own.
//!
//! Open a [`Vestibule`], attach [`Embed`], and name a guard in the signature of each route. A route is reached only by requests that
//! have what its guard stands for. `examples/notes.rs` is such an application.
//!
//! | you want | use |
//! | --- | --- |
//! | to open and close the database | [`Vestibule::open`] with a [`config::Config`], [`Vestibule::close`], [`Vestibule::writer_failed`] |
//! | its endpoints beside yours | [`Embed`], [`Group`] |
//! | to know who calls | [`AccessToken`], [`MaybeAccessToken`], [`FreshToken`], [`CurrentUser`], [`RefreshToken`] |
//! | to ask for a permission | [`Require`] with [`permission!`] |
//! | to refuse a launch with an unguarded route | [`protected`], [`Embed::only_protected_routes`] |
//! | to do in code what the endpoints do | [`Vestibule::create_access_token`], [`Vestibule::authenticate`], [`Vestibule::invalidate`] |
//! | a revocation rule of your own | [`Vestibule::revoke_when`] |
//!
//! The other modules are how it is made: the binary and the tests use them, and they may change in any release.
//! `ARCHITECTURE.md` describes them.

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod clock;
pub mod config;
#[doc(hidden)]
pub mod domain;
#[doc(hidden)]
pub mod flows;
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
        AccessClaims, Permission, SessionId, TokenId, UnixTime, UserId, access_token::AccessTokenError,
        device::DeviceName,
    },
    flows::{
        OpenError, RevocationRule, Vestibule,
        sessions::create_access_token::{AccessTokenOptions, CreateAccessTokenError, IssuedAccessToken},
    },
    http::{
        Embed, Group,
        guards::{AccessToken, CurrentUser, FreshToken, MaybeAccessToken, PermissionName, RefreshToken, Require},
        protected,
    },
    store::Error as StoreError,
};
