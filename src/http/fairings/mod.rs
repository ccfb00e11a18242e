//! The fairings of the server: some run before or after every request, and one starts the background tasks.

pub mod access_log;
pub mod background;
pub mod headers;
pub mod methods;
pub mod renewal;
