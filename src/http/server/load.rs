//! The requests that are being handled at the same time, and which of them are refused when there are too many.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The number of requests that are being handled.
pub struct Load {
    /// All requests, with the refused ones, to which the response is a 503.
    running: AtomicUsize,
    admitted: AtomicUsize,
    max: usize,
}

impl Load {
    /// Returns a load without requests. `max` is the number of requests up to which a connection may have several. From there
    /// on only the first request of a connection is admitted, up to twice as many, so that nobody is refused because others
    /// send many at once.
    pub fn new(max: usize) -> Self {
        Self { running: AtomicUsize::new(0), admitted: AtomicUsize::new(0), max }
    }

    /// Returns whether no request is being handled.
    pub fn is_quiet(&self) -> bool {
        self.running.load(Ordering::Acquire) == 0
    }

    /// Counts a request until the returned value is dropped. `is_alone` is whether its connection has no other request.
    pub fn begin(self: &Arc<Self>, is_alone: bool) -> Running {
        self.running.fetch_add(1, Ordering::AcqRel);
        let limit = if is_alone { self.max.saturating_mul(2) } else { self.max };
        let is_admitted = self.admitted.fetch_add(1, Ordering::AcqRel) < limit;
        if !is_admitted {
            self.admitted.fetch_sub(1, Ordering::AcqRel);
        }
        Running { load: Arc::clone(self), is_admitted }
    }
}

/// A request that is being handled. It is counted until it is dropped, also if its handler panics.
pub struct Running {
    load: Arc<Load>,
    is_admitted: bool,
}

impl Running {
    /// Returns whether the request may be handled. Otherwise it must be refused.
    pub fn is_admitted(&self) -> bool {
        self.is_admitted
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.load.admitted.fetch_sub(usize::from(self.is_admitted), Ordering::AcqRel);
        self.load.running.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_alone_on_its_connection_is_refused_only_at_twice_the_load() {
        let load = Arc::new(Load::new(2));
        let begin = |is_alone| load.begin(is_alone);
        let many = [begin(true), begin(false), begin(false), begin(false)];
        assert_eq!(many.each_ref().map(Running::is_admitted), [true, true, false, false]);
        let alone = [begin(true), begin(true), begin(true)];
        assert_eq!(alone.each_ref().map(Running::is_admitted), [true, true, false]);
        drop(many);
        assert!(begin(true).is_admitted() && !begin(false).is_admitted());
        assert!(!load.is_quiet());
        drop(alone);
        assert!(load.is_quiet() && begin(false).is_admitted());
    }
}
