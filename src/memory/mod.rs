//! State that the process keeps in memory. Revocations and signing keys are read from the database at the start, and
//! the feed of changes keeps them up to date. Rate limits, metrics and the memory for hashes exist only here and
//! are lost at a restart.

pub mod backups;
pub mod clients;
pub(crate) mod derive;
pub mod early_expiry;
pub mod hasher;
pub mod health;
pub mod keyring;
pub mod limit;
pub mod metrics;
pub mod revocations;
pub mod throttle;
