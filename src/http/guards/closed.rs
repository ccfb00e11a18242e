//! Routes that are closed unless somebody opened them: whoever has no valid access token gets no further, whatever guards the
//! handler names or forgets to name. Only paths that match an entry of `exclude_urls` without a host are open.
//!
//! Each handler is wrapped, so what is closed does not depend on a second reading of the path. What is open does: there a path
//! counts only if it matches as it stands, which is how Rocket reads it (`domain/excluded.rs`).

use rocket::{
    Data, Request, Route, async_trait,
    route::{Handler, Outcome},
};

use crate::http::guards;

const CLOSED: &str = "closed::";

/// Closes routes.
///
/// ```no_run
/// use rocket::{get, routes};
/// use vestibule::{Embed, Vestibule, closed, config::Config};
///
/// #[get("/secret")]
/// fn secret() -> &'static str {
///     "whoever reads this is signed in"
/// }
///
/// # #[rocket::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let vestibule = Vestibule::open(Config::of_process()?).await?;
/// let rocket = rocket::build()
///     .attach(Embed::new(&vestibule).only_closed_routes())
///     .mount("/", closed(routes![secret]));
/// # Ok(())
/// # }
/// ```
pub fn closed(routes: impl IntoIterator<Item = Route>) -> Vec<Route> {
    let close = |mut route: Route| {
        route.name = Some(format!("{CLOSED}{}", route.name.as_deref().unwrap_or_default()).into());
        route.handler = Box::new(Closed(route.handler));
        route
    };
    routes.into_iter().map(close).collect()
}

/// Whether a route was closed.
pub(in crate::http) fn is_closed(route: &Route) -> bool {
    route.name.as_deref().is_some_and(|name| name.starts_with(CLOSED))
}

#[derive(Clone)]
struct Closed(Box<dyn Handler>);

#[async_trait]
impl Handler for Closed {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match guards::admit(request) {
            Ok(()) => self.0.handle(request, data).await,
            Err(error) => Outcome::from(request, error),
        }
    }
}
