//! The comparison of every response that a test receives with the document of `/openapi.json`. It panics if they differ: the
//! status must be documented for the operation, with this content type, and the body must fit the schema. A field that the
//! schema does not list does not fit.
//!
//! A response is compared if it comes from a route of this server, and if the document has its method and path. No operation
//! describes the following responses, so they are not compared:
//!
//! - paths and methods without a route of this server: 404, `OPTIONS`, and routes of a test or of an embedding application;
//! - a 405, which is never the response of an operation;
//! - the paths of the predecessors (`compat_routes`), which are aliases that the document leaves out on purpose;
//! - the second of two routes with the same method and path, which the `Content-Type` of the request distinguishes: the
//!   document has room for one of them only;
//! - a request that hyper refuses before Rocket sees it: a 400, 414 or 431 without `X-Request-Id` and without a body.
//!
//! If the variable `VESTIBULE_TEST_RECORD` names a file, each comparison appends a line to it. `tests/coverage.rs` reads the
//! file.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write as _,
    sync::{Arc, LazyLock, Mutex, OnceLock},
};

use jsonschema::Validator;
use serde_json::{Value, json};
use vestibule::http;

/// The environment variable that names the file of the records.
const RECORD: &str = "VESTIBULE_TEST_RECORD";

/// The default `base_path`. Paths are recorded as they are with it, whatever the server's `base_path` is.
const BASE_PATH: &str = "/auth";

/// A mounted route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mounted {
    pub method: String,
    pub path: String,
    /// The name of the handler, which is the `operationId`. Empty if the handler does not belong to this server.
    id: String,
}

impl Mounted {
    pub fn new(method: impl ToString, path: String, id: &str) -> Self {
        Self { method: method.to_string(), path, id: id.to_owned() }
    }

    /// Returns the number of variable segments in the route's path. `None` if the route does not match `path`.
    fn fits(&self, path: &str) -> Option<usize> {
        let (own, theirs) = (self.path.split('/'), path.split('/'));
        if own.clone().count() != theirs.clone().count() {
            return None;
        }
        own.zip(theirs).try_fold(0, |free, (own, theirs)| match own.starts_with('<') {
            // A variable segment does not match an empty segment.
            true if theirs.is_empty() => None,
            true => Some(free + 1),
            false => (own == theirs).then_some(free),
        })
    }
}

/// A request and the response to it.
#[derive(Debug)]
pub struct Exchange<'a> {
    pub method: &'a str,
    /// The path of the request with its query.
    pub target: &'a str,
    /// The `Content-Type` of the request.
    pub sent_type: Option<&'a str>,
    pub status: u16,
    /// The `Content-Type` of the response.
    pub content_type: Option<&'a str>,
    pub has_request_id: bool,
    /// The body of the response.
    pub text: &'a str,
}

/// Compares a response of the binary, which must have the default `base_path`. Panics if it is not as documented.
#[track_caller]
pub fn of_the_binary(exchange: &Exchange<'_>) {
    static ROUTES: LazyLock<Vec<Mounted>> = LazyLock::new(|| routes_of_the_binary(BASE_PATH));
    Judge::of(BASE_PATH).hear(&ROUTES, exchange);
}

/// Returns the routes that the binary mounts, without the paths of the predecessors.
pub fn routes_of_the_binary(base_path: &str) -> Vec<Mounted> {
    let mounted = |base: &str, route: &rocket::Route| {
        // Rocket mounts `/` at `/admin` as `/admin`.
        let path = format!("{}{}", base.trim_end_matches('/'), route.uri.path());
        let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
        Mounted::new(route.method, path, route.name.as_deref().unwrap_or_default())
    };
    let groups = http::endpoints(base_path);
    groups.iter().flat_map(|(_, base, routes)| routes.iter().map(move |route| mounted(base, route))).collect()
}

/// The document of one `base_path`. Each schema is compiled when a response first needs it.
pub struct Judge {
    /// The operations, by `operationId`.
    operations: BTreeMap<String, Operation>,
    /// The component schemas, to which other schemas refer.
    components: Value,
}

struct Operation {
    method: String,
    path: String,
    /// The path with the default `base_path`, under which it is recorded.
    recorded_as: String,
    /// The media types of the request body.
    takes: Vec<String>,
    /// By status or `default`, and then by media type: the schema of the body. A response without a body has no media type.
    responses: BTreeMap<String, BTreeMap<String, Schema>>,
}

struct Schema {
    source: Value,
    compiled: OnceLock<Validator>,
}

impl Judge {
    /// Returns the judge of a server with this `base_path`. The process has one for each `base_path`.
    pub fn of(base_path: &str) -> Arc<Self> {
        static JUDGES: LazyLock<Mutex<BTreeMap<String, Arc<Judge>>>> = LazyLock::new(Mutex::default);
        let mut judges = JUDGES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::clone(judges.entry(base_path.to_owned()).or_insert_with(|| Arc::new(Self::new(base_path))))
    }

    fn new(base_path: &str) -> Self {
        let document = document(base_path);
        let usual = document_paths(&self::document(BASE_PATH));
        let mut components = json!({"schemas": document["components"]["schemas"]});
        let schemas = components["schemas"].as_object_mut().expect("schemas");
        schemas.values_mut().for_each(|schema| only_described_fields(schema, false));
        let operations = each_operation(&document).map(|(method, path, operation)| {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            let recorded_as = usual.get(&id).cloned().unwrap_or_else(|| path.to_owned());
            let responses = operation["responses"].as_object().expect("responses");
            let responses = responses.iter().map(|(status, response)| (status.clone(), contents(response))).collect();
            let takes = keys(&operation["requestBody"]["content"]);
            (id, Operation { method: method.to_uppercase(), path: path.to_owned(), recorded_as, takes, responses })
        });
        Self { operations: operations.collect(), components }
    }

    /// Compares a response of a server with these routes, and records the comparison. Panics if the response is not as
    /// documented. Does nothing if no operation describes the response.
    #[track_caller]
    pub fn hear(&self, routes: &[Mounted], exchange: &Exchange<'_>) {
        let Some(operation) = self.operation(routes, exchange) else { return };
        let key = match self.compare(operation, exchange) {
            Ok(key) => key,
            Err(reason) => panic!(
                "not as /openapi.json has it: {} {} answered {}: {reason}\nasked: {} {}\nbody: {}",
                operation.method,
                operation.recorded_as,
                exchange.status,
                exchange.method,
                exchange.target,
                exchange.text.chars().take(2000).collect::<String>()
            ),
        };
        record(&format!("{} {} {key}\n", operation.method, operation.recorded_as));
    }

    /// Returns the operation that responded. `None` if no operation describes the response.
    fn operation(&self, routes: &[Mounted], exchange: &Exchange<'_>) -> Option<&Operation> {
        let is_of_hyper =
            matches!(exchange.status, 400 | 414 | 431) && !exchange.has_request_id && exchange.text.is_empty();
        if is_of_hyper || exchange.status == 405 {
            return None;
        }
        let path = exchange.target.split(['?', '#']).next().unwrap_or_default();
        let of_method = |method: &str| -> Vec<(usize, &Mounted)> {
            let routes = routes.iter().filter(|route| route.method == method);
            routes.filter_map(|route| route.fits(path).map(|free| (free, route))).collect()
        };
        let mut fitting = of_method(exchange.method);
        // If there is no route for HEAD, Rocket uses the route for GET and leaves out the body.
        if fitting.is_empty() && exchange.method == "HEAD" {
            fitting = of_method("GET");
        }
        // Rocket prefers the route with the fewest variable segments.
        let least = fitting.iter().map(|(free, _)| *free).min()?;
        fitting.retain(|(free, _)| *free == least);
        let described = |route: &Mounted| {
            let operation = self.operations.get(&route.id)?;
            // An alias has the same handler and thus the same id, but another path. An embedding application can insert a
            // prefix before the documented path.
            let documented = operation.path.replace('{', "<").replace('}', ">");
            (operation.method == route.method && route.path.ends_with(&documented)).then_some(operation)
        };
        let is_one_of_several = fitting.len() > 1;
        let sent = exchange.sent_type.map(essence).unwrap_or_default();
        let mut operations = fitting.iter().filter_map(|(_, route)| described(route));
        operations.find(|operation| !is_one_of_several || operation.takes.contains(&sent))
    }

    /// Returns the status under which the response is documented. The error states how the response differs from the document.
    fn compare(&self, operation: &Operation, exchange: &Exchange<'_>) -> Result<String, String> {
        let status = exchange.status.to_string();
        // `default` documents the errors whose status is not listed.
        let key =
            if exchange.status >= 400 && !operation.responses.contains_key(&status) { "default" } else { &status };
        let contents = operation.responses.get(key).ok_or("this status is not documented")?;
        let has_body = exchange.method != "HEAD" && !exchange.text.is_empty();
        if contents.is_empty() {
            let body = if has_body { Err("a body, where none is documented".to_owned()) } else { Ok(()) };
            return body.map(|()| key.to_owned());
        }
        let content_type = exchange.content_type.map(essence).unwrap_or_default();
        let schema = contents.get(&content_type).or_else(|| contents.get("*/*"));
        let schema = schema.ok_or_else(|| {
            let documented: Vec<&String> = contents.keys().collect();
            format!("the content type {content_type:?} is not documented, {documented:?} is")
        })?;
        let is_json = content_type == "application/json" || content_type.ends_with("+json");
        if exchange.method != "HEAD" && is_json {
            let body = serde_json::from_str(exchange.text).map_err(|error| format!("the body is not JSON: {error}"))?;
            let compiled = schema.compiled.get_or_init(|| self.compile(&schema.source));
            let errors: Vec<String> =
                compiled.iter_errors(&body).map(|error| format!("{} {error}", error.instance_path())).collect();
            if !errors.is_empty() {
                return Err(format!("the body does not fit its schema: {}", errors.join("; ")));
            }
        }
        Ok(key.to_owned())
    }

    /// Compiles a schema, which then also refuses fields that it does not list.
    fn compile(&self, schema: &Value) -> Validator {
        let mut root = schema.clone();
        only_described_fields(&mut root, true);
        root["components"] = self.components.clone();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        options.build(&root).unwrap_or_else(|error| panic!("{error} in {schema}"))
    }
}

/// Returns the document of `base_path` as JSON.
fn document(base_path: &str) -> Value {
    serde_json::to_value(http::openapi::document(base_path)).expect("a document")
}

/// Returns the path of each operation, by its `operationId`.
fn document_paths(document: &Value) -> BTreeMap<String, String> {
    let operations = each_operation(document);
    operations.map(|(_, path, of)| (of["operationId"].as_str().expect("an id").to_owned(), path.to_owned())).collect()
}

/// Returns method and path of each operation, with the operation.
fn each_operation(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let items = paths.iter().flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |of| (path, of)));
    items
        .filter(|(_, (_, operation))| operation["operationId"].is_string())
        .map(|(path, (method, operation))| (method.as_str(), path.as_str(), operation))
}

/// Returns the schema of each media type of a documented response.
fn contents(response: &Value) -> BTreeMap<String, Schema> {
    let contents = response["content"].as_object().into_iter().flatten();
    contents
        .map(|(kind, content)| (kind.clone(), Schema { source: content["schema"].clone(), compiled: OnceLock::new() }))
        .collect()
}

/// Returns the names of the fields of an object. The list is empty for any other value.
fn keys(object: &Value) -> Vec<String> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// Changes a schema so that it refuses fields that it does not list. `is_whole` is true if the schema describes a whole value.
/// It is false for a part of an `allOf`, because another part may list the field, and for a component, which can be such a
/// part.
fn only_described_fields(schema: &mut Value, is_whole: bool) {
    let Some(keywords) = schema.as_object_mut() else { return };
    for (keyword, value) in &mut *keywords {
        let each = value.as_object_mut().into_iter().flat_map(|fields| fields.values_mut());
        match keyword.as_str() {
            "properties" => each.for_each(|property| only_described_fields(property, true)),
            "items" => only_described_fields(value, true),
            "allOf" | "anyOf" | "oneOf" => {
                let parts = value.as_array_mut().into_iter().flatten();
                parts.for_each(|part| only_described_fields(part, keyword != "allOf"));
            }
            _ => {}
        }
    }
    let lists_fields = ["$ref", "properties", "allOf"].iter().any(|keyword| keywords.contains_key(*keyword));
    if is_whole && lists_fields && !keywords.contains_key("additionalProperties") {
        keywords.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
    }
}

/// Returns a media type in lower case and without its parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Appends a line to the file of the records, if [`RECORD`] is set. One write appends the whole line, so lines of other
/// processes do not break it.
fn record(line: &str) {
    static FILE: LazyLock<Option<File>> = LazyLock::new(|| {
        let path = std::env::var_os(RECORD)?;
        let file = OpenOptions::new().append(true).create(true).open(&path);
        Some(file.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    });
    if let Some(mut file) = FILE.as_ref() {
        file.write_all(line.as_bytes()).expect("the record is written");
    }
}
