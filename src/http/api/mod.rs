//! The endpoints of the JSON API.

pub mod audience;
pub mod export;
pub mod forward_auth;
pub mod health;
pub mod login;
pub mod session;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod well_known;
