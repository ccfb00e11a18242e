//! The verbs of the server: one file for each operation. A flow owns its transaction and its rules.
//!
//! A flow calls no other flow. Code that several flows need is a step (`steps`). Every decided outcome commits, refusals
//! included: a refused replay of a refresh token still ends the session. A job is rolled back if it returns an error, if one
//! of its statements fails, if it panics, or if the commit fails. Then nothing was changed.

mod api;
pub mod keys;
pub mod open;
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
