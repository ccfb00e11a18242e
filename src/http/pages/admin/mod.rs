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
        overview::overview_page,
        people::people_page,
        people::new_person_page,
        people::add_person_form,
        person::person_page,
        person_forms::change_person_form,
        person_forms::send_link_form,
        person_forms::sign_person_out_form,
        person_forms::end_session_form,
        person_forms::forget_device_form,
        person_forms::delete_person_form,
        signed_in::signed_in_page,
        roles::roles_page,
        roles::add_role_form,
        roles::role_page,
        roles::change_role_form,
        roles::delete_role_form,
        applications::applications_page,
        applications::add_application_form,
        applications::application_page,
        applications::change_application_form,
        applications::renew_secret_form,
        applications::delete_application_form,
        activity::activity_page,
        server::server_page,
        server::replace_key_form,
        server::replace_key_at_once_form,
        server::remove_key_form,
    ]
}
