//! The flows of roles: setting the permissions of a role, and removing a role.

pub mod remove_role;
pub mod set_role;
