//! The response of a page's handler: a page, or a redirect to another page.

use rocket::{
    Request, Response,
    http::{Header, Status},
    response::{self, Responder},
};

use super::render::Page;

/// A redirect to another address, which the browser requests with `GET` (303, RFC 9110 §15.4.4). The address is a path or a
/// normalised URL without control characters.
#[derive(Debug)]
pub struct SeeOther(pub String);

impl<'r> Responder<'r, 'static> for SeeOther {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Response::build().status(Status::SeeOther).header(Header::new("Location", self.0)).ok()
    }
}

/// A page, or a redirect to another page.
#[derive(rocket::Responder)]
pub enum PageResponse {
    /// The page.
    Page(Box<Page>),
    /// The redirect.
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

/// The page to which the browser is redirected if there is no other target.
pub(super) const ACCOUNT: &str = "/account";

/// Returns `path?name=value`. The value is percent-encoded as in a form.
pub(super) fn with_query(path: &str, name: &str, value: &str) -> String {
    with_parameters(path, [(name, value)])
}

/// Returns a path with the parameters whose value is not empty. The values are percent-encoded as in a form.
pub(super) fn with_parameters<'p>(path: &str, parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let set = parameters.into_iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(set).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
