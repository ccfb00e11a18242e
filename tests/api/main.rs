//! The server from outside. A test goes into the file of the flow that it is about; what is true of every path goes into
//! `conventions`; a bug that was fixed goes into `regressions` when no flow owns it.

mod clients;
mod compat;
mod conventions;
mod cookies;
mod cors;
mod devices;
mod embed;
mod fingerprint;
mod guards;
mod guards_permissions;
mod key_rotation;
mod keys;
mod limits;
mod login;
mod oauth_introspect;
mod oauth_revoke;
mod oauth_token;
mod privacy;
mod refresh;
mod regressions;
mod roles;
mod scopes;
mod sessions;
mod strategies;
mod support;
mod token_attacks;
mod users;
