//! A refused form of the administration, as its page displays it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::http::{
    errors::{ApiError, ErrorCode, FieldError},
    pages::{failure::Failure, texts},
};

/// A form that was refused, to be displayed on its page.
pub(super) struct Refused {
    /// The name of the form: the part of the page that it names, or else the end of its path.
    pub(super) form: String,
    pub(super) failure: Failure,
    /// The error, for somebody who may not see the page of the form. `None` for a failure without one.
    pub(super) error: Option<ApiError>,
    texts: Vec<(String, String)>,
}

impl Refused {
    /// Returns the refusal of the form `form`, which had the fields `texts`.
    pub(super) fn new(form: String, error: &ApiError, texts: Vec<(String, String)>) -> Self {
        Self { form, failure: of_form(error), error: Some(error.clone()), texts }
    }

    /// Returns a refusal that belongs to no form of its page in particular.
    pub(super) fn of_failure(failure: Failure) -> Self {
        Self { form: String::new(), failure, error: None, texts: Vec::new() }
    }

    /// Returns the refusal of a form that selects something, which has no flow.
    pub(super) fn of_filter(problems: Vec<(&str, &'static str)>) -> Self {
        let error =
            |(field, message): (&str, &str)| FieldError { field: field.to_owned(), message: message.to_owned() };
        let errors = problems.into_iter().map(error).collect();
        Self::of_failure(of_form(&ApiError::fields(errors)))
    }

    /// Returns the typed texts, by the name of the field. Several texts of a list are one text. Passwords are left out.
    pub(super) fn typed(&self) -> Value {
        let mut typed = BTreeMap::<&str, Vec<&str>>::new();
        for (name, text) in self.texts.iter().filter(|(name, _)| !is_secret(name)) {
            typed.entry(name).or_default().push(text);
        }
        typed
            .into_iter()
            .map(|(name, texts)| (name.to_owned(), texts.join(" ").trim().into()))
            .collect::<Map<_, _>>()
            .into()
    }
}

/// Returns the failure that the page of a form displays. The sentence of the API says what exactly was refused, and it is
/// written for people. A page might not have the field of a message, so the sentence repeats all of them.
fn of_form(error: &ApiError) -> Failure {
    let failure = Failure::from(error.clone());
    let bad = error.bad_fields();
    match error.code() {
        ErrorCode::TooManyRequests
        | ErrorCode::Overloaded
        | ErrorCode::StorageUnavailable
        | ErrorCode::InternalError => failure,
        code if bad.is_empty() || code == ErrorCode::AlreadyExists => failure.saying(error.detail().to_owned()),
        _ => {
            let sentence = |bad: &FieldError| match bad.field.as_str() {
                "confirm" => format!("{}.", bad.message),
                field => format!("{}: {}.", field.replace('_', " "), bad.message),
            };
            let sentences: Vec<_> = bad.iter().map(sentence).collect();
            failure.saying(format!("{} {}", texts::of_code(error.code()), sentences.join(" ")))
        }
    }
}

/// Returns whether a field contains a secret, which no page displays again.
pub(super) fn is_secret(name: &str) -> bool {
    name == "csrf_token" || name.contains("password")
}
