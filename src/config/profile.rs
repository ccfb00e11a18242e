//! The two profiles.

/// The mode in which the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `vestibule serve`, and every command on its data.
    Serve,
    /// `vestibule dev`, for prototyping a front end.
    Dev,
}
