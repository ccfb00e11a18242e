//! The server from outside. A test goes into the file of the flow that it is about; what is true of every path goes into
//! `conventions`; a bug that was fixed goes into `regressions` when no flow owns it.

mod assets;
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
mod pages_account;
mod pages_continue;
mod pages_csrf;
mod pages_login;
mod pages_markup;
mod pages_register;
mod privacy;
mod privacy_page;
mod refresh;
mod regressions;
mod roles;
mod scopes;
mod sessions;
mod strategies;
mod support;
mod token_attacks;
mod users;
