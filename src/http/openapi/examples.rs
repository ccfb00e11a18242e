//! Values that several examples share.

/// The password in the examples.
pub(super) const PASSWORD: &str = "nine quiet herons at dusk";

/// The placeholder for a refresh token in the examples.
pub(super) const REFRESH_TOKEN: &str = "<refresh_token of the login response>";
