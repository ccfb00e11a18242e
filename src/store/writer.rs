//! Group commit: one connection, one thread, and everything that queued up during the last sync shares the next one.
//!
//! A commit costs one `fsync`, about a millisecond; so does a commit of a hundred jobs. Each job is isolated from the
//! others' failure without a savepoint of its own: when one fails, the whole transaction is rolled back and its jobs are run
//! again one by one. That is why a job is a function that can be called twice.
//!
//! The thread has its own event loop, so that futures of jobs stay on it and a busy HTTP runtime never holds a commit up.
//!
//! A job that panics is a job that failed: it is rolled back, its caller gets [`Error::Panicked`], and the thread goes on. So
//! is one in which a statement failed: its caller gets the job's own error, or [`Error::Statement`] where the job returned
//! success. A panic anywhere else ends the thread, because then nobody knows what was told to the memory of the process.
//! Every later write gives [`Error::Closed`], and [`Writer::failed`] completes.

use std::{sync::Arc, thread, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval},
};

use super::{
    Conn, Error, OnCommit, Result, Tx, changes,
    job::{Job, Pending},
    sql::{Query, sql},
};

/// Jobs in one commit at the most: bounds how much one failure makes run again.
const MAX_BATCH: usize = 256;

/// Jobs waiting at the most; beyond it callers wait to enter.
const QUEUE: usize = 4096;

/// How often the writer looks whether another process wrote.
pub(super) const FOLLOW_EVERY: Duration = Duration::from_millis(100);

/// The handle through which jobs reach the writer's thread.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    /// True once the thread was asked to close and did. The thread holds the sender: where that is dropped without having said
    /// so, the thread failed.
    closed: watch::Receiver<bool>,
}

enum Message {
    Run(Box<dyn Job>),
    FoldLog(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread over a connection that has the write pragmas.
    pub(super) async fn start(connection: Conn, on_commit: OnCommit) -> Result<Self> {
        let (queue, inbox) = mpsc::channel(QUEUE);
        let (ready, started) = oneshot::channel();
        let (says_closed, closed) = watch::channel(false);
        let spawned = thread::Builder::new().name("vestibule-writer".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            match runtime {
                Ok(runtime) => runtime.block_on(async move {
                    let tx = Tx::over(connection);
                    let mut log = CommitLog { tx, on_commit, seq: 0, version: 0, left_open: false };
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

    /// Completes when the thread has ended without having been asked to; never otherwise.
    pub(super) async fn failed(&self) {
        let mut closed = self.closed.clone();
        // The sender's last word stays readable when the sender is gone, so an orderly end is never taken for a failure.
        if closed.wait_for(|closed| *closed).await.is_ok() {
            std::future::pending::<()>().await;
        }
    }

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

    pub(super) async fn fold_log(&self) {
        self.ask(Message::FoldLog).await;
    }

    pub(super) async fn close(&self) {
        self.ask(Message::Close).await;
    }

    /// Sends a message and waits until it was seen to. Where the thread is gone, it has seen to everything before it went.
    async fn ask(&self, message: impl FnOnce(oneshot::Sender<()>) -> Message) {
        let (done, seen_to) = oneshot::channel();
        if self.queue.send(message(done)).await.is_ok() {
            seen_to.await.ok();
        }
    }
}

/// The writer's connection, and how far into the feed of changes this process is.
struct CommitLog {
    tx: Tx,
    on_commit: OnCommit,
    seq: i64,
    version: i64,
    left_open: bool,
}

impl CommitLog {
    /// Hands the whole feed over, from which the memory is built.
    async fn start(&mut self) -> Result<()> {
        self.version = self.data_version().await?;
        self.follow().await
    }

    async fn serve(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        let mut tick = interval(FOLLOW_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => self.notice_other_processes().await,
                received = inbox.recv_many(&mut batch, MAX_BATCH) => {
                    let closing = self.take(&mut batch).await;
                    if received == 0 || closing.is_some() {
                        inbox.close();
                        while inbox.recv_many(&mut batch, MAX_BATCH).await > 0 {
                            self.take(&mut batch).await;
                        }
                        self.shut().await;
                        closing.map(|done| done.send(()));
                        return;
                    }
                }
            }
        }
    }

    /// Runs the jobs of a batch; gives back whoever asked to close.
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
                // Whoever asked may have left.
                done.send(()).ok();
            }
        }
        closing
    }

    async fn commit_together(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.attempt(&mut jobs).await {
            // One of several failed: each on its own, so that only that one does.
            Ok(false) if jobs.len() > 1 => {
                for job in jobs {
                    let mut alone = [job];
                    let undone = self.attempt(&mut alone).await.err();
                    let [job] = alone;
                    job.answer(undone);
                }
            }
            Ok(_) => jobs.into_iter().for_each(|job| job.answer(None)),
            Err(error) => {
                let error = Arc::new(error);
                jobs.into_iter().for_each(|job| job.answer(Some(Error::Commit(Arc::clone(&error)))));
            }
        }
    }

    /// One transaction over `jobs`. True when all succeeded and were committed; otherwise nothing was.
    async fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<bool> {
        if jobs.is_empty() {
            return Ok(true);
        }
        self.tx.announcements.clear();
        if std::mem::take(&mut self.left_open) {
            // A transaction that could not be rolled back would be in the way of every later one.
            self.execute(sql("rollback")).await.ok();
        }
        self.execute(sql("begin immediate")).await?;
        // A statement that failed earlier belongs to no job of this transaction.
        self.tx.connection.take_failure();
        for job in jobs.iter_mut() {
            if !job.run(&mut self.tx).await {
                self.roll_back().await;
                return Ok(false);
            }
        }
        if let Err(error) = self.execute(sql("commit")).await {
            self.roll_back().await;
            return Err(error);
        }
        // In force for every later request of this process, before anyone is answered.
        (self.on_commit)(&self.tx.announcements);
        Ok(true)
    }

    /// Fails where SQLite has rolled back already, after a full disk for one, and then changes nothing.
    async fn roll_back(&mut self) {
        self.left_open = self.execute(sql("rollback")).await.is_err();
    }

    async fn execute(&mut self, statement: Query) -> Result<()> {
        statement.execute(&mut self.tx.connection).await?;
        Ok(())
    }

    async fn data_version(&mut self) -> Result<i64> {
        sql("pragma data_version").value(&mut self.tx.connection).await
    }

    /// `data_version` changes when another connection commits, and only then.
    async fn notice_other_processes(&mut self) {
        let noticed = async {
            let version = self.data_version().await?;
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

    /// Hands over what stands in the feed beyond what was seen; our own changes among it come a second time, harmlessly.
    async fn follow(&mut self) -> Result<()> {
        let announced = changes::list_after(&mut self.tx.connection, self.seq).await?;
        if let Some(last) = announced.last() {
            self.seq = last.seq;
            (self.on_commit)(&announced);
        }
        Ok(())
    }

    /// Moves what the write-ahead log holds into the file and empties the log. A reader that is in the way is waited for as
    /// long as for any lock.
    async fn fold_log(&mut self) {
        if let Err(error) = self.execute(sql("pragma wal_checkpoint(truncate)")).await {
            tracing::warn!(%error, "can't fold the write-ahead log into the database; a later time will");
        }
    }

    async fn shut(mut self) {
        self.fold_log().await;
        if let Err(error) = self.tx.connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}
