//! The parts of the server that only browsers need: cookies, CSRF checks and CORS.

pub mod cookie_header;
mod cookie_names;
pub mod cookies;
pub mod cors;
pub mod csrf;
pub mod origin;
pub mod pending_cookies;
mod response_cookies;
pub mod set_cookies;
