//! Routes that are closed unless somebody opened them: whoever has no valid access token gets no further, whatever guards the
//! handler names or forgets to name. Only paths that match an entry of `exclude_urls` without a host are open.
//!
//! Each handler is wrapped, so what is closed does not depend on a second reading of the path. What is open does: there a path
//! counts only if it matches as it stands, which is how Rocket reads it (`domain/exclusions.rs`).

use rocket::{
    Data, Request, Route, async_trait,
    route::{Handler, Outcome},
};

use crate::http::guards;

const MARK: &str = "closed::";

/// Closes routes.
///
/// ```no_run
/// use rocket::{get, routes};
/// use vestibule::{Embed, Vestibule, protected, config::Config};
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

/// The former name of [`protected`].
#[deprecated(since = "0.2.0", note = "renamed to `protected`")]
pub fn closed(routes: impl IntoIterator<Item = Route>) -> Vec<Route> {
    protected(routes)
}

/// Whether a route was closed.
pub(in crate::http) fn is_protected(route: &Route) -> bool {
    route.name.as_deref().is_some_and(|name| name.starts_with(MARK))
}

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
