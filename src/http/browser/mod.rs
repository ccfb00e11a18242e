//! What a browser adds: cookies, forged requests, other origins.

mod cookie_header;
pub mod cookies;
pub mod cors;
pub mod csrf;
pub mod origin;
pub mod pending_cookies;
pub mod set_cookies;
