//! Rocket answers 404 to a method that a path does not take. Here each path gets routes for the methods that it lacks: 405
//! with `Allow` (RFC 9110 §15.5.6), and an answer to `OPTIONS`, on which a CORS preflight rests.

use std::collections::{BTreeMap, BTreeSet};

use rocket::{
    Data, Request, Response, Route,
    fairing::{Fairing, Info, Kind},
    http::{Header, Method, Status},
    route::{Handler, Outcome},
};

use crate::http::errors::ApiError;

/// Behind every route that does something.
const LAST_RANK: isize = 1_000;

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

/// The routes for what `routes` do not take, on the paths of those that are `ours`.
pub fn missing<'r>(routes: impl Iterator<Item = &'r Route>, ours: impl Fn(&Route) -> bool) -> Vec<Route> {
    let mut taken: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    let mut our_paths = BTreeSet::new();
    for route in routes {
        if ours(route) {
            our_paths.insert(shape(route));
        }
        let methods = taken.entry(shape(route)).or_default();
        methods.insert(route.method.as_str());
        if route.method == Method::Get {
            methods.insert(Method::Head.as_str());
        }
    }
    taken
        .into_iter()
        .filter(|(path, _)| our_paths.contains(path))
        .flat_map(|(path, mut methods)| {
            methods.insert(Method::Options.as_str());
            let allow = methods.iter().copied().collect::<Vec<_>>().join(", ");
            let lacking = METHODS
                .into_iter()
                .filter(move |method| *method == Method::Options || !methods.contains(method.as_str()));
            lacking
                .map(move |method| Route::ranked(LAST_RANK, method, &path, MethodNotAllowed { allow: allow.clone() }))
        })
        .collect()
}

/// The path with its parameters unnamed, so that routes which differ only in their names are one path.
fn shape(route: &Route) -> String {
    let segments = route.uri.path().split('/').enumerate();
    segments
        .map(|(at, segment)| if segment.starts_with('<') { format!("<_{at}>") } else { segment.to_owned() })
        .collect::<Vec<_>>()
        .join("/")
}

#[derive(Clone)]
struct MethodNotAllowed {
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

/// Bytes in which Rocket looks for `_method=` and what it names.
const LONGEST_FIELD: usize = 32;

/// Rocket takes the method of a posted form from its field `_method`. Here a POST is a POST.
pub struct OriginalMethod;

#[rocket::async_trait]
impl Fairing for OriginalMethod {
    fn info(&self) -> Info {
        Info { name: "no method from a form", kind: Kind::Request }
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        let is_form = request.content_type().is_some_and(|kind| kind.is_form());
        if !is_form || request.method() == Method::Post {
            return;
        }
        let begin = data.peek(LONGEST_FIELD).await;
        let field = begin.strip_prefix(b"_method=").and_then(|rest| rest.split(|byte| *byte == b'&').next());
        let named = field.and_then(|value| std::str::from_utf8(value).ok()).and_then(|value| value.parse().ok());
        if named == Some(request.method()) {
            // Whether it is a POST that would be read, or a request to read with a body that says so, can't be told: no path takes it.
            let reads = matches!(request.method(), Method::Get | Method::Head);
            request.set_method(if reads { Method::Trace } else { Method::Post });
        }
    }
}
