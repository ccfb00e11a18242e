//! Why a browser was signed out. Only `continue` receives the refresh cookie, so only that page can find out the reason. It
//! stores the reason in a cookie of this host, and the sign-in page says it once.
//!
//! The reason is told only to a browser that presents a token of the session, and the CSRF cookie that belongs to it. A link
//! can't make the sign-in page say it.

use super::texts;
use crate::{
    flows::{Vestibule, sessions::logout::session_of},
    http::{
        browser::cookies::Cookies,
        errors::{ApiError, ErrorCode, Reason},
        request::caller::Caller,
    },
    store,
};

/// The time, in seconds, for which a browser keeps the reason. The sign-in page is the next page that it requests.
const KEPT_FOR: i64 = 60;

/// Stores the reason for which the session of the browser's cookies has ended. Does nothing if the session is live, or if the
/// cookies name no session.
pub(super) async fn remember(vestibule: &Vestibule, caller: &Caller, cookies: Cookies<'_>) -> Result<(), ApiError> {
    let now = caller.context().now;
    let Some(token) = cookies.session().ok().flatten() else { return Ok(()) };
    let Ok((id, _)) = session_of(vestibule, &token.presented()) else { return Ok(()) };
    if !cookies.has_csrf_token_of(id) {
        return Ok(());
    }
    let session = store::sessions::find(&mut *vestibule.store.read().await?, id).await?;
    let has_expired = cookies.refresh(now).is_err_and(|error| error.code() == ErrorCode::TokenExpired);
    let reason =
        Reason::of_ended(session.as_ref(), now).map(|_| Reason::of_session(session.as_ref(), now, has_expired));
    if let Some(reason) = reason {
        cookies.set_ended(reason.as_str(), KEPT_FOR);
    }
    Ok(())
}

/// Returns the sentence about the stored reason, and removes the reason. `None` if there is no known reason.
pub(super) fn take_sentence(cookies: Cookies<'_>) -> Option<&'static str> {
    let stored = cookies.ended();
    if !stored.is_empty() {
        cookies.set_ended("", 0);
    }
    stored.into_iter().find_map(|reason| texts::find("ended", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence() {
        for reason in Reason::ALL {
            assert!(texts::find("ended", reason.as_str()).is_some(), "{}", reason.as_str());
        }
    }
}
