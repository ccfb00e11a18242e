//! The flows of the clients that are made at run time.

pub mod remove_client;
pub mod set_client;
