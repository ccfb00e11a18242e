//! The server from outside. A test goes into the file of the flow that it is about; what is true of every path goes into
//! `conventions`; a bug that was fixed goes into `regressions` when no flow owns it.

mod assets;
mod conventions;
mod cookies;
mod cors;
mod devices;
mod fingerprint;
mod guards;
mod keys;
mod limits;
mod login;
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
mod sessions;
mod strategies;
mod support;
mod users;
