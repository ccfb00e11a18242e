//! The conversion of a row of the table to an OpenAPI operation.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::{
    ContentBuilder, KnownFormat, Object, ObjectBuilder, Ref, Required, ResponseBuilder, SchemaFormat,
    SecurityRequirement, Type,
    example::ExampleBuilder,
    path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::{Array, ArrayBuilder, Schema, SchemaType},
};

use super::{
    endpoint::{Access, Body, Endpoint},
    headers::{REQUEST_ID, header_ref},
    problem,
    settings::Settings,
};
use crate::{
    domain::{device::Fingerprint, password},
    http::{
        errors::ErrorCode,
        request::field::{Field, Kind},
    },
};

/// The name of the component that describes the CSRF header.
pub(super) const CSRF_PARAMETER: &str = "csrf";
/// The name of the component that describes the header `If-None-Match`.
pub(super) const IF_NONE_MATCH_PARAMETER: &str = "ifNoneMatch";

/// Returns the OpenAPI operation of an endpoint.
pub(super) fn operation(endpoint: &Endpoint, settings: &Settings<'_>) -> Operation {
    let schema = |field: &Field, is_form| field_schema(field, is_form, settings);
    let mut operation = OperationBuilder::new()
        .tag(endpoint.group.name())
        .summary(Some(endpoint.summary))
        .description(Some(endpoint.description))
        .operation_id(Some(endpoint.id))
        .securities(Some(security(endpoint.access)))
        .request_body(endpoint.body.as_ref().map(|body| request_body(body, schema)))
        .response(endpoint.success.status.to_string(), success(endpoint));
    for (name, description, is_id) in &endpoint.path_parameters {
        operation = operation.parameter(path_parameter(name, description, *is_id));
    }
    for (name, description) in &endpoint.query_parameters {
        operation = operation.parameter(query_parameter(name, description));
    }
    for field in &endpoint.query_fields {
        operation = operation.parameter(field_parameter(field, schema(field, true)));
    }
    if let Some(description) = endpoint.found {
        let found = ResponseBuilder::new().description(description).header_ref(REQUEST_ID, header_ref(REQUEST_ID));
        operation = operation.response("302", found.header_ref("Location", header_ref("Location")));
    }
    if endpoint.is_csrf_checked() {
        operation = operation.parameter_ref(parameter_ref(CSRF_PARAMETER));
    }
    if endpoint.is_cacheable {
        operation = operation.parameter_ref(parameter_ref(IF_NONE_MATCH_PARAMETER)).response("304", not_modified());
    }
    let mut codes: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in endpoint.codes() {
        codes.entry(code.status()).or_default().push(code);
    }
    for (status, codes) in codes {
        operation = operation.response(status.to_string(), problem::response(status, &codes, endpoint.error_type()));
    }
    operation.build()
}

/// Returns the security requirements of an operation. Any one of them is sufficient.
fn security(access: Access) -> impl Iterator<Item = SecurityRequirement> {
    let requirement = |scheme: &Option<&str>| {
        scheme.map_or_else(SecurityRequirement::default, |scheme| SecurityRequirement::new(scheme, [] as [&str; 0]))
    };
    access.schemes().iter().map(requirement)
}

/// Returns the successful response.
fn success(endpoint: &Endpoint) -> ResponseBuilder {
    let success = &endpoint.success;
    let caching: &[&str] = if endpoint.is_cacheable { &["ETag", "Cache-Control"] } else { &[] };
    let mut response =
        ResponseBuilder::new().description(success.description).header_ref(REQUEST_ID, header_ref(REQUEST_ID));
    for name in success.headers.iter().chain(caching) {
        response = response.header_ref(*name, header_ref(name));
    }
    match &success.schema {
        Some(schema) => {
            response.content("application/json", ContentBuilder::new().schema(Some(schema.clone())).build())
        }
        None => response,
    }
}

/// Returns the 304 for a conditional request.
fn not_modified() -> ResponseBuilder {
    [REQUEST_ID, "ETag", "Cache-Control"].into_iter().fold(
        ResponseBuilder::new()
            .description("The content still has the `ETag` that the request names in `If-None-Match`."),
        |response, name| response.header_ref(name, header_ref(name)),
    )
}

/// Returns the request body, with the schema of its fields and with its examples. `schema_of` returns the schema of a field,
/// given whether the body is a form.
fn request_body(body: &Body, schema_of: impl Fn(&Field, bool) -> Schema) -> RequestBody {
    let schema = body.fields.iter().fold(ObjectBuilder::new().schema_type(Type::Object), |schema, field| {
        let schema = schema.property(field.name, schema_of(field, body.is_form));
        if field.is_required { schema.required(field.name) } else { schema }
    });
    let examples = body.examples.iter().map(|(name, value)| (*name, ExampleBuilder::new().value(Some(value.clone()))));
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    let required = if body.is_required { Required::True } else { Required::False };
    let content_type = if body.is_form { "application/x-www-form-urlencoded" } else { "application/json" };
    RequestBodyBuilder::new().required(Some(required)).content(content_type, content).build()
}

/// Returns the schema of a field of a body. In JSON, a field that is not required may also be null. Null is read as absent,
/// unless the description of the field states otherwise. In a form, an empty text is read as absent.
fn field_schema(field: &Field, is_form: bool, settings: &Settings<'_>) -> Schema {
    let is_type = |kind: Type| -> SchemaType {
        if field.is_required || is_form { kind.into() } else { SchemaType::from_iter([kind, Type::Null]) }
    };
    let text = ObjectBuilder::new().schema_type(is_type(Type::String)).description(Some(field.description));
    let password = |text: ObjectBuilder, least| {
        let format = SchemaFormat::KnownFormat(KnownFormat::Password);
        text.format(Some(format)).min_length(Some(least)).max_length(Some(password::MAX_CHARS))
    };
    let schema = match field.kind {
        Kind::Text(max) => text.max_length(Some(max)),
        Kind::Password => password(text, 1),
        Kind::NewPassword => password(text, settings.password_min_length),
        Kind::Id => text.format(Some(uuid())),
        // An empty text of a form counts as absent.
        Kind::Opaque => text.min_length((field.is_required && is_form).then_some(1)),
        Kind::OneOf(choices) => {
            let null = (!(field.is_required || is_form)).then_some(Value::Null);
            text.enum_values(Some(choices.iter().map(|choice| Value::from(*choice)).chain(null)))
        }
        Kind::Boolean => text.schema_type(is_type(Type::Boolean)),
        Kind::Number(max) => text.schema_type(is_type(Type::Integer)).minimum(Some(1)).maximum(Some(f64::from(max))),
        Kind::Texts => {
            let list = ArrayBuilder::new().schema_type(is_type(Type::Array)).description(Some(field.description));
            return list.items(Object::with_type(Type::String)).build().into();
        }
        Kind::Object => text.schema_type(is_type(Type::Object)),
        Kind::Fingerprint => text.schema_type(is_type(Type::Object)).max_properties(Some(Fingerprint::MAX_FIELDS)),
    };
    schema.build().into()
}

fn uuid() -> SchemaFormat {
    SchemaFormat::Custom("uuid".to_owned())
}

/// Returns a path parameter: an id that this server created, or another text.
fn path_parameter(name: &str, description: &str, is_id: bool) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).format(is_id.then(uuid))))
        .build()
}

/// Returns a query parameter: a text that may be given several times.
fn query_parameter(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Array::new(Object::with_type(Type::String))))
        .build()
}

/// Returns a query parameter that is given once at most.
fn field_parameter(field: &Field, schema: Schema) -> Parameter {
    ParameterBuilder::new()
        .name(field.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(field.description))
        .schema(Some(schema))
        .build()
}

/// Returns an optional header parameter: a text.
fn header_parameter(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

/// Returns the header parameter with the CSRF token. It proves that a page of this server, or of an allowed origin, caused the
/// request.
pub(super) fn csrf_parameter(name: &str, cookie: &str) -> Parameter {
    let description = format!(
        "Required if a cookie authenticates the request. The value is the CSRF token: the value of the cookie `{cookie}`, \
         or of the field `csrf_token` in the response that set the cookies."
    );
    header_parameter(name, &description)
}

/// Returns the header parameter of a conditional request.
pub(super) fn if_none_match_parameter() -> Parameter {
    header_parameter(
        "If-None-Match",
        "The `ETag` of an earlier response (RFC 9110 §13.1.2). If the content has not changed, the response is 304.",
    )
}

fn parameter_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/parameters/{name}"))
}
