//! Which routes and answers are ours, in an application that may be somebody else's.

use rocket::{Request, Route};

/// How much of the application is ours: managed state.
pub(super) struct Part {
    /// Whether it is all of it.
    pub(super) whole: bool,
}

/// Marks a route as one of ours, for the access log and the fairings.
pub(super) fn as_ours(mut route: Route) -> Route {
    route.name = Some(format!("{OURS}{}", route.name.as_deref().unwrap_or_default()).into());
    route
}

const OURS: &str = "vestibule::";

/// Whether a route is one of ours.
pub(super) fn is_ours(route: &Route) -> bool {
    route.name.as_deref().is_some_and(|name| name.starts_with(OURS))
}

/// Whether the answer to a request is ours to dress.
pub(super) fn concerns_us(request: &Request<'_>) -> bool {
    let whole = request.rocket().state::<Part>().is_some_and(|part| part.whole);
    whole || request.route().is_some_and(is_ours)
}
