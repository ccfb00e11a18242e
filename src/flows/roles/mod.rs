//! The flows of roles: setting and removal.

pub mod remove_role;
pub mod set_role;
