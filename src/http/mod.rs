//! Rocket. A handler parses, calls one flow and renders; who may call it stands in its signature. This file is the table of
//! endpoints.

mod access_log;
mod assets;
mod background;
mod body;
mod caller;
mod cookies;
mod cors;
mod csrf;
pub mod db;
pub mod errors;
pub mod guards;
mod headers;
mod login;
mod methods;
pub mod openapi;
mod operation;
mod pages;
mod request_id;
mod sessions;
mod tokens;
mod users;
mod well_known;

use std::sync::Arc;

use rocket::{Build, Rocket, Route, catchers, fairing::AdHoc, figment::Figment, routes, shield::Shield};

pub(crate) use self::users::UserView;
use crate::flows::Vestibule;

/// The server behind the handlers.
pub type Shared = Arc<Vestibule>;

/// Seconds that running requests get to finish after a signal to stop.
const GRACE: u32 = 10;

/// Every endpoint: where it is mounted, and what is there.
pub fn endpoints(base_path: &str) -> Vec<(String, Vec<Route>)> {
    vec![
        (
            format!("{base_path}/"),
            routes![
                users::register,
                login::login,
                login::refresh,
                login::fresh,
                sessions::logout,
                sessions::logout_all,
                sessions::active_sessions,
                sessions::revoke_other_session,
                sessions::delete_session,
                sessions::logout_device,
                pages::go_on,
                pages::look,
            ],
        ),
        (
            "/users".to_owned(),
            routes![users::me, users::update_me, users::change_password, users::export_me, users::delete_me],
        ),
        ("/".to_owned(), routes![operation::health, openapi::openapi, well_known::jwks]),
        ("/".to_owned(), pages::routes()),
        ("/".to_owned(), routes![assets::asset, assets::asset_of_version]),
    ]
}

/// The server as a Rocket application. `figment` brings Rocket's own settings.
pub fn rocket(vestibule: Shared, figment: Figment) -> Rocket<Build> {
    let mut rocket = rocket::custom(settings(figment))
        .manage(db::Db::from(vestibule.store.clone()))
        // Ours are in `headers`.
        .attach(Shield::new())
        .attach(methods::AsSent)
        .attach(headers::Headers)
        .attach(cors::Cors)
        .attach(access_log::AccessLog)
        .attach(background::Background)
        .attach(AdHoc::on_ignite("methods that are not taken", |rocket| async move {
            let missing = methods::missing(rocket.routes());
            rocket.mount("/", missing)
        }))
        .register("/", catchers![errors::catch]);
    for (base, routes) in endpoints(&vestibule.config.web.base_path) {
        rocket = rocket.mount(base, routes);
    }
    rocket.manage(vestibule)
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
