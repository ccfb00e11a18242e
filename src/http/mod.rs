//! Rocket. A handler parses, calls one flow and renders; who may call it stands in its signature. This file is the table of
//! endpoints.

mod access_log;
mod assets;
mod background;
mod body;
mod caller;
mod closed;
mod compat;
mod cookie_header;
mod cookies;
mod cors;
mod csrf;
pub mod db;
mod embed;
pub mod errors;
mod field;
mod forward_auth;
pub mod guards;
mod headers;
mod login;
mod methods;
mod oauth;
pub mod openapi;
mod operation;
mod pages;
mod renewal;
mod request_id;
mod sessions;
mod tokens;
mod users;
mod well_known;

use std::sync::Arc;

use rocket::{Build, Rocket, Route, figment::Figment, routes, shield::Shield};

pub(crate) use self::users::UserView;
pub use self::{
    closed::closed,
    embed::{Embed, Group},
};
use crate::flows::Vestibule;

/// The server behind the handlers.
pub type Shared = Arc<Vestibule>;

/// Seconds that running requests get to finish after a signal to stop.
const GRACE: u32 = 10;

/// Every endpoint: what it belongs to, where it is mounted, and what is there.
pub fn endpoints(base_path: &str) -> Vec<(Group, String, Vec<Route>)> {
    // Where the two are one path, it is mounted once.
    let root_token = if base_path.is_empty() { vec![] } else { routes![oauth::token::root_token] };
    vec![
        (
            Group::Sessions,
            format!("{base_path}/"),
            routes![
                login::login,
                login::refresh,
                login::fresh,
                sessions::logout,
                sessions::logout_all,
                sessions::active_sessions,
                sessions::revoke_other_session,
                sessions::delete_session,
                sessions::logout_device,
            ],
        ),
        (
            Group::OAuth,
            format!("{base_path}/"),
            routes![oauth::token::token, oauth::revoke::revoke, oauth::introspect::introspect],
        ),
        (Group::OAuth, "/".to_owned(), root_token),
        (Group::Sessions, format!("{base_path}/"), routes![users::register]),
        (
            Group::Users,
            "/users".to_owned(),
            routes![users::me, users::update_me, users::change_password, users::export_me, users::delete_me],
        ),
        (Group::ForwardAuth, format!("{base_path}/"), routes![forward_auth::verify]),
        (Group::WellKnown, "/".to_owned(), routes![well_known::jwks, oauth::metadata::metadata]),
        (Group::Operation, "/".to_owned(), routes![operation::health, openapi::openapi]),
        (Group::Pages, format!("{base_path}/"), routes![pages::go_on, pages::look]),
        (Group::Pages, "/".to_owned(), pages::routes()),
        (Group::Pages, "/".to_owned(), routes![assets::asset, assets::asset_of_version]),
    ]
}

/// The server as a Rocket application. `figment` brings Rocket's own settings.
pub fn rocket(vestibule: &Shared, figment: Figment) -> Rocket<Build> {
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
