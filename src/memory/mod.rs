//! What the running process knows without asking the database: rebuilt from the store at start and kept in step by the feed
//! of changes. Nothing here is the only copy of anything that must last.

pub mod hasher;
pub mod keyring;
pub mod revocations;
pub mod throttle;
