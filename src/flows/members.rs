//! The step that setting and removing a role share: what a role loses, its members lose at once.

use super::Vestibule;
use crate::{
    domain::{RoleName, UnixTime},
    store::{self, Tx, roles},
};

/// Ends the access tokens of whoever loses something by a change of roles: those who have `role`, and the admins where what
/// "every permission" is has shrunk. How many people that are who have a session.
pub(super) async fn outdate_members(
    tx: &mut Tx,
    remember: i64,
    role: Option<&RoleName>,
    admins_lose: bool,
    now: UnixTime,
) -> store::Result<usize> {
    let raised = roles::raise_authorization_versions(tx, role, admins_lose).await?;
    let signed_in = raised.into_iter().filter(|raised| raised.has_session);
    let mut outdated = 0;
    for roles::Raised { user, version, .. } in signed_in {
        Vestibule::outdate_access_tokens(tx, remember, user, version, now).await?;
        outdated += 1;
    }
    Ok(outdated)
}
