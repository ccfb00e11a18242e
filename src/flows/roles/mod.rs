//! Roles: set, removed.

pub mod remove_role;
pub mod set_role;
