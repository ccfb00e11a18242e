//! State that the process keeps in memory. It is rebuilt from the database at start, and the feed of changes keeps it
//! up to date. Nothing that must survive a restart is only here.

pub mod hasher;
pub mod keyring;
pub mod revocations;
pub mod throttle;
