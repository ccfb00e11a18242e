//! The HTTP layer, on Rocket. A handler reads the request, calls one flow and renders the result. The guards in its signature
//! decide which requests reach it. `routes` is the table of endpoints; `embed` mounts them.

mod admin;
mod api;
mod app_state;
mod assets;
mod browser;
mod caching;
mod compat;
pub mod db;
#[cfg(feature = "docs")]
mod docs;
mod embed;
mod error_response;
pub mod errors;
mod fairings;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod group;
pub mod guards;
mod metrics;
mod oauth;
pub mod openapi;
mod own_routes;
mod pages;
mod request;
mod root_files;
mod routes;
mod server;
mod workbench;

use rocket::{Build, Rocket, figment::Figment, shield::Shield};

pub(crate) use self::{
    admin::{clients::ClientView, keys::KeyView},
    api::users::UserView,
    server::ask_health,
    workbench::{Key as WorkbenchKey, Refill},
};
pub use self::{
    app_state::AppState,
    embed::Embed,
    group::Group,
    guards::protected::protected,
    metrics::MetricsServer,
    routes::endpoints,
    server::{BindError, Front, LaunchError, Place, TlsError},
};

/// Returns the server as a Rocket application. `figment` contains the operator's settings for Rocket itself.
pub fn rocket(vestibule: &AppState, figment: Figment) -> Rocket<Build> {
    // `Shield` sets Rocket's own security headers; `fairings::headers` sets those of this server.
    rocket::custom(settings(figment)).attach(Shield::new()).attach(Embed::whole(vestibule))
}

/// Returns the settings of Rocket. A later value replaces an earlier one: first the defaults, then the values in `figment`,
/// then the values that an operator can't change.
fn settings(figment: Figment) -> Figment {
    Figment::from(rocket::Config::release_default())
        .merge(("ident", false))
        .merge(figment)
        // Rocket would take the client's address from this header, which any client could send. `request::caller` determines
        // the address instead.
        .merge(("ip_header", false))
        .merge(("cli_colors", false))
        // The server writes its own log (`access_log`).
        .merge(("log_level", "off"))
}
