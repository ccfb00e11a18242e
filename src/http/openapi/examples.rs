//! What stands in several examples.

/// A password of the examples.
pub(super) const PASSWORD: &str = "nine quiet herons at dusk";

/// Stands for a refresh token in the examples.
pub(super) const REFRESH_TOKEN: &str = "<refresh_token of the login's answer>";
