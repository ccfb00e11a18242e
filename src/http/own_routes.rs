//! The distinction between Vestibule's own routes and the other routes of the application.

use rocket::{Request, Route};

/// Vestibule's part of the application, as Rocket's managed state.
pub(super) struct Ownership {
    /// Whether the whole application is Vestibule's own, as in the binary.
    pub(super) whole: bool,
}

/// Marks a route as Vestibule's own, for the fairings.
pub(super) fn mark_own(mut route: Route) -> Route {
    route.name = Some(format!("{MARK}{}", route.name.as_deref().unwrap_or_default()).into());
    route
}

const MARK: &str = "vestibule::";

/// Returns whether a route is Vestibule's own.
pub(super) fn is_own_route(route: &Route) -> bool {
    route.name.as_deref().is_some_and(|name| name.starts_with(MARK))
}

/// Returns whether the fairings set headers on the response to `request` and log it.
pub(super) fn is_own_response(request: &Request<'_>) -> bool {
    let whole = request.rocket().state::<Ownership>().is_some_and(|part| part.whole);
    whole || request.route().is_some_and(is_own_route)
}
