//! Rocket. A handler parses, calls one flow and renders; who may call it stands in its signature. `routes` is the table of
//! endpoints, `embed` puts them up.

mod answer;
mod api;
mod app_state;
mod assets;
mod browser;
mod caching;
mod compat;
pub mod db;
mod embed;
pub mod errors;
mod fairings;
mod group;
pub mod guards;
mod oauth;
pub mod openapi;
mod own_routes;
mod pages;
mod request;
mod routes;

use rocket::{Build, Rocket, figment::Figment, shield::Shield};

pub(crate) use self::api::users::UserView;
pub use self::{app_state::AppState, embed::Embed, group::Group, guards::protected::protected, routes::endpoints};

/// Seconds that running requests get to finish after a signal to stop.
const GRACE: u32 = 10;

/// The server as a Rocket application. `figment` brings Rocket's own settings.
pub fn rocket(vestibule: &AppState, figment: Figment) -> Rocket<Build> {
    // Rocket's own headers; ours are in `headers`.
    rocket::custom(settings(figment)).attach(Shield::new()).attach(Embed::whole(vestibule))
}

/// Rocket's defaults, then what the operator set, then what must not be otherwise.
fn settings(figment: Figment) -> Figment {
    Figment::from(rocket::Config::release_default())
        .merge(("ident", false))
        .merge(("shutdown.grace", GRACE))
        .merge(("shutdown.mercy", 1))
        .merge(figment)
        // Anyone could send it: addresses come from `caller`.
        .merge(("ip_header", false))
        .merge(("cli_colors", false))
        .merge(("log_level", "off"))
}
