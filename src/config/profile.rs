//! The two profiles.

/// What the server runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `vestibule serve`, and every command on its data.
    Serve,
    /// `vestibule dev`, for prototyping a front end.
    Dev,
}
