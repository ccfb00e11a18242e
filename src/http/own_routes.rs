//! The distinction between Vestibule's own routes and the other routes of an application. The name of an own route begins with
//! a mark.

use rocket::{Request, Route, route::Handler};

/// The share of the application that is Vestibule's own, as Rocket's managed state.
pub(super) struct Ownership {
    /// Whether the whole application is Vestibule's own, as in the binary.
    pub(super) whole: bool,
}

/// Returns the route with the mark of Vestibule's own routes in its name.
pub(super) fn mark_own(mut route: Route) -> Route {
    route.name = Some(format!("{MARK}{}", route.name.as_deref().unwrap_or_default()).into());
    route
}

/// Replaces the handler of each route by one that wraps it.
pub(super) fn wrapped<H: Handler>(
    routes: impl IntoIterator<Item = Route>,
    wrap: impl Fn(Box<dyn Handler>) -> H,
) -> Vec<Route> {
    let wrap = |mut route: Route| {
        route.handler = Box::new(wrap(route.handler));
        route
    };
    routes.into_iter().map(wrap).collect()
}

/// Returns whether a path is `base` or below it.
pub(super) fn is_below(base: &str, path: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The mark at the beginning of a route's name.
const MARK: &str = "vestibule::";

/// Returns whether a route is Vestibule's own.
pub(super) fn is_own_route(route: &Route) -> bool {
    route.name.as_deref().is_some_and(|name| name.starts_with(MARK))
}

/// Returns whether Vestibule's fairings set headers on the response to `request` and log it. This is so if the matched route is
/// Vestibule's own, or if the whole application is. `false` if no route matched in another application.
pub(super) fn is_own_response(request: &Request<'_>) -> bool {
    let whole = request.rocket().state::<Ownership>().is_some_and(|part| part.whole);
    whole || request.route().is_some_and(is_own_route)
}
