//! What a page answers: itself, or the way to another one.

use rocket::{
    Request, Response,
    http::{Header, Status},
    response::{self, Responder},
};

use super::render::Page;

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
pub enum PageResponse {
    /// To be read.
    Page(Box<Page>),
    /// To be followed.
    SeeOther(SeeOther),
}

impl From<Page> for PageResponse {
    fn from(page: Page) -> Self {
        Self::Page(Box::new(page))
    }
}

impl From<SeeOther> for PageResponse {
    fn from(see_other: SeeOther) -> Self {
        Self::SeeOther(see_other)
    }
}

/// Where people are sent when they said nothing else.
pub(super) const ACCOUNT: &str = "/account";

/// `path?name=value`, the value encoded.
pub(super) fn with_query(path: &str, name: &str, value: &str) -> String {
    let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{path}?{name}={value}")
}
