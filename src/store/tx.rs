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
    /// Wraps a connection. Whoever runs the job begins the transaction and ends it.
    pub(super) fn over(connection: Conn) -> Self {
        Self { connection, announcements: Vec::new(), last_use: None }
    }

    /// Tells this process and the others of a change, from the commit on and until `until`, when no token is left that it
    /// concerns.
    ///
    /// # Errors
    /// [`super::Error::Database`].
    pub async fn announce(&mut self, change: Change, now: UnixTime, until: UnixTime) -> Result<()> {
        let announcement = changes::insert(&mut self.connection, change, now, until).await?;
        self.announcements.push(announcement);
        Ok(())
    }

    /// The same of the authorization versions of all who have a role, and of all admins too if that is said; how many people
    /// that is. Each is remembered for `remember` seconds after the last access token that was given out.
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
    /// look like the oldest. It rests on one process at a time that uses sessions, which is the one that holds the lock.
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
