//! The transaction of a job: its connection, and what it announces.

use std::ops::{Deref, DerefMut};

use super::{Conn, Result, changes, sql::sql};
use crate::domain::{
    RoleName, UnixTime,
    change::{Announcement, Change},
};

/// How many uses of sessions the order of use has room for in one second.
const USES_IN_A_SECOND: i64 = 1 << 20;

/// A transaction that holds the write lock. Gives the store's functions their connection.
pub struct Tx {
    pub(super) connection: Conn,
    pub(super) announcements: Vec<Announcement>,
    /// The last value that [`Tx::next_use`] returned; none before its first call.
    last_use: Option<i64>,
}

impl Tx {
    /// Wraps a connection. The writer begins the transaction and ends it.
    pub(super) fn over(connection: Conn) -> Self {
        Self { connection, announcements: Vec::new(), last_use: None }
    }

    /// Announces a change to this process and to the others. It applies from the commit until `until`, after which no token is
    /// affected.
    ///
    /// # Errors
    /// [`super::Error::Database`].
    pub async fn announce(&mut self, change: Change, now: UnixTime, until: UnixTime) -> Result<()> {
        let announcement = changes::insert(&mut self.connection, change, now, until).await?;
        self.announcements.push(announcement);
        Ok(())
    }

    /// Announces the authorization versions of all members of `role`, and with `admins_too` those of all admins. Returns the
    /// number of users. Each is kept until `remember` seconds after the user's last access token has expired.
    ///
    /// # Errors
    /// [`super::Error::Database`].
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

    /// Returns the next value of `sessions.used_order`: the second `now` with room for many uses in it, because several
    /// sessions are used in one second. It is greater than every value that this process returned before, and than every value
    /// that was stored when this process asked for its first one. So a clock that goes back does not make the newest session
    /// look like the oldest. This holds while only one process uses sessions: the server that holds the lock.
    ///
    /// # Errors
    /// [`super::Error::Database`].
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
