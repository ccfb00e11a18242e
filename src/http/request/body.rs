//! JSON and form bodies. Size, media type, syntax and every field are checked. Each kind of failure has its own error code, and
//! all invalid fields of a body are reported at once.

use std::convert::Infallible;

use http_body_util::BodyExt as _;
use rocket::{
    Request, State,
    data::{Data, FromData, Outcome, ToByteUnit},
    http::Status,
    request::{self, FromRequest},
    tokio::time::timeout,
};
use serde_json::{Map, Value};

pub use super::fields::{Fields, FromFields};
use super::{arriving_body, field::Kind};
use crate::{
    domain::unique_json::UniqueJson,
    http::{
        app_state::{AppState, app_state},
        errors::{ApiError, ErrorCode, fail_data_guard},
        guards,
    },
};

/// The maximum size of a body, in KiB.
const LIMIT_KIB: u64 = 64;

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// The maximum length of a repeated field's name that an error quotes, in bytes.
const MAX_QUOTED_NAME: usize = 64;

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

/// Reads the body. Fails if it is larger than [`LIMIT_KIB`], has a content coding, or does not arrive within `body_timeout`.
async fn read_body(request: &Request<'_>, data: Data<'_>) -> Result<Vec<u8>, ApiError> {
    let too_large = || ApiError::new(ErrorCode::PayloadTooLarge, format!("The body is larger than {LIMIT_KIB} KiB."));
    let announced = request.headers().get_one("Content-Length").and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LIMIT_KIB * 1024) {
        return Err(too_large());
    }
    if let Some(coding) = content_coding(request) {
        return Err(ApiError::content_coding(&coding));
    }
    let limit = app_state(request)?.config.connections.body_timeout;
    let read = timeout(limit.into(), read_bytes(request, data))
        .await
        .map_err(|_| ApiError::new(ErrorCode::MalformedRequest, format!("The body did not arrive within {limit}.")))?;
    let bytes = read.map_err(|()| {
        ApiError::new(ErrorCode::MalformedRequest, "The connection ended before the whole body arrived.")
    })?;
    // The guards checked the token when only the headers had arrived. It may have expired or been revoked since then.
    guards::check_again(request)?;
    bytes.ok_or_else(too_large)
}

/// Returns the bytes of the body; `None` if there are more than [`LIMIT_KIB`]. Fails if the connection ends before.
async fn read_bytes(request: &Request<'_>, data: Data<'_>) -> Result<Option<Vec<u8>>, ()> {
    let Some(mut arriving) = arriving_body::take(request) else {
        let read = data.open(LIMIT_KIB.kibibytes()).into_bytes().await.map_err(|_| ())?;
        return Ok(read.is_complete().then(|| read.into_inner()));
    };
    let mut bytes = Vec::new();
    while let Some(frame) = arriving.frame().await {
        // Other frames are trailers, which no endpoint uses.
        if let Ok(chunk) = frame.map_err(|_| ())?.into_data() {
            if (bytes.len() + chunk.len()) as u64 > LIMIT_KIB * 1024 {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok(Some(bytes))
}

/// Returns the first content coding of the body (RFC 9110 §8.4). Returns `None` for `identity`, which is no coding.
fn content_coding(request: &Request<'_>) -> Option<String> {
    let codings = request.headers().get("Content-Encoding").flat_map(|list| list.split(','));
    let mut codings = codings.map(|coding| coding.trim().to_ascii_lowercase());
    codings.find(|coding| !coding.is_empty() && coding != "identity").map(|coding| coding.escape_debug().to_string())
}

/// Reads the fields of a JSON body. Fails if the media type is not JSON, or if the body is not a JSON object.
fn parse<T: FromFields>(request: &Request<'_>, bytes: &[u8]) -> Result<T, ApiError> {
    if !request.headers().get_one("Content-Type").is_some_and(is_json) {
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, "Send the body as application/json."));
    }
    read_fields(request, json_object(bytes)?)
}

/// Reads a JSON object. Fails if the bytes are not JSON, are no object, or have a name twice in one object.
pub(in crate::http) fn json_object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let UniqueJson(value) = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        // serde_json reports a repeated name as an error in the data. All other errors are errors of the syntax.
        let text = match error.is_data() {
            true => format!("The body has a name twice in one object: the second one is at {place}."),
            false => format!("The body is not JSON: the error is at {place}."),
        };
        ApiError::new(ErrorCode::MalformedJson, text)
    })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(ApiError::field("body", "must be a JSON object")),
    }
}

/// Reads the fields of a form. Fails if the media type is not [`FORM`].
fn parse_form<T: FromFields>(request: &Request<'_>, bytes: &[u8]) -> Result<T, ApiError> {
    if request.headers().get_one("Content-Type").is_none_or(|kind| essence(kind) != FORM) {
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, format!("Send the body as {FORM}.")));
    }
    read_fields(request, form_fields(bytes, Fields::kind_of::<T>)?)
}

/// Returns the fields of a form. A field without a value is null. A name that occurs twice is an error, because two programs
/// could use different values of the field.
///
/// `kind_of` returns the kind of the field with a name, if one is declared. A list is written as one field with words, or as
/// several fields of the same name, as the checkboxes of a page are. An object is written as JSON. Without a value, both are
/// empty.
pub(in crate::http) fn form_fields(
    bytes: &[u8],
    kind_of: impl Fn(&str) -> Option<Kind>,
) -> Result<Map<String, Value>, ApiError> {
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        // The parser replaces bytes that are not UTF-8 by this character. Two different passwords could become equal by this,
        // so the form is refused.
        if name.contains(char::REPLACEMENT_CHARACTER) || value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(ApiError::new(ErrorCode::MalformedRequest, "The form is not UTF-8."));
        }
        let value = match kind_of(&name) {
            Some(Kind::Texts) => {
                let list = object.entry(&*name).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().into_iter().for_each(|list| list.extend(words(&value)));
                continue;
            }
            Some(Kind::Object) if value.trim().is_empty() => Value::Object(Map::new()),
            // A text that is no object is refused when the field is read.
            Some(Kind::Object) => match serde_json::from_str(&value) {
                Ok(UniqueJson(object @ Value::Object(_))) => object,
                _ => value.into(),
            },
            _ if value.is_empty() => Value::Null,
            _ => value.into(),
        };
        if object.insert(name.clone().into_owned(), value).is_some() {
            let is_plain = (1..=MAX_QUOTED_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
            let field = if is_plain { &name } else { "body" };
            return Err(ApiError::field(field, "is given more than once"));
        }
    }
    Ok(object)
}

/// Returns the words of a text. A comma after a word, as in a sentence, is no part of it.
fn words(text: &str) -> impl Iterator<Item = Value> {
    text.split_whitespace().map(|word| word.trim_end_matches(',')).filter(|word| !word.is_empty()).map(Value::from)
}

/// Builds a value from the fields of a body. Fails with all invalid fields.
pub(super) fn read_fields<T: FromFields>(request: &Request<'_>, object: Map<String, Value>) -> Result<T, ApiError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_fields_are_decoded_and_empty_fields_are_null() {
        let fields = form_fields(b"username=ada+l&password=%C3%A9%26%3D&scope=&x", |_| None).expect("a form");
        assert_eq!(fields["username"], "ada l");
        assert_eq!(fields["password"], "\u{e9}&=");
        // A field without a value is read as null.
        assert_eq!((&fields["scope"], &fields["x"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn repeated_names_and_bytes_that_are_not_utf_8_are_refused() {
        for form in [&b"a=1&b=2&a=1"[..], b"a=&a=", b"%61=1&a=2", b"a=%ff", b"%ff=1", b"a=\xff"] {
            assert!(form_fields(form, |_| None).is_err(), "{form:?}");
        }
    }

    #[test]
    fn a_repeated_name_is_quoted_only_if_it_is_plain() {
        let field = |form: &str| {
            let error = form_fields(form.as_bytes(), |_| None).expect_err("it is refused");
            error.bad_fields()[0].field.clone()
        };
        assert_eq!(field("a-b=1&a-b=2"), "a-b");
        for form in ["=1&=2", "%22=1&%22=2", "%00=1&%00=2", &format!("{0}=1&{0}=2", "a".repeat(65))] {
            assert_eq!(field(form), "body", "{form}");
        }
    }

    #[test]
    fn a_list_is_words_or_repeated_and_an_object_is_json() {
        let kind_of = |name: &str| match name {
            "list" | "none" => Some(Kind::Texts),
            "object" | "empty" | "broken" | "twice" => Some(Kind::Object),
            _ => None,
        };
        let form = b"list=&list=a+b,%0D%0Ac+,&list=d&none=&object=%7B%22a%22:1%7D&empty=&broken=%7B&twice=%7B%22a%22:1,%22a%22:2%7D";
        let fields = form_fields(form, kind_of).expect("a form");
        assert_eq!(fields["list"], serde_json::json!(["a", "b", "c", "d"]));
        assert_eq!(fields["none"], serde_json::json!([]));
        assert_eq!(fields["object"], serde_json::json!({"a": 1}));
        assert_eq!(fields["empty"], serde_json::json!({}));
        // They stay texts, which are refused when the field is read.
        assert!(fields["broken"].is_string() && fields["twice"].is_string());
        assert!(form_fields(b"object=&object=", kind_of).is_err());
    }
}
