//! Reading of a request: its body, the declarations of the body's fields, its caller and its request id.

pub mod body;
pub mod caller;
pub mod field;
pub mod request_id;
