//! What a request brings: its body, who makes it, its id.

pub mod body;
pub mod caller;
pub mod field;
pub mod request_id;
