//! The writer: one thread with one connection, and group commit. All jobs that were queued during a commit share the next
//! commit.
//!
//! A commit costs one `fsync`, about a millisecond, whether it has one job or a hundred. A job has no savepoint. If a job
//! fails, the whole transaction is rolled back, and its jobs run again one by one, so that the other jobs are not affected.
//! Therefore a job is a function that can be called twice.
//!
//! The thread has its own event loop. The futures of jobs stay on it, so a busy HTTP runtime never delays a commit.
//!
//! A job fails if it panics: it is rolled back, its caller gets [`Error::Panicked`], and the thread continues. A job also
//! fails if one of its statements fails: its caller gets the job's own error, or [`Error::Statement`] if the job returned
//! success.
//!
//! A panic outside of a job ends the thread, because it is then unknown which announcements the memory of the process has
//! received. Every later write returns [`Error::Closed`], and [`Writer::failed`] completes.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval},
};

use super::{
    Conn, Error, Measured, OnCommit, OnMeasured, Result, Tx, changes,
    file::Files,
    job::{Job, Pending},
    sql::{Query, sql},
};

/// The maximum number of messages in one batch, and so of jobs in one commit. It limits how many jobs run again after a
/// failure.
const MAX_BATCH: usize = 256;

/// The maximum number of queued messages. If the queue is full, callers wait.
const QUEUE: usize = 4096;

/// How often the writer checks whether another process has committed.
pub(super) const FOLLOW_EVERY: Duration = Duration::from_millis(100);

/// The handle through which jobs reach the writer's thread.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    /// `true` after the thread has ended because it was told to close. The thread has the sender. If the sender is dropped
    /// without this value, the thread has failed.
    closed: watch::Receiver<bool>,
}

/// A message to the thread. The thread confirms `FoldLog` and `Close` through their senders.
enum Message {
    Run(Box<dyn Job>),
    FoldLog(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread with a connection that can write. Returns after the thread has read the whole feed of changes.
    pub(super) async fn start(
        connection: Conn,
        files: Files,
        on_commit: OnCommit,
        on_measured: OnMeasured,
    ) -> Result<Self> {
        let (queue, inbox) = mpsc::channel(QUEUE);
        let (ready, started) = oneshot::channel();
        let (says_closed, closed) = watch::channel(false);
        let spawned = thread::Builder::new().name("vestibule-writer".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            match runtime {
                Ok(runtime) => runtime.block_on(async move {
                    let tx = Tx::over(connection);
                    let mut log =
                        WriterThread { tx, files, on_commit, on_measured, seq: 0, version: 0, left_open: false };
                    let caught_up = log.start().await;
                    let failed = caught_up.is_err();
                    if ready.send(caught_up).is_ok() && !failed {
                        log.serve(inbox).await;
                    }
                    says_closed.send_replace(true);
                }),
                Err(error) => drop(ready.send(Err(Error::Database(sqlx::Error::Io(error))))),
            }
        });
        spawned.map_err(|error| Error::Database(sqlx::Error::Io(error)))?;
        started.await.map_err(|_| Error::Closed)??;
        Ok(Self { queue, closed })
    }

    /// Completes when the thread has ended without a request to close, and never otherwise.
    pub(super) async fn failed(&self) {
        let mut closed = self.closed.clone();
        // A value stays readable after the sender was dropped, so an orderly end is never mistaken for a failure.
        if closed.wait_for(|closed| *closed).await.is_ok() {
            std::future::pending::<()>().await;
        }
    }

    /// Sends a job to the thread and waits for its result. Fails with [`Error::Closed`] if the thread has ended.
    pub(super) async fn run<T, F>(&self, job: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let pending = Pending::new(job, reply);
        self.queue.send(Message::Run(Box::new(pending))).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Returns the number of messages that wait for the thread.
    pub(super) fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    pub(super) async fn fold_log(&self) {
        self.request(Message::FoldLog).await;
    }

    pub(super) async fn close(&self) {
        self.request(Message::Close).await;
    }

    /// Sends a message and waits until the thread has processed it. Returns at once if the thread has ended: an orderly end has
    /// processed all messages.
    async fn request(&self, message: impl FnOnce(oneshot::Sender<()>) -> Message) {
        let (done, seen_to) = oneshot::channel();
        if self.queue.send(message(done)).await.is_ok() {
            seen_to.await.ok();
        }
    }
}

/// The writer's connection, and the position in the feed of changes that this process has read.
struct WriterThread {
    tx: Tx,
    files: Files,
    on_commit: OnCommit,
    on_measured: OnMeasured,
    /// The position in the feed of the last change that was read.
    seq: i64,
    /// The value of SQLite's `data_version` before the feed was read last.
    version: i64,
    /// Whether a rollback failed, so that a transaction may be open.
    left_open: bool,
}

impl WriterThread {
    /// Reads the whole feed and passes it to `on_commit`, which creates the revocations in the memory of the process.
    async fn start(&mut self) -> Result<()> {
        self.version = self.data_version().await?;
        self.follow().await
    }

    /// Processes messages until a request to close arrives or all handles are dropped. Processes the queued messages before it
    /// ends.
    async fn serve(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        let mut tick = interval(FOLLOW_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // The interval is checked before the queue, so that a full queue does not delay the changes of other processes.
                biased;
                _ = tick.tick() => self.notice_other_processes().await,
                received = inbox.recv_many(&mut batch, MAX_BATCH) => {
                    let closing = self.take(&mut batch).await;
                    if received == 0 || closing.is_some() {
                        inbox.close();
                        while inbox.recv_many(&mut batch, MAX_BATCH).await > 0 {
                            self.take(&mut batch).await;
                        }
                        self.shut_down().await;
                        closing.map(|done| done.send(()));
                        return;
                    }
                }
            }
        }
    }

    /// Processes a batch: first its jobs, then its requests to fold the log. Returns the sender of a request to close, if the
    /// batch has such a request.
    async fn take(&mut self, batch: &mut Vec<Message>) -> Option<oneshot::Sender<()>> {
        let (mut closing, mut folding) = (None, Vec::new());
        let mut jobs = Vec::with_capacity(batch.len());
        for message in batch.drain(..) {
            match message {
                Message::Run(job) => jobs.push(job),
                Message::FoldLog(done) => folding.push(done),
                Message::Close(done) => closing = Some(done),
            }
        }
        self.commit_together(jobs).await;
        if !folding.is_empty() {
            self.fold_log().await;
            for done in folding {
                // The caller may have stopped waiting.
                done.send(()).ok();
            }
        }
        closing
    }

    /// Runs jobs in one transaction, or one by one if a job fails. Sends each caller its result.
    async fn commit_together(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.attempt(&mut jobs).await {
            // One of several jobs failed. Each job runs again in its own transaction, so that only the failed job is rolled
            // back.
            Ok(false) if jobs.len() > 1 => {
                for job in jobs {
                    let mut alone = [job];
                    let undone = self.attempt(&mut alone).await.err();
                    let [job] = alone;
                    job.reply(undone);
                }
            }
            // All jobs are committed, or the only job failed. `reply` sends the outcome of each job.
            Ok(_) => jobs.into_iter().for_each(|job| job.reply(None)),
            Err(error) => {
                let error = Arc::new(error);
                jobs.into_iter().for_each(|job| job.reply(Some(Error::Commit(Arc::clone(&error)))));
            }
        }
    }

    /// Runs `jobs` in one transaction. Returns `true` if all jobs succeeded and were committed, and `false` if a job failed.
    /// Fails if the transaction can't begin or commit. If it was not committed, it is rolled back.
    async fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<bool> {
        if jobs.is_empty() {
            return Ok(true);
        }
        self.tx.announcements.clear();
        if std::mem::take(&mut self.left_open) {
            // A transaction that is still open would make `begin` fail for every later batch.
            self.execute(sql("rollback")).await.ok();
        }
        let began = Instant::now();
        self.execute(sql("begin immediate")).await?;
        // An earlier failure, for example of a rollback, is not a failure of these jobs.
        self.tx.connection.take_failure();
        for job in jobs.iter_mut() {
            if !job.run(&mut self.tx).await {
                self.roll_back().await;
                return Ok(false);
            }
        }
        if let Err(error) = self.commit().await {
            self.roll_back().await;
            return Err(error);
        }
        // The announcements apply to every later request of this process before any caller gets its result.
        (self.on_commit)(&self.tx.announcements);
        (self.on_measured)(Measured::Commit { took: began.elapsed(), jobs: jobs.len() });
        Ok(true)
    }

    /// Commits, unless a file of the database was removed or replaced.
    async fn commit(&mut self) -> Result<()> {
        self.files.check()?;
        self.execute(sql("commit")).await
    }

    /// Rolls the transaction back. The statement fails without a change if SQLite has already rolled back, for example after a
    /// full disk.
    async fn roll_back(&mut self) {
        self.left_open = self.execute(sql("rollback")).await.is_err();
    }

    async fn execute(&mut self, statement: Query) -> Result<()> {
        statement.execute(&mut self.tx.connection).await?;
        Ok(())
    }

    /// Returns SQLite's `data_version`, which changes when another connection has committed.
    async fn data_version(&mut self) -> Result<i64> {
        sql("pragma data_version").value(&mut self.tx.connection).await
    }

    /// Reads the feed if another process has committed. If reading fails, the next call tries again.
    async fn notice_other_processes(&mut self) {
        let noticed = async {
            let version = self.data_version().await?;
            // `version` was read before the feed. A commit between the two reads only causes another read.
            if version != self.version {
                self.follow().await?;
                self.version = version;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = noticed.await {
            tracing::warn!(%error, "can't follow the changes of other processes; trying again");
        }
    }

    /// Passes the changes after `seq` to `on_commit`. The changes of this process arrive there a second time, which is
    /// harmless.
    async fn follow(&mut self) -> Result<()> {
        let announced = changes::list_after(&mut self.tx.connection, self.seq).await?;
        if let Some(last) = announced.last() {
            self.seq = last.seq;
            (self.on_commit)(&announced);
        }
        Ok(())
    }

    /// Moves the content of the write-ahead log into the database file and empties the log, if no reader prevents this. A copy
    /// of the database reads for as long as it takes, and a program that replicates the log reads all the time, so the writer
    /// does not wait for them: every write would wait too.
    async fn fold_log(&mut self) {
        let folded = async {
            self.execute(sql("pragma busy_timeout = 20")).await?;
            let folded = self.execute(sql("pragma wal_checkpoint(truncate)")).await;
            self.execute(sql("pragma busy_timeout = 5000")).await?;
            folded
        };
        if let Err(error) = folded.await {
            tracing::warn!(%error, "can't fold the write-ahead log into the database; a later time will");
        }
    }

    /// Folds the log and closes the connection. Errors are logged.
    async fn shut_down(mut self) {
        self.fold_log().await;
        if let Err(error) = self.tx.connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}
