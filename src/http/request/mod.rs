//! The parts of a request that handlers read: the body, the caller and the id.

pub mod body;
pub mod caller;
pub mod field;
pub mod request_id;
