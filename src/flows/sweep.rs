//! Sweep: deletes expired rows in small batches, so that no other write waits for long.

use crate::{
    domain::{UnixTime, audit_event::RequestContext},
    flows::{Vestibule, steps::signing, vestibule::CLOCK_STEP_MARGIN},
    store::{self, audit, changes, devices, one_time_tokens, sessions},
};

/// The maximum number of rows that one transaction deletes from a table. There are few signing keys, so they have no limit.
const BATCH: i64 = 200;

/// Seconds for which a link is kept after its expiry. The account page says for this long that a link was used.
const LINKS_KEPT: i64 = 30 * 24 * 60 * 60;

/// The numbers of rows that a sweep deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Deleted sessions.
    pub sessions: u64,
    /// Deleted devices.
    pub devices: u64,
    /// Deleted audit events.
    pub audit_events: u64,
    /// Deleted rows of the feed of changes.
    pub changes: u64,
    /// Deleted links.
    pub links: u64,
    /// Deleted signing keys.
    pub signing_keys: u64,
}

impl Swept {
    /// Returns whether the batch of a table was full. Then the table may have more expired rows.
    fn may_have_left(&self) -> bool {
        [self.sessions, self.devices, self.audit_events, self.changes, self.links]
            .iter()
            .any(|count| *count >= BATCH as u64)
    }

    fn add(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.devices += other.devices;
        self.audit_events += other.audit_events;
        self.changes += other.changes;
        self.links += other.links;
        self.signing_keys += other.signing_keys;
    }
}

/// Deletes all rows that have expired at `now`, and removes expired entries from memory. Returns the numbers of deleted rows.
/// Finally empties the write-ahead log, which still contains the deleted rows.
///
/// # Errors
/// [`store::Error`] if the database fails. Deletions of earlier batches stay.
pub async fn sweep(vestibule: &Vestibule, now: UnixTime) -> store::Result<Swept> {
    vestibule.revocations.sweep(now);
    vestibule.throttle.sweep();
    vestibule.hasher.sweep();
    let mut swept = Swept::default();
    loop {
        let batch = sweep_batch(vestibule, now).await?;
        swept.add(batch);
        if !batch.may_have_left() {
            vestibule.store.fold_log().await;
            return Ok(swept);
        }
    }
}

/// Deletes at most [`BATCH`] rows from each table, and all expired signing keys, in one transaction.
async fn sweep_batch(vestibule: &Vestibule, now: UnixTime) -> store::Result<Swept> {
    // A session is kept until its tokens are not accepted even if the clock is set back.
    let ended_before = now.plus(-(vestibule.config.tokens.leeway.seconds() + CLOCK_STEP_MARGIN));
    let unused = now.plus(-vestibule.config.devices.retention.seconds());
    let old_links = now.plus(-LINKS_KEPT);
    let past = now.plus(-vestibule.config.limits.audit_retention.seconds());
    // This statement may read many rows, so it runs before the transaction begins.
    let ended = sessions::list_expired(&mut *vestibule.store.read().await?, ended_before, BATCH).await?;
    vestibule
        .store
        .write(async move |tx| {
            Ok(Swept {
                sessions: sessions::delete_expired(tx, &ended, ended_before).await?,
                devices: devices::delete_expired(tx, unused, BATCH).await?,
                audit_events: audit::delete_expired(tx, past, BATCH).await?,
                changes: changes::delete_expired(tx, now, BATCH).await?,
                links: one_time_tokens::delete_expired(tx, old_links, BATCH).await?,
                signing_keys: signing::remove_expired(tx, &RequestContext::internal(now)).await?,
            })
        })
        .await
}
