//! The one door to randomness. Everything that must not be guessed starts here.

/// `N` bytes from the operating system's generator, seeded ChaCha in between.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes);
    bytes
}
