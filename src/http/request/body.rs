//! JSON and form bodies. Size, media type, syntax and every field are checked. Each kind of failure has its own error code, and
//! all invalid fields are reported at once.

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

/// The maximum length of a field name that an error repeats, in bytes.
const MAX_SHOWN_NAME: usize = 64;

/// A value that is read from the fields of a JSON object or of a form.
pub trait FromFields: Sized {
    /// All fields that [`FromFields::read`] reads, except the shared ones. The API description lists them.
    const FIELDS: &'static [Field];

    /// Further fields, which several bodies share.
    const SHARED_FIELDS: &'static [Field] = &[];

    /// Reads the fields. Records every invalid field in `fields`, and then the result does not count. Returns `None` if the
    /// value can't be built.
    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self>;
}

/// A required JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// An optional JSON body.
#[derive(Debug)]
pub struct OptionalBody<T>(pub Option<T>);

/// A required form: `application/x-www-form-urlencoded`. Every field is a text. A field without a value counts as absent,
/// because an empty input of a page and an OAuth parameter without a value mean this (RFC 6749 §3.1).
#[derive(Debug)]
pub struct Form<T>(pub T);

/// A required JSON body or form, by its media type. It is for paths whose clients send either.
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

/// A request guard for requests whose body is a form by its media type. Other requests are forwarded to another route of the
/// path.
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

/// A body with any content, for endpoints that need no body. Only its size and the time of its arrival are checked.
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
    // The guards checked the token when only the headers had arrived.
    guards::check_again(request)?;
    if bytes.is_complete() { Ok(bytes.into_inner()) } else { Err(too_large()) }
}

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

fn parse_form<T: FromFields>(request: &Request<'_>, bytes: &[u8]) -> Result<T, ApiError> {
    if request.headers().get_one("Content-Type").is_none_or(|kind| essence(kind) != FORM) {
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, format!("Send the body as {FORM}.")));
    }
    read_fields(request, form_fields(bytes)?)
}

/// Returns the fields of a form. A name that occurs twice is an error, because two readers could use different values.
fn form_fields(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        // The parser replaces bytes that are not UTF-8 by this character. Two passwords must not become equal by that.
        if name.contains(char::REPLACEMENT_CHARACTER) || value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(ApiError::new(ErrorCode::MalformedRequest, "The form is not UTF-8."));
        }
        let value = if value.is_empty() { Value::Null } else { Value::String(value.into_owned()) };
        if object.insert(name.clone().into_owned(), value).is_some() {
            let is_plain =
                name.len() <= MAX_SHOWN_NAME && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
            let field = if is_plain { &name } else { "body" };
            return Err(ApiError::field(field, "is given more than once"));
        }
    }
    Ok(object)
}

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

/// Returns whether a media type is `application/json` or `application/…+json`, whatever its parameters (RFC 9110 §8.3.1).
fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Returns a media type in lower case, without its parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The fields of a body while they are read. Unknown fields are ignored.
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

    fn declaration(&self, name: &str) -> Option<&'static Field> {
        self.declared.iter().flat_map(|fields| fields.iter()).find(|field| field.name == name)
    }

    /// Returns whether the type that is read declares a field of this name.
    pub fn declares(&self, name: &str) -> bool {
        self.declaration(name).is_some()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        debug_assert!(self.declares(name), "the field {name} is read, but not declared");
        self.object.get(name)
    }

    /// Reads a required text. If it is absent or invalid, records the field as invalid and returns `None`.
    pub fn required<T, E: ToString>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        if self.is_absent(name) {
            self.refuse(name, "is required");
            return None;
        }
        self.text(name, parse)
    }

    /// Reads an optional text. Returns `None` if it is absent or null. If it is invalid, records that and returns `None`.
    pub fn optional<T, E: ToString>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        debug_assert!(
            self.declaration(name).is_some_and(|field| !field.is_required),
            "the field {name} is read as optional, but not declared so"
        );
        self.text(name, parse)
    }

    fn text<T, E: ToString>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        self.value(name, |value| match value {
            Value::String(text) => parse(text).map_err(|message| message.to_string()),
            _ => Err("must be a string".to_owned()),
        })
    }

    /// Reads a text that changes a stored value. Returns `None` if the field is absent, which leaves the value unchanged.
    /// Returns `Some(None)` if the field is null, which removes the value.
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

    /// Reads an optional value of any type, like [`Fields::optional`].
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

    /// Returns the text of a form's field as it was sent; empty if the field is absent.
    pub fn typed(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the invalid fields that were recorded, and removes them, for a form that is shown again with them.
    pub fn take_errors(&mut self) -> Vec<FieldError> {
        std::mem::take(&mut self.errors)
    }

    /// Records a field as invalid. Only the first message for a field is kept.
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
    fn a_field_that_is_not_declared_is_not_read() {
        fields().required("age", text);
    }

    #[test]
    #[should_panic(expected = "the field name is read as optional, but not declared so")]
    fn a_field_that_is_declared_as_required_is_not_read_as_optional() {
        fields().optional("name", text);
    }

    #[test]
    fn a_form_is_read_as_texts() {
        let fields = form_fields(b"username=ada+l&password=%C3%A9%26%3D&scope=&x").expect("a form");
        assert_eq!(fields["username"], "ada l");
        assert_eq!(fields["password"], "\u{e9}&=");
        // A field without a value is read as null.
        assert_eq!((&fields["scope"], &fields["x"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn a_name_given_twice_and_bytes_that_are_no_text_are_refused() {
        for form in [&b"a=1&b=2&a=1"[..], b"a=&a=", b"%61=1&a=2", b"a=%ff", b"%ff=1", b"a=\xff"] {
            assert!(form_fields(form).is_err(), "{form:?}");
        }
    }
}
