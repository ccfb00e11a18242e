//! Pages for people: small, ours, and complete without script. A form is posted and answered with 303, or with the page again
//! and what was wrong.
//!
//! One file for each page; the texts stand in `templates/texts.json`, and every page goes out through `render`.

mod account;
mod account_forms;
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

use rocket::{
    Request, Response, Route,
    http::{Header, Status},
    response::{self, Responder},
    routes,
};

use self::render::Page;
pub use self::{
    account::{account_page, export},
    account_forms::{change_password_form, delete_form, revoke_form, revoke_others_form, sign_out_form},
    failure::{is_wanted, page as error_page},
    going_on::{go_on, look},
    login::{login_form, login_page, start},
    privacy::privacy_page,
    register::{register_form, register_page},
    signed_in::detour,
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

/// To another address, by `GET` (RFC 9110 §15.4.4). The address is a URL as a browser writes it, without control characters.
#[derive(Debug)]
pub struct SeeOther(pub String);

impl<'r> Responder<'r, 'static> for SeeOther {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Response::build().status(Status::SeeOther).header(Header::new("Location", self.0)).ok()
    }
}

/// A page, or the way to another one.
#[derive(rocket::Responder)]
pub enum Answer {
    /// To be read.
    Page(Box<Page>),
    /// To be followed.
    SeeOther(SeeOther),
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        Self::Page(Box::new(page))
    }
}

impl From<SeeOther> for Answer {
    fn from(see_other: SeeOther) -> Self {
        Self::SeeOther(see_other)
    }
}

/// Where people are sent when they said nothing else.
const ACCOUNT: &str = "/account";

/// `path?name=value`, the value encoded.
fn with_query(path: &str, name: &str, value: &str) -> String {
    let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{path}?{name}={value}")
}
