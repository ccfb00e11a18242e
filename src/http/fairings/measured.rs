//! The metrics of requests: their number and their duration, by the route that handled them.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Instant,
};

use rocket::{
    Data, Orbit, Request, Response, Rocket,
    fairing::{Fairing, Info, Kind},
    http::Method,
};

use crate::{
    http::request::refusal::Refusal,
    memory::metrics::{Metrics, RequestMethod, RouteMetrics},
};

/// The name of the route for requests that no route has handled.
const UNMATCHED: &str = "unmatched";

/// A fairing that counts and measures every request. It must be attached last, to measure the other fairings too.
pub struct Measured {
    metrics: Arc<Metrics>,
    /// The metrics of each route, by the path with which it is mounted. Set when the server begins to listen.
    routes: OnceLock<HashMap<String, RouteMetrics>>,
    unmatched: RouteMetrics,
}

impl Measured {
    /// Returns a fairing that records into `metrics`.
    pub fn new(metrics: &Arc<Metrics>) -> Self {
        let unmatched = metrics.requests.of_route(UNMATCHED);
        Self { metrics: Arc::clone(metrics), routes: OnceLock::new(), unmatched }
    }
}

#[rocket::async_trait]
impl Fairing for Measured {
    fn info(&self) -> Info {
        Info { name: "metrics of requests", kind: Kind::Liftoff | Kind::Request | Kind::Response }
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let of = |path: &str| (path.to_owned(), self.metrics.requests.of_route(path));
        // The table is set once, because a server begins to listen once.
        self.routes.set(rocket.routes().map(|route| of(route.uri.path())).collect()).ok();
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        // The first call stores the time in the cache of the request. The access log uses the same time.
        request.local_cache(Instant::now);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let route = request.route().and_then(|route| self.routes.get()?.get(route.uri.path()));
        let (method, status) = match Refusal::of(request) {
            // The request is passed to Rocket with a method and a path of the server.
            Some(refusal) => (RequestMethod::Other, refusal.error().0.status()),
            None => (method(request.method()), response.status().code),
        };
        let took = request.local_cache(Instant::now).elapsed();
        self.metrics.requests.record(route.unwrap_or(&self.unmatched), method, status, took);
    }
}

fn method(method: Method) -> RequestMethod {
    match method {
        Method::Get => RequestMethod::Get,
        Method::Head => RequestMethod::Head,
        Method::Post => RequestMethod::Post,
        Method::Put => RequestMethod::Put,
        Method::Patch => RequestMethod::Patch,
        Method::Delete => RequestMethod::Delete,
        Method::Options => RequestMethod::Options,
        _ => RequestMethod::Other,
    }
}
