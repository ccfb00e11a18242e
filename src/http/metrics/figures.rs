//! The figures that are read at a scrape. A further figure is one row of [`READINGS`].

use std::time::{Duration, Instant};

use rocket::tokio::sync::Mutex;

use super::process::ProcessFigures;
use crate::{
    domain::UnixTime,
    flows::Vestibule,
    memory::metrics::{Figure, Kind},
    store::{self, live_sessions},
};

/// The least time for which the number of live sessions is not counted again.
const COUNTED_AT_MOST_EVERY: Duration = Duration::from_secs(10);

/// The share of time that the count of the live sessions may take: one part of so many. The count reads every session. With
/// many sessions it takes long, and is then repeated less often.
const SHARE_OF_TIME: u32 = 50;

/// What the figures of one scrape are read from.
struct Scrape<'v> {
    vestibule: &'v Vestibule,
    process: ProcessFigures,
    started_at: UnixTime,
    live_sessions: Option<i64>,
}

/// A figure: its name, its type, its meaning, and how it is read. It is left out of the scrape if it is `None`.
type Reading = (&'static str, Kind, &'static str, fn(&Scrape<'_>) -> Option<f64>);

/// All figures.
const READINGS: &[Reading] = &[
    ("vestibule_sessions_live", Kind::Gauge, "Sessions that have neither ended nor expired.", |scrape| {
        scrape.live_sessions.map(|count| count as f64)
    }),
    ("vestibule_password_hash_queue", Kind::Gauge, "Requests that wait for a slot to hash a password in.", |scrape| {
        Some(scrape.vestibule.hasher.waiting() as f64)
    }),
    ("vestibule_password_hash_queue_limit", Kind::Gauge, "Requests that may wait for such a slot.", |scrape| {
        Some(scrape.vestibule.hasher.max_waiting() as f64)
    }),
    ("vestibule_database_write_queue", Kind::Gauge, "Writes that wait for the writer of the database.", |scrape| {
        Some(scrape.vestibule.store.queued_writes() as f64)
    }),
    ("vestibule_database_bytes", Kind::Gauge, "Size of the database file.", |scrape| {
        scrape.vestibule.database_size("").map(|bytes| bytes as f64)
    }),
    ("vestibule_database_wal_bytes", Kind::Gauge, "Size of the write-ahead log of the database.", |scrape| {
        Some(scrape.vestibule.database_size("-wal").unwrap_or_default() as f64)
    }),
    (
        "vestibule_signing_key_created_timestamp_seconds",
        Kind::Gauge,
        "Time at which the key that signs access tokens was created; absent if it is set in the configuration.",
        |scrape| scrape.vestibule.keyring.keys().created_at().map(|at| at.seconds() as f64),
    ),
    (
        "vestibule_backup_last_success_timestamp_seconds",
        Kind::Gauge,
        "Time at which the newest copy of the database was made, or was last found to have all changes; absent without a copy.",
        |scrape| scrape.vestibule.backups.state().current_at.map(|at| at.seconds() as f64),
    ),
    ("vestibule_backup_failures_total", Kind::Counter, "Copies of the database that failed.", |scrape| {
        Some(scrape.vestibule.backups.state().failures as f64)
    }),
    (
        "vestibule_backup_bytes",
        Kind::Gauge,
        "Size of the last copy of the database that this process made.",
        |scrape| Some(scrape.vestibule.backups.state().bytes as f64),
    ),
    (
        "vestibule_database_damaged",
        Kind::Gauge,
        "1 if the check after an unclean stop found damage, else 0.",
        |scrape| Some(f64::from(u8::from(scrape.vestibule.health.is_damaged()))),
    ),
    ("process_cpu_seconds_total", Kind::Counter, "Time for which the processors ran the process.", |scrape| {
        scrape.process.cpu_seconds
    }),
    ("process_resident_memory_bytes", Kind::Gauge, "Physical memory of the process.", |scrape| {
        scrape.process.resident_bytes
    }),
    ("process_virtual_memory_bytes", Kind::Gauge, "Virtual memory of the process.", |scrape| {
        scrape.process.virtual_bytes
    }),
    ("process_open_fds", Kind::Gauge, "Open files of the process.", |scrape| scrape.process.open_files),
    ("process_max_fds", Kind::Gauge, "Files that the process may have open.", |scrape| scrape.process.max_files),
    ("process_threads", Kind::Gauge, "Threads of the process.", |scrape| scrape.process.threads),
    ("process_start_time_seconds", Kind::Gauge, "Time at which the process began, since 1970.", |scrape| {
        Some(scrape.started_at.seconds() as f64)
    }),
];

/// The figures, with the last count of the live sessions.
pub struct Figures {
    /// The time at which the server began. `/proc/self` tells it only in relation to the start of the machine.
    started_at: UnixTime,
    counted: Mutex<Option<Count>>,
}

#[derive(Clone, Copy)]
struct Count {
    live: i64,
    /// The time until which it is not counted again.
    until: Instant,
}

impl Figures {
    /// Returns the figures of a server that has just begun, at `now`.
    pub fn new(now: UnixTime) -> Self {
        Self { started_at: now, counted: Mutex::default() }
    }

    /// Reads all figures.
    pub async fn read(&self, vestibule: &Vestibule) -> Vec<Figure> {
        let live_sessions = self.live_sessions(vestibule).await;
        let scrape = Scrape { vestibule, process: ProcessFigures::read(), started_at: self.started_at, live_sessions };
        let figure =
            |(name, kind, help, read): &Reading| read(&scrape).map(|value| Figure { name, kind: *kind, help, value });
        READINGS.iter().filter_map(figure).collect()
    }

    /// Returns the number of live sessions; `None` if the database fails. It may be some seconds old.
    async fn live_sessions(&self, vestibule: &Vestibule) -> Option<i64> {
        // Scrapes at the same time wait for one count.
        let mut counted = self.counted.lock().await;
        let began = Instant::now();
        if let Some(count) = counted.filter(|count| began < count.until) {
            return Some(count.live);
        }
        let live = count(vestibule).await.inspect_err(|error| tracing::warn!(%error, "can't count the live sessions"));
        let live = live.ok()?;
        let pause = COUNTED_AT_MOST_EVERY.max(began.elapsed() * SHARE_OF_TIME);
        *counted = Some(Count { live, until: Instant::now() + pause });
        Some(live)
    }
}

async fn count(vestibule: &Vestibule) -> store::Result<i64> {
    live_sessions::count(&mut *vestibule.store.read().await?, vestibule.clock.now(), i64::MAX).await
}
