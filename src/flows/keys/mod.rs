//! Signing keys: rotated, retired.

pub mod advance_keys;
pub mod retire_key;
pub mod rotate_keys;
