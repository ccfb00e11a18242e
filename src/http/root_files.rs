//! The files for which browsers and crawlers look at the root of a host. Only the binary has them: the root of the host of an
//! application belongs to the application.

use rocket::{Route, get, http::ContentType, routes};

use super::{assets, pages::SeeOther};

/// Returns the routes, to be mounted at the root.
pub fn routes() -> Vec<Route> {
    routes![favicon, robots]
}

/// Redirects to the icon of the pages. A browser looks for it here if it shows something that is not a page.
#[get("/favicon.ico")]
pub fn favicon() -> SeeOther {
    SeeOther(assets::address("icon.svg").unwrap_or_default())
}

/// Tells crawlers to stay away: there is nothing here for a search.
#[get("/robots.txt")]
pub fn robots() -> (ContentType, &'static str) {
    (ContentType::Plain, "User-agent: *\nDisallow: /\n")
}
