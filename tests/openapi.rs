//! Tests of the OpenAPI document: it agrees with the mounted routes and the error codes, and it is consistent in itself.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::OpenApi;
use vestibule::{
    domain::{device::Fingerprint, password::Password},
    http::{self, errors::ErrorCode, openapi},
};

const BASE_PATHS: [&str; 3] = ["/auth", "", "/api/auth"];
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The error codes that no operation returns. `method_not_allowed` is the response to a method that no route has at the
/// path. The others are responses to a request whose head can't be used.
const OF_NO_OPERATION: [ErrorCode; 3] =
    [ErrorCode::MethodNotAllowed, ErrorCode::TargetTooLong, ErrorCode::HeadersTooLarge];

/// Returns the content type of an operation's error bodies: `application/json` if the operation takes a form (the OAuth
/// endpoints), otherwise `application/problem+json` (RFC 9457).
fn error_type(operation: &Value) -> &'static str {
    let is_form = operation["requestBody"]["content"].get(FORM).is_some();
    if is_form { "application/json" } else { "application/problem+json" }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn document(base_path: &str) -> Value {
    serde_json::to_value(openapi::document(base_path)).expect("a document")
}

/// Returns method, path and object of each API operation. Pages are left out, because their descriptions are shorter.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    all_operations(document).into_iter().filter(|(_, _, operation)| operation["tags"][0] != "Pages").collect()
}

/// Returns method, path and object of each operation, including the pages.
fn all_operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let items =
        paths.iter().flat_map(|(path, item)| item.as_object().expect("an item").iter().map(move |of| (path, of)));
    items
        .filter(|(_, (method, _))| METHODS.contains(&method.as_str()))
        .map(|(path, (method, operation))| (method.to_uppercase(), path.clone(), operation))
        .collect()
}

/// Returns status and object of each response of an operation. Panics at the status `default`, which only pages have.
fn responses(operation: &Value) -> Vec<(u16, &Value)> {
    let responses = operation["responses"].as_object().expect("responses");
    responses.iter().map(|(status, response)| (status.parse().expect("a status"), response)).collect()
}

/// Collects every JSON object in `value`, each with its path. `at` is the path of `value`.
fn objects<'d>(value: &'d Value, at: String, found: &mut Vec<(String, &'d Value)>) {
    match value {
        Value::Object(fields) => {
            found.push((at.clone(), value));
            fields.iter().for_each(|(name, field)| objects(field, format!("{at}/{name}"), found));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| objects(item, format!("{at}/{i}"), found)),
        _ => {}
    }
}

#[test]
fn every_mounted_route_is_documented_and_nothing_else_is() {
    for base_path in BASE_PATHS {
        let mut mounted: BTreeSet<(String, String, String)> = http::endpoints(base_path)
            .iter()
            .flat_map(|(_, base, routes)| routes.iter().map(move |route| (base.trim_end_matches('/'), route)))
            .map(|(base, route)| {
                // Rocket mounts `/` at `/admin` as `/admin`.
                let path = format!("{base}{}", route.uri.path()).replace('<', "{").replace('>', "}");
                let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
                let handler = route.name.as_deref().expect("a route made from a function").to_owned();
                (route.method.to_string(), path, handler)
            })
            .collect();
        if base_path.is_empty() {
            // With an empty base path these forms have the method and path of an API call. The document describes the API call.
            mounted
                .retain(|(_, _, handler)| !["login_form", "register_form", "logout_form"].contains(&handler.as_str()));
        }
        let document = document(base_path);
        let documented: BTreeSet<(String, String, String)> = all_operations(&document)
            .into_iter()
            .map(|(method, path, operation)| (method, path, operation["operationId"].as_str().unwrap_or("").to_owned()))
            .collect();
        let undocumented: Vec<_> = mounted.difference(&documented).collect();
        let invented: Vec<_> = documented.difference(&mounted).collect();
        assert!(undocumented.is_empty(), "with base path {base_path:?}, not in the document: {undocumented:?}");
        assert!(invented.is_empty(), "with base path {base_path:?}, in the document only: {invented:?}");
    }
}

#[test]
fn every_error_code_is_documented_at_an_operation_except_those_of_no_operation() {
    let document = document("/auth");
    let mut codes = BTreeSet::new();
    for (_, _, operation) in operations(&document) {
        for (_, response) in responses(operation).into_iter().filter(|(status, _)| *status >= 400) {
            let examples = response["content"][error_type(operation)]["examples"].as_object().expect("examples");
            codes.extend(examples.keys().cloned());
        }
    }
    for code in ErrorCode::ALL {
        let is_expected = !OF_NO_OPERATION.contains(code);
        assert_eq!(codes.contains(code.key()), is_expected, "{}", code.key());
    }
    assert_eq!(codes.len(), ErrorCode::ALL.len() - OF_NO_OPERATION.len(), "a code that does not exist");
}

#[test]
fn an_error_response_lists_codes_of_its_status_and_an_example_of_each() {
    let document = document("/auth");
    for (method, path, operation) in operations(&document) {
        for (status, response) in responses(operation).into_iter().filter(|(status, _)| *status >= 400) {
            let content = &response["content"][error_type(operation)];
            let listed = content["schema"]["allOf"][1]["properties"]["error"]["enum"].as_array().expect("codes");
            let examples = content["examples"].as_object().expect("examples");
            assert_eq!(listed.len(), examples.len(), "{method} {path} {status}");
            let mut shown = Vec::new();
            for name in examples.keys() {
                let example = &document["components"]["examples"][name]["value"];
                assert_eq!(example["status"], status, "{method} {path} {status}: {name}");
                shown.push(&example["error"]);
            }
            assert!(listed.iter().all(|code| shown.contains(&code)), "{method} {path} {status}: {listed:?}, {shown:?}");
        }
    }
}

#[test]
fn every_reference_resolves() {
    let document = document("/auth");
    let mut found = Vec::new();
    objects(&document, String::new(), &mut found);
    let references: Vec<_> =
        found.iter().filter_map(|(at, object)| Some((at, object.get("$ref")?.as_str()?))).collect();
    assert!(references.len() > 100, "references are found");
    for (at, reference) in references {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        assert!(target.is_some(), "{at} refers to {reference}");
    }
}

#[test]
fn every_component_is_referenced_except_those_of_no_operation() {
    let document = document("/auth");
    let text = document.to_string();
    for (kind, components) in document["components"].as_object().expect("components") {
        for name in components.as_object().expect("a map").keys() {
            let is_used = match kind.as_str() {
                "securitySchemes" => text.contains(&format!("{{\"{name}\":[]}}")),
                _ => text.contains(&format!("\"#/components/{kind}/{name}\"")),
            };
            let is_of_no_operation = ["MethodNotAllowed", "TargetTooLong", "HeadersTooLarge"].contains(&name.as_str())
                || OF_NO_OPERATION.iter().any(|code| name == code.key());
            assert!(is_used || is_of_no_operation, "{kind}/{name} is not used");
        }
    }
}

#[test]
fn every_operation_has_descriptions_a_tag_security_and_responses() {
    let document = document("/auth");
    let tags: BTreeSet<&str> =
        document["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
    let is_said = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    for (method, path, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(
            is_said(&operation["summary"]) && is_said(&operation["description"]),
            "{place}: no summary or description"
        );
        assert!(operation["tags"][0].as_str().is_some_and(|tag| tags.contains(tag)), "{place}: no tag");
        assert!(operation["security"].is_array(), "{place}: no word on who may call");
        let responses = responses(operation);
        assert_eq!(responses.iter().filter(|(status, _)| (200..300).contains(status)).count(), 1, "{place}: successes");
        assert!(responses.iter().any(|(status, _)| *status == 500), "{place}: no errors");
        for (status, response) in responses {
            let headers = &response["headers"];
            assert!(is_said(&response["description"]), "{place} {status}: no description");
            assert!(headers.get("X-Request-Id").is_some(), "{place} {status}: no X-Request-Id");
            assert_eq!(headers.get("WWW-Authenticate").is_some(), status == 401, "{place} {status}");
            assert_eq!(headers.get("Retry-After").is_some(), matches!(status, 429 | 503), "{place} {status}");
            let types: Vec<&String> =
                response["content"].as_object().map(|types| types.keys().collect()).unwrap_or_default();
            match status {
                204 | 302 | 304 => assert!(types.is_empty(), "{place} {status} has a body"),
                // The result is in the headers, because a proxy reads only headers (forward authentication).
                200 if path.ends_with("/verify") => assert!(types.is_empty(), "{place} has a body"),
                400.. => assert_eq!(types, [error_type(operation), "text/html"], "{place} {status}"),
                _ => assert_eq!(types, ["application/json"], "{place} {status}"),
            }
        }
    }
    let allow = &document["components"]["responses"]["MethodNotAllowed"]["headers"]["Allow"];
    assert!(allow.is_object(), "a 405 has no Allow");
}

#[test]
fn every_segment_in_braces_is_a_required_path_parameter() {
    let document = document("/auth");
    for (method, path, operation) in all_operations(&document) {
        let braced: BTreeSet<&str> =
            path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let of_path = parameters.filter(|parameter| parameter["in"] == "path" && parameter["required"] == true);
        let named: BTreeSet<&str> = of_path.filter_map(|parameter| parameter["name"].as_str()).collect();
        assert_eq!(braced, named, "{method} {path}");
    }
}

#[test]
fn a_page_returns_a_document_or_redirects() {
    let document = document("/auth");
    let pages = all_operations(&document).into_iter().filter(|(_, _, operation)| operation["tags"][0] == "Pages");
    for (method, path, operation) in pages {
        let (page, elsewhere) = (&operation["responses"]["200"]["content"], &operation["responses"]["303"]);
        assert!(elsewhere.is_null() || elsewhere["headers"]["Location"].is_object(), "{method} {path}");
        let gives = page.is_object() || elsewhere.is_object();
        assert_eq!(gives, method != "HEAD", "{method} {path}");
        let refusal = &operation["responses"]["default"]["content"];
        assert!(refusal["application/problem+json"].is_object(), "{method} {path}");
        assert!(refusal["text/html"].is_object(), "{method} {path}");
        let form = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"];
        assert_eq!(form.is_object(), method == "POST", "{method} {path}");
    }
}

#[test]
fn request_examples_are_valid_bodies() {
    let document = document("/auth");
    for (method, path, operation) in operations(&document) {
        let Some(body) = operation.get("requestBody") else { continue };
        let content = body["content"].as_object().and_then(|types| types.values().next()).expect("a body");
        let (schema, examples) = (&content["schema"], content["examples"].as_object().expect("examples"));
        assert!(!examples.is_empty(), "{method} {path}");
        for (name, example) in examples {
            let place = format!("{method} {path}, {name}");
            let example = example["value"].as_object().expect("a body");
            for field in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(example.contains_key(field), "{place}: no {field}");
            }
            for (field, value) in example {
                assert!(schema["properties"].get(field).is_some(), "{place}: {field} is not described");
                match field.as_str() {
                    "fingerprint" => assert!(Fingerprint::parse(value).is_ok(), "{place}"),
                    "password" | "new_password" => {
                        let password = Password::parse(value.as_str().expect("a text")).expect("a password");
                        assert_eq!(password.check_new(15, &["ada", "ada@example.com"]), Ok(()), "{place}");
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn the_document_is_openapi_3_1_and_survives_a_round_trip() {
    let document = openapi::document("/auth");
    let json = document.to_json().expect("JSON");
    let read: OpenApi = serde_json::from_str(&json).expect("an OpenAPI document");
    let value: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(serde_json::to_value(&read).expect("a document"), value);
    assert!(value["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")), "{}", value["openapi"]);
    assert_eq!(value["info"]["title"], "Vestibule");
    assert_eq!(value["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(value["info"]["license"]["name"], "MIT OR Apache-2.0");
}

// The document is also a file in the repository, so that a diff contains every change of the API.
#[test]
fn the_committed_openapi_json_is_the_document_of_the_server() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let says = openapi::document("/auth").to_pretty_json().expect("JSON") + "\n";
    let line = committed.lines().zip(says.lines()).position(|(old, new)| old != new);
    assert!(
        committed == says,
        "openapi.json differs from what the server says, first in line {}. Look at the change, then renew the file: \
         cargo run -- openapi > openapi.json",
        line.unwrap_or_else(|| committed.lines().count().min(says.lines().count())) + 1
    );
}

#[test]
fn the_document_names_the_server_and_the_token_url() {
    let document = document("/auth");
    assert_eq!(document["servers"], serde_json::json!([{"url": "http://localhost:8000"}]));
    let schemes = &document["components"]["securitySchemes"];
    let flow = &schemes["password"]["flows"]["password"];
    assert_eq!(schemes["password"]["type"], "oauth2");
    assert_eq!(flow["tokenUrl"], "http://localhost:8000/token");
    assert!(document["paths"]["/token"]["post"].is_object());
    for (method, path, operation) in operations(&document) {
        let security = operation["security"].as_array().expect("who may call");
        let has = |name: &str| security.iter().any(|requirement| requirement.get(name).is_some());
        assert_eq!(has("password"), has("bearer"), "{method} {path}");
    }
}
