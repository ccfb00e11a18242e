//! The access tokens that a restore has ended: all that were issued until then.

use crate::{
    domain::UnixTime,
    memory::revocations::Revocations,
    store::{Conn, Result, meta},
};

/// The key in `meta` for the time, in seconds since 1970, up to which every access token that was issued is refused. It stays:
/// how long these tokens live is known only to the configuration with which they were issued.
pub const EVERY_TOKEN_UNTIL: &str = "every_token_ended";

/// Applies the end of all access tokens, if a restore has ended them. If the clock was set back to a time before the restore,
/// it is not applied: no new token would be accepted.
pub async fn apply(conn: &mut Conn, revocations: &Revocations, now: UnixTime) -> Result<()> {
    let Some(value) = meta::find(conn, EVERY_TOKEN_UNTIL).await? else { return Ok(()) };
    if let Some(issued) = value.parse().ok().filter(|issued| now.seconds() >= *issued) {
        revocations.end_all(UnixTime::from_seconds(issued));
    }
    Ok(())
}
