//! A job of the writer, with the caller who waits for it.
//!
//! A job fails where it returns an error, where it panics, and where one of its statements failed, even if it returned
//! success.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
};

use tokio::sync::oneshot;

use super::{Error, Result, Tx};

/// A job with the caller who waits for it, its types erased.
pub(super) trait Job: Send {
    /// Runs the job, keeps its outcome, and says whether it succeeded.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + 'a>>;
    /// Answers the caller: with the outcome, or with the error that undid it.
    fn answer(self: Box<Self>, undone: Option<Error>);
}

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
                Some(failure) => outcome.and(Err(Error::Statement(failure))),
                None => outcome,
            };
            let succeeded = outcome.is_ok();
            self.outcome = Some(outcome);
            succeeded
        })
    }

    fn answer(self: Box<Self>, undone: Option<Error>) {
        let outcome = match (undone, self.outcome) {
            (_, Some(Err(error))) | (Some(error), _) => Err(error),
            (None, Some(outcome)) => outcome,
            (None, None) => Err(Error::Closed),
        };
        // A caller who left does not undo what was committed.
        self.reply.send(outcome).ok();
    }
}

/// Runs a job, and makes an error of its panic.
async fn catch_panic<T>(job: impl Future<Output = Result<T>>) -> Result<T> {
    let mut job = pin!(job);
    // The transaction is rolled back and the job is dropped, so nobody sees what the panic left half done.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| job.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(panic) => Err(Error::Panicked(text_of(panic.as_ref()))).into(),
    })
    .await
}

/// The text that a panic was raised with.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a text").to_owned()
}
