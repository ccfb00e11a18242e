//! The flows of links that work once: a link for the first admin, and links with which a user chooses a password.

pub mod create_link;
pub mod set_up;
pub mod use_link;
