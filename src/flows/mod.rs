//! The flows: the operations of the server, one file for each operation. A flow owns its transaction and its rules.
//!
//! A flow calls no other flow. Code that several flows need is a step (`steps`). The modules `open`, `vestibule` and `api` are
//! not flows.
//!
//! A transaction commits even if the flow refuses the request: a reused refresh token is refused, and the session of the token
//! is revoked. A transaction is rolled back only if the job returns an error or panics, if one of its statements fails, or if
//! the commit fails. Then nothing has changed.

mod api;
pub mod backup;
pub mod clients;
pub mod keys;
pub mod links;
pub mod open;
pub mod readiness;
pub mod reset;
pub mod roles;
pub mod sessions;
pub mod steps;
pub mod sweep;
pub mod users;
pub mod vestibule;

pub use self::{
    open::error::OpenError,
    vestibule::{RevocationRule, Tokens, Vestibule},
};
