//! JSON and form bodies. Size, media type, syntax and every field are checked. Each kind of failure has its own error code, and
//! all invalid fields of a body are reported at once.

use std::{convert::Infallible, time::Duration};

use rocket::{
    Request, State,
    data::{Data, FromData, Outcome, ToByteUnit},
    http::Status,
    request::{self, FromRequest},
    tokio::time::timeout,
};
use serde_json::{Map, Value};

use super::field::Field;
use crate::{
    flows::Vestibule,
    http::{
        app_state::AppState,
        errors::{ApiError, ErrorCode, FieldError, fail_data_guard},
        guards,
    },
};

/// The time within which the whole body must arrive.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The maximum size of a body, in KiB.
const LIMIT_KIB: u64 = 64;

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// The maximum length of a repeated field's name that an error quotes, in bytes.
const MAX_QUOTED_NAME: usize = 64;

/// A value that is read from the fields of a JSON object or of a form.
pub trait FromFields: Sized {
    /// All fields that [`FromFields::read`] reads, except [`FromFields::SHARED_FIELDS`]. The API description lists them.
    const FIELDS: &'static [Field];

    /// Further fields that `read` reads, which several bodies share.
    const SHARED_FIELDS: &'static [Field] = &[];

    /// Reads the fields and records every invalid field in `fields`. If there is an invalid field, the request is refused,
    /// whatever this function returns. Returns `None` if the value can't be built.
    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self>;
}

/// A required JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// An optional JSON body. An empty body is `None`, with any media type.
#[derive(Debug)]
pub struct OptionalBody<T>(pub Option<T>);

/// A required form: `application/x-www-form-urlencoded`. Every field is a text. A field without a value counts as absent,
/// because this is the meaning of an empty input of a page, and of an OAuth parameter without a value (RFC 6749 §3.1).
#[derive(Debug)]
pub struct Form<T>(pub T);

/// A required body that is a form or JSON. The media type decides. It is for paths that have clients of both kinds.
#[derive(Debug)]
pub struct JsonOrForm<T>(pub T);

#[rocket::async_trait]
impl<'r, T: FromFields> FromData<'r> for Body<T> {
    type Error = ApiError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self> {
        match read_body(request, data).await.and_then(|bytes| parse(request, &bytes)) {
            Ok(value) => Outcome::Success(Self(value)),
            Err(error) => fail_data_guard(request, error),
        }
    }
}

#[rocket::async_trait]
impl<'r, T: FromFields> FromData<'r> for Form<T> {
    type Error = ApiError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self> {
        match read_body(request, data).await.and_then(|bytes| parse_form(request, &bytes)) {
            Ok(value) => Outcome::Success(Self(value)),
            Err(error) => fail_data_guard(request, error),
        }
    }
}

#[rocket::async_trait]
impl<'r, T: FromFields> FromData<'r> for JsonOrForm<T> {
    type Error = ApiError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self> {
        let is_form = request.headers().get_one("Content-Type").is_some_and(|kind| essence(kind) == FORM);
        let parse = if is_form { parse_form } else { parse };
        match read_body(request, data).await.and_then(|bytes| parse(request, &bytes)) {
            Ok(value) => Outcome::Success(Self(value)),
            Err(error) => fail_data_guard(request, error),
        }
    }
}

/// A request guard for requests with the media type of a form. Other requests are forwarded to the next route of the path.
#[derive(Debug)]
pub struct IsForm;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for IsForm {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, Infallible> {
        if request.headers().get_one("Content-Type").is_some_and(|kind| essence(kind) == FORM) {
            request::Outcome::Success(Self)
        } else {
            request::Outcome::Forward(Status::UnsupportedMediaType)
        }
    }
}

#[rocket::async_trait]
impl<'r, T: FromFields> FromData<'r> for OptionalBody<T> {
    type Error = ApiError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self> {
        let read = read_body(request, data).await;
        let parsed = read.and_then(|bytes| if bytes.is_empty() { Ok(None) } else { parse(request, &bytes).map(Some) });
        match parsed {
            Ok(value) => Outcome::Success(Self(value)),
            Err(error) => fail_data_guard(request, error),
        }
    }
}

/// A body with any content, for endpoints that need no body. Only its size and the time that it needs to arrive are checked.
#[derive(Debug)]
pub struct IgnoredBody;

#[rocket::async_trait]
impl<'r> FromData<'r> for IgnoredBody {
    type Error = ApiError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self> {
        match read_body(request, data).await {
            Ok(_) => Outcome::Success(Self),
            Err(error) => fail_data_guard(request, error),
        }
    }
}

/// Reads the body. Fails if it is larger than [`LIMIT_KIB`] or does not arrive within [`TIME_LIMIT`].
async fn read_body(request: &Request<'_>, data: Data<'_>) -> Result<Vec<u8>, ApiError> {
    let too_large = || ApiError::new(ErrorCode::PayloadTooLarge, format!("The body is larger than {LIMIT_KIB} KiB."));
    let announced = request.headers().get_one("Content-Length").and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LIMIT_KIB * 1024) {
        return Err(too_large());
    }
    let read = timeout(TIME_LIMIT, data.open(LIMIT_KIB.kibibytes()).into_bytes()).await;
    let read =
        read.map_err(|_| ApiError::new(ErrorCode::MalformedRequest, "The body did not arrive within 10 seconds."))?;
    let bytes = read.map_err(|_| {
        ApiError::new(ErrorCode::MalformedRequest, "The connection ended before the whole body arrived.")
    })?;
    // The guards checked the token when only the headers had arrived. It may have expired or been revoked since then.
    guards::check_again(request)?;
    if bytes.is_complete() { Ok(bytes.into_inner()) } else { Err(too_large()) }
}

/// Reads the fields of a JSON body. Fails if the media type is not JSON, or if the body is not a JSON object.
fn parse<T: FromFields>(request: &Request<'_>, bytes: &[u8]) -> Result<T, ApiError> {
    if !request.headers().get_one("Content-Type").is_some_and(is_json) {
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, "Send the body as application/json."));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        ApiError::new(ErrorCode::MalformedJson, format!("The body is not JSON: the error is at {place}."))
    })?;
    let Value::Object(object) = value else {
        return Err(ApiError::field("body", "must be a JSON object"));
    };
    read_fields(request, object)
}

/// Reads the fields of a form. Fails if the media type is not [`FORM`].
fn parse_form<T: FromFields>(request: &Request<'_>, bytes: &[u8]) -> Result<T, ApiError> {
    if request.headers().get_one("Content-Type").is_none_or(|kind| essence(kind) != FORM) {
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, format!("Send the body as {FORM}.")));
    }
    read_fields(request, form_fields(bytes)?)
}

/// Returns the fields of a form. A field without a value is null. A name that occurs twice is an error, because two programs
/// could use different values of the field.
fn form_fields(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        // The parser replaces bytes that are not UTF-8 by this character. Two different passwords could become equal by this,
        // so the form is refused.
        if name.contains(char::REPLACEMENT_CHARACTER) || value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(ApiError::new(ErrorCode::MalformedRequest, "The form is not UTF-8."));
        }
        let value = if value.is_empty() { Value::Null } else { Value::String(value.into_owned()) };
        if object.insert(name.clone().into_owned(), value).is_some() {
            let is_plain =
                name.len() <= MAX_QUOTED_NAME && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
            let field = if is_plain { &name } else { "body" };
            return Err(ApiError::field(field, "is given more than once"));
        }
    }
    Ok(object)
}

/// Builds a value from the fields of a body. Fails with all invalid fields.
fn read_fields<T: FromFields>(request: &Request<'_>, object: Map<String, Value>) -> Result<T, ApiError> {
    let vestibule: &State<AppState> = State::get(request.rocket())
        .ok_or_else(|| ApiError::new(ErrorCode::InternalError, "Vestibule is not part of this Rocket application."))?;
    let mut fields = Fields::of::<T>(object);
    let parsed = T::read(&mut fields, vestibule);
    match parsed {
        Some(parsed) if fields.errors.is_empty() => Ok(parsed),
        _ => Err(ApiError::fields(fields.errors)),
    }
}

/// Returns whether a media type is `application/json` or `application/…+json`. Its parameters are ignored (RFC 9110 §8.3.1).
fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Returns a media type in lower case, without its parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The fields of a body while they are read. Fields that are not declared are ignored.
#[derive(Debug)]
pub struct Fields {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
    declared: [&'static [Field]; 2],
}

impl Fields {
    fn of<T: FromFields>(object: Map<String, Value>) -> Self {
        Self { object, errors: Vec::new(), declared: [T::FIELDS, T::SHARED_FIELDS] }
    }

    /// Returns the declaration of a field; `None` if the type that is read does not declare it.
    fn declaration(&self, name: &str) -> Option<&'static Field> {
        self.declared.iter().flat_map(|fields| fields.iter()).find(|field| field.name == name)
    }

    /// Returns whether the type that is read declares a field of this name.
    pub fn declares(&self, name: &str) -> bool {
        self.declaration(name).is_some()
    }

    /// Returns the value of a declared field; `None` if the field is absent.
    fn get(&self, name: &str) -> Option<&Value> {
        debug_assert!(self.declares(name), "the field {name} is read, but not declared");
        self.object.get(name)
    }

    /// Reads a required text. If it is absent, null or invalid, records the field as invalid and returns `None`.
    pub fn required<T, E: ToString>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        if self.is_absent(name) {
            self.refuse(name, "is required");
            return None;
        }
        self.text(name, parse)
    }

    /// Reads an optional text. Returns `None` if it is absent, null or invalid. An invalid field is recorded.
    pub fn optional<T, E: ToString>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        debug_assert!(
            self.declaration(name).is_some_and(|field| !field.is_required),
            "the field {name} is read as optional, but not declared so"
        );
        self.text(name, parse)
    }

    /// Reads a text. Records a value of another type as invalid.
    fn text<T, E: ToString>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        self.value(name, |value| match value {
            Value::String(text) => parse(text).map_err(|message| message.to_string()),
            _ => Err("must be a string".to_owned()),
        })
    }

    /// Reads a text that changes a stored value. Returns `None` if the field is absent, which keeps the value, or if the field
    /// is invalid, which is recorded. Returns `Some(None)` if the field is null, which removes the value.
    pub fn nullable<T, E: ToString>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.get(name) {
            None => None,
            Some(Value::Null) => Some(None),
            Some(_) => self.optional(name, parse).map(Some),
        }
    }

    /// Reads an optional value of any JSON type, like [`Fields::optional`].
    pub fn value<T, E: ToString>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, E>) -> Option<T> {
        let value = self.get(name).filter(|value| !value.is_null())?;
        match parse(value) {
            Ok(parsed) => Some(parsed),
            Err(message) => {
                self.refuse(name, message);
                None
            }
        }
    }

    /// Returns whether a field is absent or null.
    pub fn is_absent(&self, name: &str) -> bool {
        self.get(name).is_none_or(Value::is_null)
    }

    /// Returns the text of a form's field as it was sent. The text is empty if the field is absent.
    pub fn text_as_sent(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the recorded invalid fields, and removes them. It is for a form that is displayed again with its errors.
    pub fn take_errors(&mut self) -> Vec<FieldError> {
        std::mem::take(&mut self.errors)
    }

    /// Records a field as invalid. If the field is recorded already, its first message is kept.
    pub fn refuse(&mut self, field: &str, message: impl ToString) {
        if self.errors.iter().all(|error| error.field != field) {
            self.errors.push(FieldError { field: field.to_owned(), message: message.to_string() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::field::{self, Kind};

    struct Declared;

    impl FromFields for Declared {
        const FIELDS: &'static [Field] =
            &[field::required("name", Kind::Opaque, "x"), field::optional("note", Kind::Opaque, "x")];

        fn read(_: &mut Fields, _: &Vestibule) -> Option<Self> {
            Some(Self)
        }
    }

    fn fields() -> Fields {
        Fields::of::<Declared>(Map::from_iter([("name".to_owned(), "ada".into()), ("age".to_owned(), "36".into())]))
    }

    fn text(text: &str) -> Result<String, &'static str> {
        Ok(text.to_owned())
    }

    #[test]
    fn declared_fields_are_read() {
        assert_eq!(fields().required("name", text).as_deref(), Some("ada"));
        assert_eq!(fields().optional("note", text), None);
    }

    #[test]
    #[should_panic(expected = "the field age is read, but not declared")]
    fn reading_an_undeclared_field_panics() {
        fields().required("age", text);
    }

    #[test]
    #[should_panic(expected = "the field name is read as optional, but not declared so")]
    fn reading_a_required_field_as_optional_panics() {
        fields().optional("name", text);
    }

    #[test]
    fn form_fields_are_decoded_and_empty_fields_are_null() {
        let fields = form_fields(b"username=ada+l&password=%C3%A9%26%3D&scope=&x").expect("a form");
        assert_eq!(fields["username"], "ada l");
        assert_eq!(fields["password"], "\u{e9}&=");
        // A field without a value is read as null.
        assert_eq!((&fields["scope"], &fields["x"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn repeated_names_and_bytes_that_are_not_utf_8_are_refused() {
        for form in [&b"a=1&b=2&a=1"[..], b"a=&a=", b"%61=1&a=2", b"a=%ff", b"%ff=1", b"a=\xff"] {
            assert!(form_fields(form).is_err(), "{form:?}");
        }
    }
}
