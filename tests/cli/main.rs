//! The command line from outside: the real binary, each test in an empty directory of its own with an empty environment.
//!
//! Where a new test goes: `usage` what needs no server, `server` starting and stopping, `users`, `roles`, `clients`, `sessions`
//! and `keys` the commands beside a running server, `root_secret` replacing it.

mod clients;
mod database;
mod keys;
mod opening;
mod roles;
mod root_secret;
mod server;
mod sessions;
mod support;
mod usage;
mod users;
