//! Verbs. One file for each thing the server does: it owns the transaction and the rules.
//!
//! A flow calls no other flow: what several need is a step. Every decided outcome commits, refusals included: a refused replay
//! still ends the session. A job is rolled back when it returns an error, when one of its statements fails, when it panics, or
//! when the commit fails. Then nothing was changed.

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
