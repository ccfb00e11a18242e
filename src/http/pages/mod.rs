//! Pages for people: small, ours, and complete without script. A form is posted and answered with 303, or with the page again
//! and what was wrong.
//!
//! One file for each page; the texts stand in `templates/texts.json`, and every page goes out through `render`.

mod account;
mod account_forms;
mod answer;
mod failure;
mod form_token;
mod going_on;
mod hops;
mod login;
mod privacy;
mod reach;
mod register;
mod render;
mod sent;
mod signed_in;
mod texts;
mod words;

use rocket::{Route, routes};

pub use self::{
    account::{account_page, export},
    account_forms::{change_password_form, delete_form, revoke_form, revoke_others_form, sign_out_form},
    answer::SeeOther,
    failure::{is_wanted, page as error_page},
    going_on::{go_on, look},
    login::{login_form, login_page, start},
    privacy::privacy_page,
    register::{register_form, register_page},
    signed_in::detour,
};
use self::{
    answer::{ACCOUNT, Answer, with_query},
    render::Page,
};

/// The pages that stand at the root, and the forms they post.
pub fn routes() -> Vec<Route> {
    let mut routes = routes![
        start,
        login_page,
        login_form,
        register_page,
        register_form,
        account_page,
        export,
        sign_out_form,
        revoke_form,
        revoke_others_form,
        change_password_form,
        delete_form,
        privacy_page,
    ];
    // With the base path `/`, the API's `login` and `register` are at the same paths. They take what is no form.
    for route in &mut routes {
        route.rank = RANK;
    }
    routes
}

/// Before every rank that Rocket gives by itself.
const RANK: isize = -20;
