//! The administration, below `/admin`: each endpoint asks for its permission, and each change also for a fresh token. What the
//! acting user may give and take is decided by `domain/power.rs`, in the transaction of the change.

pub mod audit;
pub mod client_fields;
pub mod clients;
pub mod cursor;
pub mod devices;
pub mod keys;
pub mod links;
pub mod networks;
pub mod roles;
pub mod sessions;
pub mod user_fields;
pub mod users;
