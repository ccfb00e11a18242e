//! The transaction of a job: its connection and its announcements.

use std::ops::{Deref, DerefMut};

use super::{Conn, Result, changes, sql::sql};
use crate::domain::{
    RoleName, UnixTime,
    change::{Announcement, Change},
};

/// The number of values of the order of use that belong to one second.
const USES_IN_A_SECOND: i64 = 1 << 20;

/// The writer's connection with its open transaction, which has the write lock. One value exists per process; each transaction
/// uses it again. It dereferences to [`Conn`], which the store's functions take.
pub struct Tx {
    pub(super) connection: Conn,
    pub(super) announcements: Vec<Announcement>,
    /// The last value that [`Tx::next_use`] returned. `None` before the first call.
    last_use: Option<i64>,
}

impl Tx {
    /// Wraps a connection. The writer begins and ends the transaction.
    pub(super) fn over(connection: Conn) -> Self {
        Self { connection, announcements: Vec::new(), last_use: None }
    }

    /// Announces a change to all processes. The change applies from the commit until `until`, which must not be before the last
    /// token that it concerns expires. If the transaction is rolled back, nothing is announced.
    pub async fn announce(&mut self, change: Change, now: UnixTime, until: UnixTime) -> Result<()> {
        let announcement = changes::insert(&mut self.connection, change, now, until).await?;
        self.announcements.push(announcement);
        Ok(())
    }

    /// Announces the authorization versions of all members of `role` (no members if it is `None`) and, if `admins_too` is true,
    /// of all admins. Returns the number of users. Each announcement is kept until `remember` seconds after the user's last
    /// access token has expired.
    pub async fn announce_versions(
        &mut self,
        role: Option<&RoleName>,
        admins_too: bool,
        now: UnixTime,
        remember: i64,
    ) -> Result<usize> {
        let announced = changes::insert_versions(&mut self.connection, role, admins_too, now, remember).await?;
        let people = announced.len();
        self.announcements.extend(announced);
        Ok(people)
    }

    /// Returns the next value of `sessions.used_order`: the seconds of `now`, multiplied by the number of values that belong to
    /// one second. The second alone does not determine the order, because several sessions are used in one second.
    ///
    /// The value is greater than every value that this process returned before. It is also greater than every value that was
    /// stored before the first call. So a clock that is set back does not make the newest session look like the oldest. This
    /// requires that only one process uses sessions: the server, which has the lock of the one server.
    pub(super) async fn next_use(&mut self, now: UnixTime) -> Result<i64> {
        let last = match self.last_use {
            Some(last) => last,
            None => sql("select coalesce(max(used_order), 0) from sessions").value(&mut self.connection).await?,
        };
        let next = now.seconds().saturating_mul(USES_IN_A_SECOND).max(last.saturating_add(1));
        self.last_use = Some(next);
        Ok(next)
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.connection
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.connection
    }
}
