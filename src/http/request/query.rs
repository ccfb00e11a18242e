//! The query of a request, as fields.

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{
    body::{form_fields, read_fields},
    fields::FromFields,
};
use crate::http::errors::{ApiError, guard_outcome};

/// The fields of the query. A parameter without a value counts as absent, and an unknown one is ignored. A repeated or invalid
/// parameter is refused with 422.
#[derive(Debug)]
pub struct Query<T>(pub T);

#[rocket::async_trait]
impl<'r, T: FromFields> FromRequest<'r> for Query<T> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let text = request.uri().query().map_or("", |query| query.as_str());
        let read = form_fields(text.as_bytes(), |_| None).and_then(|fields| read_fields(request, fields));
        guard_outcome(request, read.map(Self))
    }
}
