//! Code that several flows need. Flows call steps; a step calls no flow.

pub mod account_rows;
pub mod acting;
pub mod authenticate;
pub mod bearer;
pub mod candidate;
pub mod check;
pub mod client;
pub mod client_registry;
pub mod copy;
pub mod disk;
pub mod email_keys;
pub mod ended_by_restore;
pub mod erase_account;
pub mod fingerprint_check;
pub mod grants;
pub mod key_source;
pub mod link;
pub mod names;
pub mod past_limit;
pub mod public_address;
pub mod refresh_record;
pub mod revocation;
pub mod role_members;
pub mod signing;
pub mod verify_password;
