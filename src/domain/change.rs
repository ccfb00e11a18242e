//! Changes that one process announces to all processes on the same database. The table `changes` is the feed that
//! distributes the changes.

use super::{SessionId, TokenId, UnixTime, UserId};

/// A change of the state that every process keeps in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Access tokens of this session are no longer accepted.
    SessionRevoked(SessionId),
    /// This access token is no longer accepted.
    TokenRevoked(TokenId),
    /// The access tokens of this session that were issued up to this time are no longer accepted.
    SessionTokensRevoked(SessionId, UnixTime),
    /// Access tokens of this user with a lower authorization version are no longer accepted.
    AuthorizationVersion(UserId, i64),
    /// The clients of the database have changed. Each process reads them from the database again.
    Clients,
    /// The set of signing keys has changed. Each process reads the keys from the database again.
    SigningKeys,
}

/// The lowest accepted authorization version of a deleted user. It is higher than the version of every access token, so
/// it invalidates all access tokens of the user.
pub const DELETED_USER_VERSION: i64 = i64::MAX;

/// A change, with its position in the feed and its expiry time.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// The position in the feed. A later change has a higher number.
    pub seq: i64,
    /// The change.
    pub change: Change,
    /// The time until which the change must be remembered. For a revocation, the last token that it concerns has
    /// expired at this time.
    pub until: UnixTime,
}
