//! Tests of the command line. Each test runs the real binary in an empty directory of its own, with an empty environment.
//!
//! The file for a new test:
//!
//! - `usage`: commands that need no server;
//! - `rocket_settings`: Rocket's own settings;
//! - `server`: starting and stopping a server;
//! - `starting`: what a start reads, refuses and tells;
//! - `listening`: where a server listens, and how it ends its connections;
//! - `metrics`: the metrics for Prometheus;
//! - `opening`: opening a database;
//! - `users`, `roles`, `clients`, `sessions`, `keys`: the commands while a server runs;
//! - `root_secret`: replacing the root secret;
//! - `backup`, `restore`: copies of the database, and its check;
//! - `recorded`: commands whose audit event can't be written;
//! - `schema`: what the tables refuse;
//! - `timing`, `flood`: the work of a login, and of many at once;
//! - `fingerprints`: what an answer says of the comparison of fingerprints;
//! - `faults`: disks, files, clocks and limits that fail.

mod backup;
mod clients;
mod database;
mod demo;
mod disk;
mod examples;
mod export;
mod faults;
mod fingerprints;
mod flood;
mod import;
mod keys;
mod listening;
mod metrics;
mod opening;
mod planted;
mod recorded;
mod restore;
mod rocket_settings;
mod roles;
mod root_secret;
mod schema;
#[path = "../common/scrape.rs"]
mod scrape;
mod server;
mod sessions;
#[path = "../common/sockets.rs"]
mod sockets;
mod standard_input;
mod starting;
mod support;
mod timing;
mod tools;
mod usage;
mod users;
mod workbench;
