//! The protection of routes. A protected route refuses requests without a valid access token, even if its handler names no
//! guard. Only paths that match an entry of `exclude_urls` without a host are open.
//!
//! [`protected`] wraps each handler, so the protection itself does not depend on the path. Only the exception does. Rocket does
//! not resolve dot segments in a path, so a path is open only if it matches both with and without its dot segments
//! (`domain/exclusions.rs`).

use rocket::{
    Data, Request, Route, async_trait,
    route::{Handler, Outcome},
};

use crate::http::guards;

/// The mark at the beginning of the name of a wrapped route.
const MARK: &str = "protected::";

/// Wraps routes so that they refuse requests without a valid access token (401), even if their handlers name no guard.
///
/// The guards of the handlers are kept. A route with [`MaybeAccessToken`](crate::MaybeAccessToken) needs a token here too.
/// Paths that match an entry of the setting `exclude_urls` without a host stay open to every client; an application adds
/// such a path to [`Config`](crate::config::Config), which has an example.
/// [`Embed::only_protected_routes`](crate::Embed::only_protected_routes) refuses the launch while a route is not wrapped.
///
/// ```no_run
/// use rocket::{get, routes};
/// use vestibule::{Embed, Vestibule, protected, config::Config};
///
/// #[get("/secret")]
/// fn secret() -> &'static str {
///     "only signed-in users read this"
/// }
///
/// # #[rocket::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let vestibule = Vestibule::open(Config::of_process()?).await?;
/// let rocket = rocket::build()
///     .attach(Embed::new(&vestibule).only_protected_routes())
///     .mount("/", protected(routes![secret]));
/// # Ok(())
/// # }
/// ```
pub fn protected(routes: impl IntoIterator<Item = Route>) -> Vec<Route> {
    let close = |mut route: Route| {
        route.name = Some(format!("{MARK}{}", route.name.as_deref().unwrap_or_default()).into());
        route.handler = Box::new(Protected(route.handler));
        route
    };
    routes.into_iter().map(close).collect()
}

/// Calls [`protected`], which is the new name of this function.
#[deprecated(since = "0.2.0", note = "renamed to `protected`")]
pub fn closed(routes: impl IntoIterator<Item = Route>) -> Vec<Route> {
    protected(routes)
}

/// Returns whether [`protected`] wrapped a route.
pub(in crate::http) fn is_protected(route: &Route) -> bool {
    route.name.as_deref().is_some_and(|name| name.starts_with(MARK))
}

/// The handler of a wrapped route.
#[derive(Clone)]
struct Protected(Box<dyn Handler>);

#[async_trait]
impl Handler for Protected {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match guards::admit(request) {
            Ok(()) => self.0.handle(request, data).await,
            Err(error) => Outcome::from(request, error),
        }
    }
}
