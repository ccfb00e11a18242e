//! The answers that a developer has planned: the next requests are delayed, or refused as the server would refuse them on a
//! bad day. So a front end can be tried against each refusal.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::http::{
    errors::{ApiError, ErrorCode, Reason},
    own_routes::{is_below, wrapped},
};
use rocket::{
    Data, Request, Route, async_trait,
    http::Method,
    route::{Handler, Outcome},
    tokio,
};

/// The maximum number of plans that wait at a time.
pub const MAX_PLANS: usize = 100;

/// A planned answer.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The error of the answer; `None` if the request is only delayed.
    pub code: Option<ErrorCode>,
    /// The value of `Retry-After` in seconds; `None` omits it.
    pub retry_after: Option<u32>,
    /// Milliseconds before the answer.
    pub delay_ms: u32,
    /// The number of requests that still get this answer.
    pub times: u32,
    /// The path of the requests, or the beginning of their path if it ends in `*`. `None` for all.
    pub path: Option<String>,
}

impl Planned {
    /// Returns whether the plan is for requests to this path.
    fn covers(&self, path: &str) -> bool {
        self.path.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == wanted,
        })
    }
}

/// The plans that wait, the oldest first, as Rocket's managed state.
#[derive(Default)]
pub struct Plans(Mutex<VecDeque<Planned>>);

impl Plans {
    /// Returns the plans, locked.
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Planned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a plan. Returns `false` if too many wait.
    pub fn add(&self, planned: Planned) -> bool {
        let mut waiting = self.waiting();
        let has_room = waiting.len() < MAX_PLANS;
        if has_room {
            waiting.push_back(planned);
        }
        has_room
    }

    /// Returns the plans that wait.
    pub fn list(&self) -> Vec<Planned> {
        self.waiting().iter().cloned().collect()
    }

    /// Removes all plans.
    pub fn clear(&self) {
        self.waiting().clear();
    }

    /// Returns the answer for a request to this path, and counts it. `None` if there is no plan for it.
    fn take(&self, path: &str) -> Option<Planned> {
        let mut waiting = self.waiting();
        let at = waiting.iter().position(|planned| planned.covers(path))?;
        waiting[at].times -= 1;
        if waiting[at].times == 0 { waiting.remove(at) } else { Some(waiting[at].clone()) }
    }
}

/// The paths of files, which no plan is for: the page of the workbench itself loads some.
const FILES: [&str; 3] = ["/static", "/docs", "/favicon.ico"];

/// Returns the reason that a refusal of a token has.
fn reason_of(code: ErrorCode) -> Option<Reason> {
    match code {
        ErrorCode::TokenExpired => Some(Reason::Expired),
        ErrorCode::TokenRevoked => Some(Reason::Revoked),
        ErrorCode::RefreshReused => Some(Reason::Reused),
        ErrorCode::DeviceMismatch => Some(Reason::Device),
        _ => None,
    }
}

/// Wraps routes so that planned answers precede their own.
pub fn with_plans(routes: Vec<Route>) -> Vec<Route> {
    wrapped(routes, WithPlans)
}

/// The mark in a request that got a planned answer.
#[derive(Default)]
pub struct IsPlanned(pub AtomicBool);

/// The handler of a wrapped route.
#[derive(Clone)]
struct WithPlans(Box<dyn Handler>);

#[async_trait]
impl Handler for WithPlans {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        // A browser asks with `OPTIONS` before the request of a developer. That question is not what was planned for.
        let is_file = FILES.iter().any(|base| is_below(base, request.uri().path().as_str()));
        let plans = request.rocket().state::<Plans>().filter(|_| request.method() != Method::Options && !is_file);
        let is_repeated = request.local_cache(IsPlanned::default).0.load(Ordering::Relaxed);
        let planned = plans.filter(|_| !is_repeated).and_then(|plans| plans.take(request.uri().path().as_str()));
        let Some(planned) = planned else { return self.0.handle(request, data).await };
        request.local_cache(IsPlanned::default).0.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(planned.delay_ms.into())).await;
        let Some(code) = planned.code else { return self.0.handle(request, data).await };
        let detail = "This answer was planned at /dev/next.";
        let error = match planned.retry_after {
            Some(seconds) => ApiError::busy(code, detail, seconds.into()),
            None => ApiError::new(code, detail),
        };
        let error = match reason_of(code) {
            Some(reason) => error.with_reason(reason),
            None => error,
        };
        Outcome::from(request, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(path: Option<&str>, times: u32) -> Planned {
        let path = path.map(str::to_owned);
        Planned { code: Some(ErrorCode::Overloaded), retry_after: None, delay_ms: 0, times, path }
    }

    #[test]
    fn a_plan_is_taken_as_often_as_it_says_by_the_paths_that_it_covers() {
        let plans = Plans::default();
        assert!(plans.add(planned(Some("/auth/refresh"), 2)) && plans.add(planned(Some("/users/*"), 1)));
        assert!(plans.take("/auth/refresh/").is_none() && plans.take("/auth/login").is_none());
        assert!(plans.take("/auth/refresh").is_some() && plans.take("/users/me").is_some());
        assert!(plans.take("/users/me").is_none());
        assert!(plans.take("/auth/refresh").is_some() && plans.take("/auth/refresh").is_none());
        assert!(plans.list().is_empty());
    }

    #[test]
    fn the_number_of_plans_is_bounded() {
        let plans = Plans::default();
        assert!((0..MAX_PLANS).all(|_| plans.add(planned(None, 1))));
        assert!(!plans.add(planned(None, 1)));
        plans.clear();
        assert!(plans.add(planned(None, 1)));
    }
}
