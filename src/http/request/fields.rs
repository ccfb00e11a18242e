//! The fields of a body: their declarations, and their values while they are read.

use serde_json::{Map, Value};

use super::field::{Field, Kind};
use crate::{flows::Vestibule, http::errors::FieldError};

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

/// The fields of a body while they are read. Fields that are not declared are ignored.
#[derive(Debug)]
pub struct Fields {
    object: Map<String, Value>,
    pub(super) errors: Vec<FieldError>,
    declared: [&'static [Field]; 2],
}

impl Fields {
    pub(super) fn of<T: FromFields>(object: Map<String, Value>) -> Self {
        Self { object, errors: Vec::new(), declared: [T::FIELDS, T::SHARED_FIELDS] }
    }

    /// Returns the kind of a field of `T`; `None` if `T` does not declare it.
    pub(super) fn kind_of<T: FromFields>(name: &str) -> Option<Kind> {
        T::FIELDS.iter().chain(T::SHARED_FIELDS).find(|field| field.name == name).map(|field| field.kind)
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

    /// Reads an optional boolean, like [`Fields::optional`]. In a query it is a text.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        self.value(name, |value| match value {
            Value::Bool(yes) => Ok(*yes),
            Value::String(text) => text.parse().map_err(|_| "must be true or false"),
            _ => Err("must be true or false"),
        })
    }

    /// Reads an optional number from 1 to `max`, like [`Fields::optional`]. In a query it is a text.
    pub fn number(&mut self, name: &str, max: u32) -> Option<u32> {
        self.value(name, |value| {
            let number = value.as_str().map_or_else(|| value.as_u64(), |text| text.parse().ok());
            let number =
                number.and_then(|number| u32::try_from(number).ok()).filter(|number| (1..=max).contains(number));
            number.ok_or_else(|| format!("must be a number from 1 to {max}"))
        })
    }

    /// Reads an optional list of texts, like [`Fields::optional`].
    pub fn texts<T, E: ToString>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<Vec<T>> {
        self.value(name, |value| {
            let items = value.as_array().ok_or_else(|| "must be a list of strings".to_owned())?;
            let read = |item: &Value| {
                let text = item.as_str().ok_or_else(|| "must be a list of strings".to_owned())?;
                parse(text).map_err(|message| format!("has the item {text:?}, which {}", message.to_string()))
            };
            items.iter().map(read).collect::<Result<Vec<T>, String>>()
        })
    }

    /// Reads an optional JSON object, like [`Fields::optional`].
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.value(name, |value| value.as_object().cloned().ok_or("must be a JSON object"))
    }

    /// Returns whether a field is absent or null.
    pub fn is_absent(&self, name: &str) -> bool {
        self.get(name).is_none_or(Value::is_null)
    }

    /// Returns the declared fields that were sent, by name.
    pub fn declared_as_sent(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.object.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| self.declares(name))
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
}
