//! Section 1 of `docs/contract/http-api.md`: what is true of every path, whatever is sent to it.

mod bodies;
mod heads;
mod order;
mod paths;

use crate::support::{Server, Session};

/// The maximum length of a body, in bytes.
const LIMIT: usize = 64 * 1024;

/// Calls that take a body, and whether the body may be left out. The first four need no access token.
const WITH_BODY: [(&str, &str, bool); 10] = [
    ("POST", "/auth/login", false),
    ("POST", "/auth/register", false),
    ("POST", "/auth/refresh", true),
    ("POST", "/auth/logout", true),
    ("POST", "/auth/fresh", false),
    ("POST", "/auth/revoke_other_session", true),
    ("POST", "/auth/logout/device", false),
    ("PATCH", "/users/me", false),
    ("POST", "/users/me/password", false),
    ("DELETE", "/users/me", false),
];

/// Returns the calls of [`WITH_BODY`] that need an access token.
fn guarded() -> impl Iterator<Item = (&'static str, &'static str)> {
    WITH_BODY.into_iter().skip(4).map(|(method, path, _)| (method, path))
}

/// Checks that the refused requests stored nothing. The user and the session of the test are still the only ones, and the
/// session's access token is accepted.
#[track_caller]
fn nothing_was_stored(server: &Server, session: &Session<'_>) {
    assert_eq!(server.count_users(), 1);
    assert_eq!(server.count_live_sessions(), 1);
    assert_eq!(server.count_sessions(), 1);
    assert_eq!(server.count_devices(), 1);
    assert_eq!(server.count_events_like("fail"), 0);
    assert!(session.is_accepted());
}
