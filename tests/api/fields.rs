//! The fields of bodies. The server reads each field that the API description lists, within the bound that the description
//! states. If the server reads a field that is not declared, `http/request/body.rs` panics, and every test of that body fails.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vestibule::{domain::Email, http::openapi};

use crate::support::{Answer, PASSWORD, Server, Session, json::with_field, oauth};

/// The path, the form without the field, the field as it is sent, and the error code of the response to the form with the
/// field.
type Row<'a> = (&'static str, Vec<(&'a str, &'a str)>, (&'a str, &'a str), &'static str);

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Returns the operations with a body of a media type: method, path, schema of the body, and an example of the body.
fn operations_with(kind: &str) -> Vec<(String, String, Value, Value)> {
    let document = serde_json::to_value(openapi::document("/auth")).expect("JSON");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let content = &operation["requestBody"]["content"][kind];
            // The tests of the pages send the forms of the pages.
            if operation["tags"][0] == "Pages" || content.is_null() {
                continue;
            }
            let examples = content["examples"].as_object().expect("examples");
            let example = examples.values().next().expect("an example")["value"].clone();
            found.push((method.to_uppercase(), path.clone(), content["schema"].clone(), example));
        }
    }
    found
}

/// Returns the names of the fields of a schema.
fn names(schema: &Value) -> BTreeSet<&str> {
    schema["properties"].as_object().expect("fields").keys().map(String::as_str).collect()
}

/// Sends a JSON body with the session's access token. Returns the response.
fn send(session: &Session<'_>, method: &str, path: &str, body: &Value) -> Answer {
    session.server.call(method, path).bearer(&session.access).json(body.clone()).send()
}

#[test]
fn every_field_of_a_json_body_is_read() {
    let server = Server::start();
    let ada = server.user_with("ada", &["admin"], &[]);
    let session = ada.login();
    let operations = operations_with(JSON);
    assert!(operations.len() >= 9, "{operations:?}");
    for (method, path, schema, example) in operations {
        let path = path.replace("{id}", &ada.id).replace("{name}", "editor");
        for (name, field) in schema["properties"].as_object().expect("fields") {
            let refused = |value: Value| {
                let answer = send(&session, &method, &path, &with_field(&example, name, value))
                    .expect_error(422, "invalid_request");
                assert!(answer.bad_fields().contains(&name.as_str()), "{method} {path}, {name}: {}", answer.text);
            };
            // A field that is no list accepts none, and a list no text.
            let is_list = field["type"].to_string().contains("array");
            refused(if is_list { json!("text") } else { json!([]) });
            if let Some(longest) = field["maxLength"].as_u64() {
                refused("a".repeat(longest as usize + 1).into());
            }
            if let Some(most) = field["maxProperties"].as_u64() {
                refused((0..=most).map(|at| (format!("field{at}"), json!(1))).collect());
            }
            if field["enum"].is_array() {
                refused("none of these".into());
            }
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            let name = required.as_str().expect("a name");
            let answer = send(&session, &method, &path, &with_field(&example, name, Value::Null));
            assert!(
                answer.expect_error(422, "invalid_request").bad_fields().contains(&name),
                "{method} {path}, {name}"
            );
        }
    }
    assert!(session.is_accepted());
}

#[test]
fn a_field_of_the_longest_length_is_accepted() {
    let server = Server::start();
    let session = server.user("ada").login();
    for (method, path, schema, example) in operations_with(JSON) {
        for (name, field) in schema["properties"].as_object().expect("fields") {
            // An email address must also have a valid form, so these fields are left out.
            let longest = field["maxLength"].as_u64().filter(|longest| *longest != Email::MAX_BYTES as u64);
            // An audience must be one of the client's.
            let Some(longest) = longest.filter(|_| name != "audience") else { continue };
            // The text is hard to guess, because the field may be a new password.
            let text: String = (1..)
                .flat_map(|number| (number * 7919_u64).to_string().into_bytes())
                .map(char::from)
                .take(longest as usize)
                .collect();
            let body = with_field(&example, name, text.into());
            // The request may be refused for another reason, such as a wrong password, but not because of this field.
            let answer = send(&session, &method, &path, &body);
            assert!(!answer.bad_fields().contains(&name.as_str()), "{method} {path}, {name}: {}", answer.text);
        }
    }
}

#[test]
fn every_field_of_a_form_is_read() {
    let server = Server::with(oauth::clients());
    let ada = server.user("ada");
    let (session, secret) = (ada.login(), oauth::secret());
    let long = "a".repeat(300);
    let password: [(&str, &str); 2] = [("username", "ada"), ("password", PASSWORD)];
    let device = session.device_id.as_str();
    let table: Vec<Row<'_>> = vec![
        ("/token", password.to_vec(), ("grant_type", "other"), "unsupported_grant_type"),
        ("/token", password[1..].to_vec(), ("username", &long), "invalid_request"),
        ("/token", password[..1].to_vec(), ("password", "wrong"), "invalid_grant"),
        ("/token", vec![("grant_type", "refresh_token")], ("refresh_token", "x"), "invalid_grant"),
        ("/token", password.to_vec(), ("scope", "no:such"), "invalid_scope"),
        ("/token", password.to_vec(), ("resource", "https://evil.example"), "invalid_target"),
        ("/token", password.to_vec(), ("device_name", &long), "invalid_request"),
        ("/token", password.to_vec(), ("fingerprint", "not JSON"), "invalid_request"),
        ("/token", password.to_vec(), ("client_id", "nobody"), "invalid_client"),
        ("/token", password.to_vec(), ("client_id", &long), "invalid_request"),
        ("/token", password.to_vec(), ("client_secret", "x"), "invalid_client"),
        ("/auth/revoke", vec![], ("token", ""), "invalid_request"),
        ("/auth/revoke", vec![("token", "x")], ("client_id", "nobody"), "invalid_client"),
        ("/auth/revoke", vec![("token", "x")], ("client_id", &long), "invalid_request"),
        ("/auth/revoke", vec![("token", "x")], ("client_secret", "x"), "invalid_client"),
        (
            "/auth/introspect",
            vec![("client_id", "backend"), ("client_secret", &secret)],
            ("token", ""),
            "invalid_request",
        ),
        (
            "/auth/introspect",
            vec![("token", "x"), ("client_secret", &secret)],
            ("client_id", "nobody"),
            "invalid_client",
        ),
        ("/auth/introspect", vec![("token", "x"), ("client_id", "backend")], ("client_secret", "x"), "invalid_client"),
    ];
    for (path, form, field, code) in &table {
        let answer = server.form(path, &[form.as_slice(), &[*field]].concat());
        assert_eq!(answer.body["error"], *code, "{path} with {field:?}: {}", answer.text);
    }
    // A login with a known `device_id` returns the same `device_id`.
    let again = server.form("/token", &[password.as_slice(), &[("device_id", device)]].concat()).expect(200);
    assert_eq!(again.body["device_id"], device);

    let mut tested: BTreeSet<(&str, &str)> = table.iter().map(|(path, _, (name, _), _)| (*path, *name)).collect();
    tested.insert(("/token", "device_id"));
    for (_, path, schema, _) in operations_with(FORM) {
        // Both paths of the token endpoint take the same form.
        let at = if path == "/auth/token" { "/token" } else { &*path };
        let tested: BTreeSet<&str> = tested.iter().filter(|(path, _)| *path == at).map(|(_, name)| *name).collect();
        let mut described = names(&schema);
        // RFC 7009 §2.1 and RFC 7662 §2.1 allow a server to ignore this field. Its description states that it is ignored.
        described.remove("token_type_hint");
        assert_eq!(described, tested, "{path}");
    }
}
