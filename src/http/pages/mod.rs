//! The pages for people. The response to a submitted form is a redirect (303), or the page again with the errors. The forms
//! need no script, with two exceptions: a sign-in if `fingerprint_policy` is `require`, and the refresh of a session that is
//! bound to a device. There a script reads the fingerprint.
//!
//! Each page has its own file. The texts are in `templates/texts.json`. `render` renders every page.

mod account;
mod account_forms;
mod account_names;
pub mod admin;
mod checks;
mod continue_page;
mod cookie_diagnostics;
mod devices;
mod ended;
mod failure;
mod form_token;
mod humanize;
mod link;
mod login;
mod logout;
mod page_response;
mod privacy;
mod redirect_loop;
mod register;
mod render;
mod setup;
mod signed_in;
mod submitted_form;
mod texts;

use rocket::{Route, routes};

use self::page_response::{ACCOUNT, PageResponse, with_parameters, with_query};
pub use self::{
    account::{account_page, export},
    account_forms::{change_password_form, delete_form, revoke_form, revoke_others_form, sign_out_form},
    account_names::change_names_form,
    continue_page::{continue_head, continue_to_next},
    failure::{WayOn, page as error_page, page_with as error_page_with, wants_page},
    link::{link_form, link_page},
    login::{login_form, login_page, start},
    logout::{change_password_address, logout_form, logout_form_with_refresh_cookie, logout_page},
    page_response::SeeOther,
    privacy::privacy_page,
    register::{register_form, register_page},
    render::Page,
    setup::{setup_form, setup_page},
    signed_in::redirect_of,
};

/// Returns the routes of the pages at the root, and of their forms.
pub fn routes() -> Vec<Route> {
    let mut routes = routes![
        start, login_page, login_form, register_page, register_form, account_page, export, sign_out_form, revoke_form,
        revoke_others_form, change_password_form, change_names_form, delete_form, privacy_page, logout_page,
        logout_form, change_password_address, link_page, link_form, setup_page, setup_form,
    ];
    // With an empty `base_path`, the API's `login` and `register` have the same paths. The routes of the pages come first and
    // forward every request that is not a form to the API.
    for route in &mut routes {
        route.rank = RANK;
    }
    routes
}

/// A rank that precedes all default ranks of Rocket, which are -12 to -1.
const RANK: isize = -20;
