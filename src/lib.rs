//! Vestibule: a login-and-session system in one file.
//!
//! # Layout
//!
//! * [`config`] — one typed configuration, and where each value came from
//! * [`clock`], [`random`] — the doors to time and randomness
//! * [`domain`] — nouns, pure
//! * [`flows`] — verbs, one file for each thing the server does
//! * [`store`] — SQL
//! * [`memory`] — what the running process knows
//! * [`http`] — Rocket
//! * [`cli`] — the command line
//!
//! # The dependency rule
//!
//! `main → cli → http → flows → {store, memory} → domain`. Arrows point down only, a flow calls no other flow, and each
//! large dependency has one door. `tests/architecture.rs` holds it.
//!
//! # In a Rocket application of your own
//!
//! Open a [`Vestibule`], attach [`Embed`], and name a guard in the signature of each route: [`AccessToken`],
//! [`MaybeAccessToken`], [`FreshToken`], [`CurrentUser`], [`Require`] or [`RefreshToken`]. A route is reached only by requests that
//! have what its guard stands for. [`closed`] closes routes that name none. [`Vestibule::create_access_token`],
//! [`Vestibule::authenticate`] and [`Vestibule::invalidate`] do in code what the endpoints do. `examples/notes.rs` is such an
//! application.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod flows;
pub mod http;
pub mod memory;
pub mod random;
pub mod store;

pub use self::{
    flows::{
        Vestibule,
        create_access_token::{AccessTokenOptions, IssuedAccessToken},
    },
    http::{
        Embed, Group, closed,
        guards::{AccessToken, CurrentUser, FreshToken, MaybeAccessToken, PermissionName, RefreshToken, Require},
    },
};
