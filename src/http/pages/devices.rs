//! The devices of a person, as the pages list them, and the time of the last visit, after which a device is new.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::humanize;
use crate::{
    domain::{SessionId, UnixTime, UserId, device::DeviceKind, jwt::base64url, session::Session},
    http::browser::cookies::Cookies,
};

/// Seconds without a view of the page after which the next view belongs to another visit.
const PAUSE: i64 = 30 * 60;

/// Returns the template's values for one session. The pages present a session as a device. `current` is the session of the
/// request. A device that signed in after `seen` is new.
pub(super) fn device(session: &Session, current: Option<SessionId>, seen: Option<UnixTime>) -> Value {
    let is_current = current == Some(session.id);
    json!({
        "id": session.id.to_string(),
        "name": session.device_name,
        "kind": DeviceKind::of(session.user_agent.as_deref()).as_str(),
        "ip": session.ip,
        "current": is_current,
        "is_new": !is_current && seen.is_some_and(|seen| session.created_at > seen),
        "last_used_at": humanize::instant(session.last_used_at),
        "created_at": humanize::instant(session.created_at),
        "bound": session.is_bound(),
        "repeated_at": session.repeated.as_ref().map(|repeat| humanize::instant(repeat.at)),
        "repeated_ip": session.repeated.as_ref().and_then(|repeat| repeat.ip.as_deref()),
    })
}

/// Returns when this browser last displayed the devices of the user in an earlier visit, and records this view. `None` if the
/// browser has not displayed them before.
///
/// The cookie contains a hash of the user, the last view of the earlier visit, and the last view. Views belong to one visit if
/// less than [`PAUSE`] lies between them, so that a device stays new while the person looks at the page and sends its forms.
pub(super) fn last_visit(cookies: Cookies<'_>, user: UserId, now: UnixTime) -> Option<UnixTime> {
    // Several people may use a browser, so the cookie belongs to one of them.
    let owner = base64url(&Sha256::digest(user.to_string())[..6]);
    let known = cookies.visits().into_iter().find_map(|value| read(value, &owner));
    let seen = known.map(|(earlier, last)| if now.seconds() - last < PAUSE { earlier } else { last });
    cookies.set_visit(format!("{owner}.{}.{}", seen.unwrap_or_else(|| now.seconds()), now.seconds()));
    seen.map(UnixTime::from_seconds)
}

/// Reads the two times of a cookie that belongs to `owner`.
fn read(value: &str, owner: &str) -> Option<(i64, i64)> {
    let (earlier, last) = value.strip_prefix(owner)?.strip_prefix('.')?.split_once('.')?;
    Some((earlier.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_for_its_owner_alone() {
        assert_eq!(read("abc.1.22", "abc"), Some((1, 22)));
        for value in ["abd.1.2", "abc", "abc.1", "abc.1.x", "abc..", "", "abc1.2"] {
            assert_eq!(read(value, "abc"), None, "{value}");
        }
    }
}
