//! The pages of the administration, at `/admin` and below `/admin/ui`. They call the same flows as the API beside them, and
//! need no script.
//!
//! A page requires the permission to read what it shows, and shows a form only to somebody who may send it. Each form is
//! addressed to the path of its page and the name of the form. `form` says what a form has to pass before its flow runs.

mod activity;
mod applications;
mod desk;
mod events;
mod form;
mod once;
mod overview;
mod people;
mod person;
mod person_forms;
mod refused;
mod roles;
mod server;
mod signed_in;

use rocket::{Route, routes};

pub(super) use self::desk::reads_anything;

/// Returns the routes of the pages and of their forms, to be mounted at `/admin`.
pub fn routes() -> Vec<Route> {
    routes![
        overview::overview,
        people::people,
        people::new_person,
        people::add_person,
        person::person,
        person_forms::change,
        person_forms::send_link,
        person_forms::sign_out,
        person_forms::end_session,
        person_forms::forget_device,
        person_forms::delete,
        signed_in::signed_in,
        roles::roles,
        roles::add_role,
        roles::role,
        roles::change_role,
        roles::delete_role,
        applications::applications,
        applications::add_application,
        applications::application,
        applications::change_application,
        applications::renew_secret_of,
        applications::delete_application,
        activity::activity,
        server::server,
        server::replace_key,
        server::replace_key_at_once,
        server::remove_key,
    ]
}
