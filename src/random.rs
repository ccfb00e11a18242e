//! The only source of randomness. Every value that must not be guessed is generated here.

/// Returns `N` random bytes from a ChaCha generator that the operating system seeds.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes);
    bytes
}
