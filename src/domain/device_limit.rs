//! The limit of devices: which sessions a login revokes to make room for its own.

use super::{DeviceRowId, SessionId, device::DeviceName, session::Session};

/// Returns the sessions that must end so that the user of `live` has at most `max` sessions with a device after `login`, which
/// is the session to be opened. `known` is the device that the login presented, if it is known; its session does not count,
/// because the login replaces it. `live` are the live sessions of the user, the most recently used first.
///
/// A device has at most one live session, so the sessions with a device are counted. Sessions of tokens that the application
/// created have no device.
///
/// A script that signs in again and again without a `device_id` looks like a new device each time. It must not evict the
/// browsers of the person. So the sessions that look like earlier logins of the same program end first
/// (`resembles`): those that were not used since their login, then, if there are several, the others. Within each group the
/// least recently used session ends first.
pub fn over_limit(live: Vec<Session>, login: &Session, known: Option<DeviceRowId>, max: usize) -> Vec<SessionId> {
    let mut counted: Vec<Session> =
        live.into_iter().filter(|session| session.device.is_some() && session.device != known).collect();
    let surplus = (counted.len() + 1).saturating_sub(max);
    let alike = counted.iter().filter(|session| resembles(session, login)).count();
    counted.reverse();
    // The sort is stable, so the order of use decides within a group.
    counted.sort_by_key(|session| match (resembles(session, login), session.last_used_at == session.created_at) {
        (true, true) => 0,
        (true, false) if alike > 1 => 1,
        _ => 2,
    });
    counted.iter().take(surplus).map(|session| session.id).collect()
}

/// Returns whether two sessions look like logins of one program: the same client, neither or both with a fingerprint, and
/// the same name of the device without its numbers. The name comes from the user agent of the login, unless the login chose
/// one. Two chosen names count as the same if the user agents are: a script may choose another each time.
fn resembles(session: &Session, login: &Session) -> bool {
    let same = |one: Option<&str>, other: Option<&str>| without_digits(one) == without_digits(other);
    let same_name = same(session.device_name.as_deref(), login.device_name.as_deref());
    let same_program = same(session.user_agent.as_deref(), login.user_agent.as_deref());
    session.client_id == login.client_id
        && session.fingerprint.is_some() == login.fingerprint.is_some()
        && match session.device_name.is_some() || login.device_name.is_some() {
            true => same_name || (same_program && has_chosen_name(session) && has_chosen_name(login)),
            false => same_program,
        }
}

/// Returns whether the login chose the name of the device. Otherwise the name comes from the user agent.
fn has_chosen_name(session: &Session) -> bool {
    let derived = session.user_agent.as_deref().and_then(DeviceName::from_user_agent);
    session.device_name.as_deref() != derived.as_ref().map(DeviceName::as_str)
}

/// Returns a name or a user agent without its digits, such as those of a version.
fn without_digits(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().filter(|c| !c.is_ascii_digit()).collect()
}
