//! What several flows need. A step is called by flows and calls none.

pub mod authenticate;
pub mod bearer;
pub mod client;
pub mod fingerprint_check;
pub mod grants;
pub mod key_source;
pub mod names;
pub mod revocation;
pub mod role_members;
pub mod signing;
pub mod verify_password;
