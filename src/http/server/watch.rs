//! The state of a connection, and the rules that decide how long it may stay in each state. The rules are functions of a
//! time, so a test needs no waiting.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rocket::tokio::sync::Notify;

/// The time that a connection has for each part of a request.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the connection to the first byte of its first request, and from the first byte of a request to the end of its head.
    pub head: Duration,
    /// From the head of a request to the end of its body. Also the longest pause of a client that reads a response.
    pub body: Duration,
    /// From the end of a response to the first byte of the next request.
    pub idle: Duration,
}

/// The time in addition to [`Timeouts::body`] before a connection is closed. A guard that waits for the body fails first,
/// so the client gets a response.
const AFTER_BODY: Duration = Duration::from_secs(2);

/// The number of requests of a connection that the client may abandon, if it completes fewer.
const MAX_ABANDONED: usize = 20;

/// How long a client may not read its response before its connection may give way to another.
const NOT_READING: Duration = Duration::from_secs(1);

/// How long a connection without a request is kept after its last request if the server is to stop. A client that used it a
/// moment ago may be about to send the next request.
const LINGER: Duration = Duration::from_millis(200);

/// The state of one connection. Its clones share the state.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Whether everything was read that had arrived when the connection was accepted. Before that it is not known whether the
    /// connection has a whole request.
    is_read: AtomicBool,
    /// The number of exchanges that are not in [`Stage::Body`].
    whole: AtomicUsize,
    /// Whether bytes were written that the client has not taken yet.
    is_unsent: AtomicBool,
    /// The number of exchanges whose response the connection has taken as a whole.
    completed: AtomicUsize,
    /// The number of exchanges that ended before.
    abandoned: AtomicUsize,
    /// Notified when the client has abandoned too many requests.
    abused: Notify,
}

struct State {
    waiting: Waiting,
    /// When `waiting` was set.
    since: Instant,
    /// The requests that were received and have no complete response: at most one in HTTP/1.1, several in HTTP/2.
    exchanges: Vec<Exchange>,
    /// The number of exchanges so far. It numbers the next one.
    begun: u64,
}

/// What a connection without a request waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The first byte of the first request.
    FirstByte,
    /// The rest of a head.
    Head,
    /// The first byte of another request.
    NextRequest,
}

/// A request whose head was received.
struct Exchange {
    number: u64,
    stage: Stage,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The body is incomplete.
    Body,
    /// The request was received as a whole.
    Whole,
    /// The client reads the response.
    Response,
}

impl Watch {
    /// Returns the state of a connection that was accepted at `now`.
    pub fn new(now: Instant) -> Self {
        let state = State { waiting: Waiting::FirstByte, since: now, exchanges: Vec::new(), begun: 0 };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            is_read: AtomicBool::new(false),
            whole: AtomicUsize::new(0),
            is_unsent: AtomicBool::new(false),
            completed: AtomicUsize::new(0),
            abandoned: AtomicUsize::new(0),
            abused: Notify::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that everything was read that had arrived so far.
    pub fn read(&self) {
        self.0.is_read.store(true, Ordering::Relaxed);
    }

    /// Records whether bytes were written that the client has not taken yet.
    pub fn set_unsent(&self, is_unsent: bool) {
        self.0.is_unsent.store(is_unsent, Ordering::Relaxed);
    }

    fn is_unsent(&self) -> bool {
        self.0.is_unsent.load(Ordering::Relaxed)
    }

    /// Returns whether everything was read that had arrived when the connection was accepted.
    pub fn is_read(&self) -> bool {
        self.0.is_read.load(Ordering::Relaxed)
    }

    /// Records that bytes arrived. `is_multiplexed` is whether the connection is HTTP/2, on which bytes between requests
    /// are not the head of a request. Returns whether the bytes begin a head.
    pub fn bytes_arrived(&self, now: Instant, is_multiplexed: bool) -> bool {
        let mut state = self.state();
        let begins = match state.waiting {
            Waiting::FirstByte => true,
            Waiting::NextRequest => !is_multiplexed,
            Waiting::Head => false,
        };
        let begins = begins && state.exchanges.is_empty();
        if begins {
            (state.waiting, state.since) = (Waiting::Head, now);
        }
        begins
    }

    /// Records that the head of a request arrived. `is_whole` is whether the request has no body. The request ends when the
    /// returned handle is dropped.
    pub fn begin(&self, now: Instant, is_whole: bool) -> Handle {
        let mut state = self.state();
        let number = state.begun;
        state.begun += 1;
        let stage = if is_whole { Stage::Whole } else { Stage::Body };
        state.exchanges.push(Exchange { number, stage, since: now });
        self.0.whole.fetch_add(usize::from(is_whole), Ordering::Relaxed);
        Handle { watch: self.clone(), number, is_counted: AtomicBool::new(false) }
    }

    /// Waits until the client has abandoned more than [`MAX_ABANDONED`] requests, and more than it has completed. An HTTP/2
    /// client that resets each request at once makes the server work without waiting for it (CVE-2023-44487, rapid reset).
    pub async fn is_abused(&self) {
        self.0.abused.notified().await;
    }

    /// Returns the number of requests that have no complete response.
    pub fn requests(&self) -> usize {
        self.state().exchanges.len()
    }

    /// Returns whether the connection may give way to another: it has no request that was received as a whole, or only requests
    /// whose response the client has not read for [`NOT_READING`].
    pub fn may_give_way(&self, now: Instant) -> bool {
        let is_read = |exchange: &Exchange| match exchange.stage {
            Stage::Body => true,
            Stage::Whole => false,
            Stage::Response => now.saturating_duration_since(exchange.since) >= NOT_READING,
        };
        self.0.whole.load(Ordering::Relaxed) == 0 || self.state().exchanges.iter().all(is_read)
    }

    /// Returns whether a part of a head has arrived, and not yet its end. Bytes that are written now are no response to a
    /// request, but the refusal of this head.
    pub fn is_within_a_head(&self) -> bool {
        let state = self.state();
        state.exchanges.is_empty() && state.waiting == Waiting::Head
    }

    /// Returns whether the connection must be closed at `now`.
    pub fn is_overdue(&self, now: Instant, timeouts: &Timeouts) -> bool {
        let state = self.state();
        if state.exchanges.is_empty() {
            let limit = match state.waiting {
                _ if self.is_unsent() => timeouts.body,
                Waiting::FirstByte | Waiting::Head => timeouts.head,
                Waiting::NextRequest => timeouts.idle,
            };
            return now.saturating_duration_since(state.since) >= limit;
        }
        state.exchanges.iter().any(|exchange| {
            let limit = match exchange.stage {
                Stage::Body => timeouts.body + AFTER_BODY,
                Stage::Whole => return false,
                Stage::Response => timeouts.body,
            };
            now.saturating_duration_since(exchange.since) >= limit
        })
    }

    /// Returns whether a server that is to stop closes the connection at `now`: it has no request, and did nothing for
    /// [`LINGER`].
    pub fn may_close(&self, now: Instant) -> bool {
        let state = self.state();
        let is_idle = state.exchanges.is_empty() && !self.is_unsent();
        is_idle && now.saturating_duration_since(state.since) >= LINGER
    }
}

/// A request of a connection, until its response was taken by the connection.
pub struct Handle {
    watch: Watch,
    number: u64,
    /// Whether the exchange was counted as completed or abandoned.
    is_counted: AtomicBool,
}

impl Handle {
    fn set(&self, now: Instant, stage: Stage) {
        let mut state = self.watch.state();
        if let Some(exchange) = state.exchanges.iter_mut().find(|exchange| exchange.number == self.number) {
            let becomes_whole = exchange.stage == Stage::Body && stage != Stage::Body;
            (exchange.stage, exchange.since) = (stage, now);
            self.watch.0.whole.fetch_add(usize::from(becomes_whole), Ordering::Relaxed);
        }
    }

    /// Records that the body of the request arrived as a whole. Has no effect if the response was begun before: a body that no
    /// guard reads may arrive after it.
    pub fn body_arrived(&self, now: Instant) {
        if self.stage() == Some(Stage::Body) {
            self.set(now, Stage::Whole);
        }
    }

    /// Returns whether the connection has no other request.
    pub fn is_alone(&self) -> bool {
        self.watch.requests() <= 1
    }

    fn stage(&self) -> Option<Stage> {
        let state = self.watch.state();
        state.exchanges.iter().find(|exchange| exchange.number == self.number).map(|exchange| exchange.stage)
    }

    /// Records that the connection took the whole response.
    pub fn completed(&self) {
        if !self.is_counted.swap(true, Ordering::Relaxed) {
            self.watch.0.completed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records that the connection has dropped the request before it took the whole response.
    pub fn abandoned(&self) {
        if self.is_counted.swap(true, Ordering::Relaxed) {
            return;
        }
        let Shared { completed, abandoned, abused, .. } = &*self.watch.0;
        if abandoned.fetch_add(1, Ordering::Relaxed) >= MAX_ABANDONED.max(completed.load(Ordering::Relaxed)) {
            abused.notify_one();
        }
    }

    /// Records that the connection waits for the application to create the next part of the response.
    pub fn response_awaited(&self, now: Instant) {
        self.set(now, Stage::Whole);
    }

    /// Records that the connection took a part of the response, the head first. Until it takes the next part, it waits for a
    /// client that does not read.
    pub fn response_taken(&self, now: Instant) {
        self.set(now, Stage::Response);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.abandoned();
        let mut state = self.watch.state();
        if let Some(at) = state.exchanges.iter().position(|exchange| exchange.number == self.number) {
            let was_whole = state.exchanges.swap_remove(at).stage != Stage::Body;
            self.watch.0.whole.fetch_sub(usize::from(was_whole), Ordering::Relaxed);
        }
        if state.exchanges.is_empty() {
            (state.waiting, state.since) = (Waiting::NextRequest, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts =
        Timeouts { head: Duration::from_secs(10), body: Duration::from_secs(20), idle: Duration::from_secs(75) };

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn each_part_of_a_request_has_its_time() {
        let start = Instant::now();
        let watch = Watch::new(start);
        let overdue = |seconds| watch.is_overdue(after(start, seconds), &TIMEOUTS);
        assert!(!overdue(9) && overdue(10), "the first byte");
        watch.bytes_arrived(after(start, 9), false);
        assert!(!overdue(18) && overdue(19), "the head, from its first byte");
        watch.bytes_arrived(after(start, 18), false);
        assert!(overdue(19), "a dribbled head has no more time");
        let request = watch.begin(after(start, 18), false);
        assert!(!overdue(39) && overdue(40), "the body");
        request.body_arrived(after(start, 30));
        assert!(!overdue(100_000), "a request that is handled has no limit");
        request.response_taken(after(start, 40));
        assert!(!overdue(59) && overdue(60), "a client that does not read");
        request.response_taken(after(start, 59));
        request.body_arrived(after(start, 59));
        assert!(!overdue(78) && overdue(79), "each part that is read gives more time");
        drop(request);
        let now = Instant::now();
        assert!(!watch.is_overdue(after(now, 74), &TIMEOUTS) && watch.is_overdue(after(now, 75), &TIMEOUTS), "idle");
    }

    #[test]
    fn a_client_that_abandons_most_of_its_requests_abuses_the_connection() {
        let is_abused = |completed: usize, abandoned: usize| {
            let watch = Watch::new(Instant::now());
            (0..completed).for_each(|_| watch.begin(Instant::now(), true).completed());
            (0..abandoned).for_each(|_| drop(watch.begin(Instant::now(), true)));
            let mut abused = std::pin::pin!(watch.is_abused());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            abused.as_mut().poll(&mut context).is_ready()
        };
        assert!(!is_abused(0, 20) && is_abused(0, 21) && !is_abused(100, 100) && is_abused(100, 101));
    }

    #[test]
    fn bytes_between_requests_are_a_head_in_http_1_only() {
        let start = Instant::now();
        for is_multiplexed in [false, true] {
            let watch = Watch::new(start);
            watch.bytes_arrived(start, is_multiplexed);
            drop(watch.begin(start, true));
            watch.bytes_arrived(after(start, 20), is_multiplexed);
            assert_eq!(watch.is_overdue(after(start, 40), &TIMEOUTS), !is_multiplexed);
        }
    }

    #[test]
    fn only_a_whole_request_keeps_a_connection_from_giving_way_and_any_request_from_closing_at_a_stop() {
        let start = Instant::now();
        let watch = Watch::new(start);
        assert!(watch.may_give_way(start) && !watch.may_close(start) && watch.may_close(after(start, 1)));
        let [first, second] = [false, true].map(|is_whole| watch.begin(start, is_whole));
        assert!(!watch.may_give_way(after(start, 9)) && !watch.may_close(after(start, 1)));
        drop(second);
        assert!(watch.may_give_way(start) && !watch.may_close(after(start, 1)));
        first.body_arrived(start);
        assert!(!watch.may_give_way(after(start, 9)));
        first.response_taken(start);
        assert!(!watch.may_give_way(start) && watch.may_give_way(after(start, 1)), "the client does not read");
        drop(first);
        assert!(!watch.is_within_a_head() && watch.may_close(after(Instant::now(), 1)));
        watch.bytes_arrived(start, false);
        assert!(watch.is_within_a_head());
        watch.set_unsent(true);
        assert!(!watch.may_close(after(Instant::now(), 1)), "the client has not taken the response");
    }
}
