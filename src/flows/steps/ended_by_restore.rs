//! The access tokens that a restore has ended: all that were issued until then.

use crate::{
    domain::UnixTime,
    memory::revocations::Revocations,
    store::{Conn, Result, meta},
};

/// The key in `meta` for two times, in seconds since 1970: up to when every access token that was issued is refused, and from
/// when all of them have expired.
pub const EVERY_TOKEN_UNTIL: &str = "every_token_ended";

/// Applies the end of all access tokens, if a restore has ended them and some of them may not have expired at `now`. If the
/// clock was set back to a time before the restore, it is not applied: no new token would be accepted.
pub async fn apply(conn: &mut Conn, revocations: &Revocations, now: UnixTime) -> Result<()> {
    let Some(value) = meta::find(conn, EVERY_TOKEN_UNTIL).await? else { return Ok(()) };
    let times = value.split_once(' ').and_then(|(issued, until)| Some((issued.parse().ok()?, until.parse().ok()?)));
    if let Some((issued, until)) = times
        && (issued..=until).contains(&now.seconds())
    {
        revocations.end_all(UnixTime::from_seconds(issued), UnixTime::from_seconds(until));
    }
    Ok(())
}
