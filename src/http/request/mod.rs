//! Reading of a request: its body, the declarations of the body's fields, its caller and its request id.

pub mod arrival;
pub mod arriving_body;
pub mod body;
pub mod caller;
pub mod field;
mod fields;
pub mod log_entry;
pub mod peer;
pub mod query;
pub mod refusal;
pub mod request_id;
pub mod untrusted_proxy;
