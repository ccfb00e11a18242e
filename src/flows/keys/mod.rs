//! The flows of signing keys: rotation, advance and retirement.

pub mod advance_keys;
pub mod retire_key;
pub mod rotate_keys;
