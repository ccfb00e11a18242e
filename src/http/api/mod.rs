//! The endpoints that speak JSON.

pub mod forward_auth;
pub mod login;
pub mod operation;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod well_known;
