//! The domain types and their rules. This code has no I/O and no access to the clock, SQL or HTTP, so a test can call
//! every rule directly. The code is deterministic, except the generation of signing keys and the encryption, which use
//! random bytes.

pub mod access_token;
pub mod account_record;
pub mod address;
mod aead;
pub mod audience;
pub mod audit_event;
pub mod backup;
pub mod change;
pub mod claims;
pub mod client;
pub mod cookie_name;
pub mod cors;
pub mod database;
pub mod demonstration;
mod derived_key;
pub mod device;
pub mod device_limit;
pub mod exclusions;
pub mod generations;
mod id;
pub mod jwt;
pub mod listen_address;
pub mod logo;
pub mod mismatches;
pub mod one_time;
pub mod password;
pub mod password_hash;
pub mod permission;
pub mod policy;
pub mod power;
pub mod rate;
pub mod redirect;
pub mod refresh_token;
pub mod role;
pub mod root_secret;
pub mod rotation;
pub mod scope;
pub mod secret;
pub mod session;
pub mod signing_key;
pub mod site;
pub mod span;
pub mod steady_clock;
mod time;
pub mod unicode;
pub mod unique_json;
pub mod user;
pub mod user_change;
mod words;

pub use self::{
    access_token::AccessClaims,
    derived_key::DerivedKey,
    id::{DeviceRowId, SessionId, TokenId, UserId},
    permission::{Permission, RoleName},
    role::Roles,
    root_secret::{Purpose, RootSecret},
    scope::Scope,
    time::{UnixTime, numeric_date},
    user::{Email, Identifier, User, Username},
};
