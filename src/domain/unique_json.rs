//! JSON in which no object has a name twice. Two programs could use different values of such a name (RFC 8259 §4), so an
//! attacker could show a proxy another request than this server.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// A JSON value. No object in it has a name twice, at any depth. Names are compared after their escapes were decoded.
pub struct UniqueJson(pub Value);

impl<'de> Deserialize<'de> for UniqueJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueNames).map(Self)
    }
}

/// Builds a value and refuses a repeated name.
struct UniqueNames;

impl<'de> Visitor<'de> for UniqueNames {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(UniqueJson(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, UniqueJson(value))) = entries.next_entry::<String, UniqueJson>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is given twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Value> {
        serde_json::from_str::<UniqueJson>(text).ok().map(|json| json.0)
    }

    #[test]
    fn a_name_that_is_given_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[1,[{"y":{"a":null,"a":null}}]]}"#,
            r#"[{"":1,"":2}]"#,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_number_keeps_its_value_when_it_is_written_and_read_again() {
        // Without the feature `float_roundtrip`, `serde_json` reads the last digit of these numbers wrongly.
        for text in ["123.45678901235475", "1.844674407e+24", "2.2250738585072011e-308", "0.30000000000000004"] {
            let value = read(text).expect("a number");
            assert_eq!(value.as_f64(), text.parse().ok(), "{text}");
            assert_eq!(read(&value.to_string()), Some(value), "{text}");
        }
    }

    #[test]
    fn other_json_is_read_as_serde_json_reads_it() {
        for text in [
            "null",
            r#"{"a":1,"A":-2,"b":{"a":1.5e3},"c":[{"a":true},{"a":"\u00e9"}],"d":18446744073709551615}"#,
            "[]",
            r#""x""#,
            "-9223372036854775808",
        ] {
            assert_eq!(read(text), serde_json::from_str(text).ok(), "{text}");
        }
        for text in ["{", "[1,]", "1e999", "nul", "\"\\ud800\"", &"[".repeat(200)] {
            assert_eq!((read(text), serde_json::from_str::<Value>(text).ok()), (None, None), "{text}");
        }
    }
}
