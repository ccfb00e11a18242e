//! Which routes and answers are ours, in an application that may be somebody else's.

use rocket::{Request, Route};

/// How much of the application is ours: managed state.
pub(super) struct Ownership {
    /// Whether it is all of it.
    pub(super) whole: bool,
}

/// Marks a route as one of ours, for the access log and the fairings.
pub(super) fn mark_own(mut route: Route) -> Route {
    route.name = Some(format!("{MARK}{}", route.name.as_deref().unwrap_or_default()).into());
    route
}

const MARK: &str = "vestibule::";

/// Whether a route is one of ours.
pub(super) fn is_own_route(route: &Route) -> bool {
    route.name.as_deref().is_some_and(|name| name.starts_with(MARK))
}

/// Whether the answer to a request is ours to dress.
pub(super) fn is_own_response(request: &Request<'_>) -> bool {
    let whole = request.rocket().state::<Ownership>().is_some_and(|part| part.whole);
    whole || request.route().is_some_and(is_own_route)
}
