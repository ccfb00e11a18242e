//! The flows of sessions and their tokens: login, refresh, renewal, introspection, logout, revocation, and tokens for the
//! application.

pub mod create_access_token;
pub mod end_early;
pub mod introspect;
pub mod login;
pub mod logout;
pub mod preview;
pub mod refresh;
pub mod renew;
pub mod revoke_sessions;
pub mod revoke_token;
