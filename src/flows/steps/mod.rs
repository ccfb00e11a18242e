//! What several flows need. A step is called by flows and calls none.

pub mod authenticate;
pub mod bearer;
pub mod client;
pub mod custody;
pub mod grants;
pub mod members;
pub mod names;
pub mod proof;
pub mod revocation;
pub mod signing;
