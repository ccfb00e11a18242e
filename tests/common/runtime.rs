//! Functions that run futures in synchronous tests.

use tokio::runtime::{Builder, Runtime};

/// Returns a runtime that runs its tasks on the calling thread.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Runs a future to its end on a new runtime. Returns its output.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}
