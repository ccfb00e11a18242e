//! The responses to methods that a path does not support. Rocket itself would respond 404. Therefore each path gets additional
//! routes for the methods that it does not support. They respond 405 with `Allow` (RFC 9110 §15.5.6). `OPTIONS` gets a 204 with
//! `Allow`, which a CORS preflight needs.

use std::collections::{BTreeMap, BTreeSet};

use rocket::{
    Data, Request, Response, Route,
    http::{Header, Method, Status},
    route::{Handler, Outcome},
};

use crate::http::errors::ApiError;

/// The rank of the additional routes of a path without parameters. Rocket tries a smaller rank first, so every other route
/// precedes them.
const LAST_RANK: isize = 1_000;

/// All methods that Rocket knows.
const METHODS: [Method; 9] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Options,
    Method::Trace,
    Method::Connect,
];

/// Returns the additional routes. Only the paths of the routes for which `is_own` returns true get them, but the methods of all
/// `routes` count as supported.
pub fn missing<'r>(routes: impl Iterator<Item = &'r Route>, is_own: impl Fn(&Route) -> bool) -> Vec<Route> {
    let mut supported: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    let mut our_paths = BTreeSet::new();
    for route in routes {
        if is_own(route) {
            our_paths.insert(shape(route));
        }
        let methods = supported.entry(shape(route)).or_default();
        methods.insert(route.method.as_str());
        // Rocket responds to `HEAD` with the route of `GET`.
        if route.method == Method::Get {
            methods.insert(Method::Head.as_str());
        }
    }
    supported
        .into_iter()
        .filter(|(path, _)| our_paths.contains(path))
        .flat_map(|(path, mut methods)| {
            methods.insert(Method::Options.as_str());
            let allow = methods.iter().copied().collect::<Vec<_>>().join(", ");
            let lacking = METHODS
                .into_iter()
                .filter(move |method| *method == Method::Options || !methods.contains(method.as_str()));
            // Of two paths that match a request, the one with fewer parameters precedes, as for Rocket's default ranks.
            let rank = LAST_RANK + path.split('/').filter(|segment| segment.starts_with('<')).count() as isize;
            lacking.map(move |method| Route::ranked(rank, method, &path, MethodNotAllowed { allow: allow.clone() }))
        })
        .collect()
}

/// Returns the path of a route with unnamed parameters. Routes whose paths differ only in the names of parameters have the same
/// shape.
pub fn shape(route: &Route) -> String {
    let segments = route.uri.path().split('/').enumerate();
    segments
        .map(|(at, segment)| if segment.starts_with('<') { format!("<_{at}>") } else { segment.to_owned() })
        .collect::<Vec<_>>()
        .join("/")
}

/// A handler that responds to `OPTIONS` with 204, and to every other method with 405.
#[derive(Clone)]
struct MethodNotAllowed {
    /// The value of the header `Allow`.
    allow: String,
}

#[rocket::async_trait]
impl Handler for MethodNotAllowed {
    async fn handle<'r>(&self, request: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
        if request.method() == Method::Options {
            let mut response = Response::build();
            response.status(Status::NoContent).header(Header::new("Allow", self.allow.clone()));
            return Outcome::Success(response.finalize());
        }
        Outcome::from(request, ApiError::method_not_allowed(&self.allow))
    }
}
