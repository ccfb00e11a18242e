//! A job of the writer, together with the channel to its caller.
//!
//! A job fails if it returns an error, if it panics, or if one of its statements fails. A failed statement counts even if the
//! job returns success.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
};

use tokio::sync::oneshot;

use super::{Error, Result, Tx};

/// A job and the channel to its caller. The types of the job and of its result are erased, so that one queue has all jobs.
pub(super) trait Job: Send {
    /// Runs the job and keeps its outcome for [`Job::reply`]. Returns whether the job succeeded.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + 'a>>;
    /// Sends the outcome to the caller. `undone` is the error because of which the whole transaction was rolled back, if there
    /// is such an error. The job's own error has priority over it.
    fn reply(self: Box<Self>, undone: Option<Error>);
}

/// A job that was sent to the writer. `outcome` is `None` until the job has run.
pub(super) struct Pending<F, T> {
    job: F,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Pending<F, T> {
    pub(super) fn new(job: F, reply: oneshot::Sender<Result<T>>) -> Self {
        Self { job, outcome: None, reply }
    }
}

impl<F, T> Job for Pending<F, T>
where
    F: AsyncFn(&mut Tx) -> Result<T> + Send,
    T: Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + 'a>> {
        Box::pin(async move {
            let outcome = catch_panic(async { (self.job)(tx).await }).await;
            let outcome = match tx.connection.take_failure() {
                // A failed statement counts even if the job returned success.
                Some(failure) => outcome.and(Err(Error::Statement(failure))),
                None => outcome,
            };
            let succeeded = outcome.is_ok();
            self.outcome = Some(outcome);
            succeeded
        })
    }

    fn reply(self: Box<Self>, undone: Option<Error>) {
        let outcome = match (undone, self.outcome) {
            (_, Some(Err(error))) | (Some(error), _) => Err(error),
            (None, Some(outcome)) => outcome,
            (None, None) => Err(Error::Closed),
        };
        // The caller may have stopped waiting. The job is committed nevertheless.
        self.reply.send(outcome).ok();
    }
}

/// Runs a job and turns a panic into [`Error::Panicked`].
async fn catch_panic<T>(job: impl Future<Output = Result<T>>) -> Result<T> {
    let mut job = pin!(job);
    // `AssertUnwindSafe` is sound: the transaction is rolled back and the job is dropped, so no half-finished state is seen.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| job.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(panic) => Err(Error::Panicked(text_of(panic.as_ref()))).into(),
    })
    .await
}

/// Returns the message of a panic, or a fixed text if the message is not a string.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a text").to_owned()
}
