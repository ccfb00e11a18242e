//! Changes that all processes on one database must learn of. The table `changes` is the feed that distributes them.

use super::{SessionId, TokenId, UnixTime, UserId};

/// A change of the state that every process keeps in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Access tokens of this session are no longer accepted.
    SessionRevoked(SessionId),
    /// This access token is no longer accepted.
    TokenRevoked(TokenId),
    /// Access tokens of this user with a lower authorization version are no longer accepted.
    AuthorizationVersion(UserId, i64),
    /// The set of signing keys has changed.
    SigningKeys,
}

/// An authorization version that no token reaches. It is used for a user who was deleted, and so invalidates all their
/// access tokens.
pub const DELETED_USER_VERSION: i64 = i64::MAX;

/// A change, with its position in the feed and its expiry time.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// The position in the feed. A later change has a higher number.
    pub seq: i64,
    /// The change.
    pub change: Change,
    /// The time at which the last token that the change concerns has expired. The change may be forgotten afterwards.
    pub until: UnixTime,
}
