//! The metrics of HTTP requests: their number by method, route and status, and their duration by route.
//!
//! A route is the path with which it is mounted, such as `/admin/users/<id>`, and never the path of a request. The counters of
//! a route are resolved at its first use. From then on a request takes no lock: it finds them in a map that is read without
//! locks, and adds to atomics.

use std::{sync::OnceLock, time::Duration};

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, Registry};

use super::{
    instruments::{self, histograms},
    labels::RequestMethod,
};

/// The bounds of the durations of requests, in seconds. A checked request takes less than a millisecond, and a login about as
/// long as a hash.
const BOUNDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of all routes.
pub struct Requests {
    total: IntCounterVec,
    durations: HistogramVec,
}

impl Requests {
    /// Creates the metrics in a registry.
    pub(super) fn new(registry: &Registry) -> Self {
        let total = "HTTP requests by method, mounted route and status.";
        let duration = "Time from the head of an HTTP request to the head of its response, by mounted route.";
        Self {
            total: instruments::counters(
                registry,
                "vestibule_http_requests_total",
                total,
                &["method", "route", "status"],
            ),
            durations: histograms(registry, "vestibule_http_request_duration_seconds", duration, &["route"], BOUNDS),
        }
    }

    /// Returns the metrics of a route. It has no time series before its first request. `route` is the path with which the
    /// route is mounted.
    pub fn of_route(&self, route: &str) -> RouteMetrics {
        RouteMetrics { route: route.to_owned(), duration: OnceLock::new(), by_status: papaya::HashMap::new() }
    }

    /// Records a request that a route has handled. `status` is the status code of the response.
    pub fn record(&self, of_route: &RouteMetrics, method: RequestMethod, status: u16, took: Duration) {
        let RouteMetrics { route, duration, by_status } = of_route;
        duration.get_or_init(|| self.durations.with_label_values(&[route])).observe(took.as_secs_f64());
        let counters = by_status.pin();
        let new = || self.total.with_label_values(&[method.as_str(), route.as_str(), status.to_string().as_str()]);
        counters.get_or_insert_with((method, status), new).inc();
    }
}

/// The metrics of one route.
pub struct RouteMetrics {
    route: String,
    duration: OnceLock<Histogram>,
    by_status: papaya::HashMap<(RequestMethod, u16), IntCounter>,
}
