//! Changed copies of JSON objects.

use serde_json::Value;

/// Returns `object` with `value` in the field `name`.
pub fn with_field(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

/// Returns `object` without the field `name`.
pub fn without_field(object: &Value, name: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().expect("an object").remove(name);
    object
}

/// Returns `object` with the fields of `changes`. Fields of the result that are `null` are removed.
pub fn with(object: &Value, changes: Value) -> Value {
    let mut fields = object.as_object().expect("an object").clone();
    fields.extend(changes.as_object().expect("an object").clone());
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}
