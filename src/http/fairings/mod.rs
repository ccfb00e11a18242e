//! What happens around every request.

pub mod access_log;
pub mod background;
pub mod headers;
pub mod methods;
pub mod renewal;
