//! The only code that calls a random generator. Every secret and every id gets its random bytes from here. The library
//! `aws-lc-rs` uses its own generator, for asymmetric keys and for nonces.

/// Returns `N` random bytes from a ChaCha generator that the operating system seeds.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes);
    bytes
}
