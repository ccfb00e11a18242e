//! The two profiles of the server: `serve` and `dev`.

/// The profile, which determines the defaults and the tables of the file that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The profile of `vestibule serve`, and of all commands except `vestibule dev`.
    Serve,
    /// The profile of `vestibule dev`, which is for prototyping a front end.
    Dev,
}
