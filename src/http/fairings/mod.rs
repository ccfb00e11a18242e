//! The fairings of the server. Most of them run before or after every request; `background` starts the background tasks.

pub mod access_log;
pub mod background;
pub mod headers;
pub mod measured;
pub mod methods;
pub mod renewal;
