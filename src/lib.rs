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
//! [`http::rocket`] is the whole server as a `Rocket<Build>` to which routes can be added. A route that names
//! [`AccessToken`], [`MaybeAccessToken`], [`FreshToken`], [`CurrentUser`], [`Require`] or [`RefreshToken`] is reached only by
//! requests that have what the guard stands for.

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
    flows::Vestibule,
    http::guards::{AccessToken, CurrentUser, FreshToken, MaybeAccessToken, PermissionName, RefreshToken, Require},
};
