//! The settings that appear in the document.

/// The settings that appear in the document.
pub(super) struct Settings<'c> {
    pub(super) base_path: &'c str,
    pub(super) public_url: &'c str,
    pub(super) access_cookie: &'c str,
    pub(super) refresh_cookie: &'c str,
    pub(super) csrf_cookie: &'c str,
    pub(super) csrf_header: &'c str,
    pub(super) password_min_length: usize,
}
