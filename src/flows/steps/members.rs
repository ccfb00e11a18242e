//! The step that setting and removing a role share: what a role loses, its members lose at once.

use crate::{
    domain::{RoleName, UnixTime},
    store::{self, Tx, roles},
};

/// Ends the access tokens of whoever loses something by a change of roles: those who have `role`, and the admins where what
/// "every permission" is has shrunk. How many people that are.
pub(in crate::flows) async fn outdate_members(
    tx: &mut Tx,
    remember: i64,
    role: Option<&RoleName>,
    admins_lose: bool,
    now: UnixTime,
) -> store::Result<usize> {
    roles::raise_authorization_versions(tx, role, admins_lose).await?;
    tx.announce_versions(role, admins_lose, now, remember).await
}
