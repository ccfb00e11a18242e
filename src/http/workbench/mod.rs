//! The workbench of the profile `dev`: `/dev` and the demonstration at `/demo`. No other profile has these routes, and the gate
//! admits only programs on this machine, or those with the key of a start with `--allow-remote`.

mod actions;
mod demo;
mod gate;
mod next;
mod plan;
mod requests;
mod sessions;
mod traffic;

use std::collections::BTreeSet;

use rocket::{Build, Rocket, Route, routes};

use super::fairings::methods;

pub use self::{
    actions::Refill,
    gate::{Key, gated},
    plan::with_plans,
};

/// Returns the routes of the workbench. They must be mounted at the root, behind the gate.
pub fn routes() -> Vec<Route> {
    routes![
        requests::dev_page,
        requests::list_requests,
        next::list_plans,
        next::plan,
        next::clear_plans,
        sessions::list_sessions,
        sessions::end_session,
        actions::rotate_keys,
        actions::reset_data,
        demo::demo_page,
        demo::start,
        demo::compare,
        demo::show_session,
    ]
}

/// Adds the state of the workbench, and the fairing that records the requests.
pub fn attach(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket
        .manage(plan::Plans::default())
        .manage(actions::OneAtATime::default())
        .manage(traffic::Traffic::default())
        .attach(traffic::Record)
}

/// Returns the shapes of the paths of the workbench. The setting `base_path` may be `/dev`, so the beginning of a path does not
/// tell.
pub fn shapes() -> BTreeSet<String> {
    routes().iter().map(methods::shape).collect()
}
