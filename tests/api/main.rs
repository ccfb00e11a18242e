//! The server from outside. A test goes into the file of the flow that it is about; what is true of every path goes into
//! `conventions`; a bug that was fixed goes into `regressions` when no flow owns it.

mod conventions;
mod cookies;
mod cors;
mod csrf;
mod devices;
mod excluded;
mod fingerprint;
mod forward_auth;
mod guards;
mod keys;
mod limits;
mod login;
mod privacy;
mod refresh;
mod regressions;
mod renewal;
mod sessions;
mod strategies;
mod support;
mod users;
