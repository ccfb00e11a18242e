//! The flows about the database as a file: its check, the copies that the server makes by itself, and its replacement by a
//! copy.

pub mod check;
pub mod daily;
pub mod restore;
