//! What every process on one database must learn from the others: the feed `changes`.

use super::{SessionId, TokenId, UnixTime, UserId};

/// A fact that the running process keeps in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Access tokens of this session are no longer accepted.
    SessionRevoked(SessionId),
    /// This access token is no longer accepted.
    TokenRevoked(TokenId),
    /// Access tokens of this user with a lower authorization version are no longer accepted.
    AuthorizationVersion(UserId, i64),
    /// The set of signing keys is another one.
    SigningKeys,
}

/// The authorization version that no token reaches: of a user who is gone.
pub const GONE: i64 = i64::MAX;

/// A change with its place in the feed and the time from which it may be forgotten.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// Position in the feed; later is higher.
    pub seq: i64,
    /// What changed.
    pub change: Change,
    /// When no token is left that it concerns.
    pub until: UnixTime,
}
