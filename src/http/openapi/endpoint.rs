//! A row of the table: one endpoint with its requests, its responses, and the rules that add error codes.

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, Ref, RefOr, Schema,
        schema::{AdditionalProperties, Array},
    },
};

use super::headers::PROBLEM_JSON;
use crate::http::{
    errors::ErrorCode,
    request::{body::FromFields, field::Field},
};

/// The placeholder for the setting `base_path` in a path of the table.
pub(super) const BASE: &str = "{base}";

/// The security scheme of an access token that an API browser gets with a username and a password.
pub(super) const PASSWORD_FLOW: &str = "password";
/// The security scheme of an access token in the header `Authorization`.
pub(super) const BEARER: &str = "bearer";
/// The security scheme of a confidential client in the header `Authorization` (HTTP Basic).
pub(super) const CLIENT: &str = "client";
/// The security scheme of an access token in its cookie.
pub(super) const ACCESS_COOKIE: &str = "accessCookie";
/// The security scheme of a refresh token in its cookie.
pub(super) const REFRESH_COOKIE: &str = "refreshCookie";

/// A group of endpoints, which is a tag of the document. It is not [`crate::Group`], which is a unit of mounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Sessions,
    Users,
    Admin,
    OAuth,
    Keys,
    Operation,
}

impl Group {
    pub(super) const ALL: [Self; 6] =
        [Self::Sessions, Self::Users, Self::Admin, Self::OAuth, Self::Keys, Self::Operation];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Users => "Users",
            Self::Admin => "Administration",
            Self::OAuth => "OAuth 2.0",
            Self::Keys => "Keys",
            Self::Operation => "Operation",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Sessions => "Sign in, stay signed in, list your sessions, and sign out.",
            Self::Users => "Create and manage your own account.",
            Self::Admin => {
                "Accounts, sessions, roles, keys and the audit log, for who has the permission that the description names. \
                 Changes require a fresh access token. Nobody can give somebody more than they hold themselves. If the setting \
                 `admin_networks` is set, everything below `/admin` is 404 from elsewhere."
            }
            Self::OAuth => {
                "For clients and services that use OAuth 2.0. Request bodies are form-encoded. The endpoints with a request \
                 body return the errors of RFC 6749 as `application/json`."
            }
            Self::Keys => {
                "The public keys. Services use them to verify access tokens without a request to this server."
            }
            Self::Operation => "The health and the API description of the server.",
        }
    }
}

/// The callers that an endpoint accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Every caller, also without a token.
    Open,
    /// A caller with an access token.
    Bearer,
    /// A caller with a fresh access token, which was issued because the user had just proved the password.
    Fresh,
    /// A caller with a refresh token, in the body or in a cookie.
    Refresh,
    /// A caller with any token that this server issued, even an expired token.
    AnyToken,
    /// A client. A public client sends its id in the form or is `default`; a confidential client also sends its secret.
    Client,
    /// A confidential client, or a caller with an access token that carries the required permission.
    ClientOrBearer,
}

impl Access {
    /// Returns the security schemes, any one of which is sufficient. `None` represents a token or a client in the body, for
    /// which OpenAPI has no scheme. The list is empty if every caller is accepted.
    pub(super) fn schemes(self) -> &'static [Option<&'static str>] {
        match self {
            Self::Open => &[],
            Self::Bearer | Self::Fresh => &[Some(PASSWORD_FLOW), Some(BEARER), Some(ACCESS_COOKIE)],
            Self::Refresh => &[None, Some(REFRESH_COOKIE)],
            Self::AnyToken => &[None, Some(PASSWORD_FLOW), Some(BEARER), Some(REFRESH_COOKIE), Some(ACCESS_COOKIE)],
            Self::Client => &[None, Some(CLIENT)],
            Self::ClientOrBearer => &[None, Some(CLIENT), Some(PASSWORD_FLOW), Some(BEARER)],
        }
    }

    /// Returns the codes with which such an endpoint refuses a missing or invalid token or client.
    fn codes(self) -> &'static [ErrorCode] {
        use ErrorCode::{
            FreshTokenRequired, InvalidClient, InvalidToken, MayNotIntrospect, MissingToken, TokenExpired,
            TokenRevoked, WrongTokenType,
        };
        match self {
            Self::Open => &[],
            Self::Bearer | Self::Refresh => &[MissingToken, InvalidToken, TokenExpired, TokenRevoked, WrongTokenType],
            Self::Fresh => {
                &[MissingToken, InvalidToken, TokenExpired, TokenRevoked, WrongTokenType, FreshTokenRequired]
            }
            Self::AnyToken => &[MissingToken, InvalidToken, WrongTokenType],
            Self::Client => &[InvalidClient],
            Self::ClientOrBearer => {
                &[InvalidClient, MayNotIntrospect, InvalidToken, TokenExpired, TokenRevoked, WrongTokenType]
            }
        }
    }
}

/// A request body: JSON or a form.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) is_form: bool,
    pub(super) is_required: bool,
    pub(super) fields: Vec<&'static Field>,
    pub(super) examples: Vec<(&'static str, Value)>,
}

/// The successful response of an endpoint.
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) description: &'static str,
    /// The schema of the body, or `None` if the response has no body.
    pub(super) schema: Option<RefOr<Schema>>,
    /// The schemas that `schema` refers to, by name.
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
    /// The names of the headers that only this response has. Responses of all endpoints have further headers.
    pub(super) headers: Vec<&'static str>,
}

/// An endpoint: one operation of the document.
pub(super) struct Endpoint {
    pub(super) method: HttpMethod,
    pub(super) path: &'static str,
    /// The name of the handler, which is the operation's id.
    pub(super) id: &'static str,
    pub(super) group: Group,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) access: Access,
    /// Name and description of each parameter in the path, and whether it is an id that this server created.
    pub(super) path_parameters: Vec<(&'static str, &'static str, bool)>,
    /// Name and description of each parameter in the query. Each parameter may be repeated.
    pub(super) query_parameters: Vec<(&'static str, &'static str)>,
    /// The parameters in the query that are given once at most.
    pub(super) query_fields: Vec<&'static Field>,
    pub(super) body: Option<Body>,
    pub(super) success: Success,
    /// The description of the 302, or `None` if the endpoint never redirects with a 302.
    pub(super) found: Option<&'static str>,
    /// Whether caches may keep the response. If so, the response has an `ETag`.
    pub(super) is_cacheable: bool,
    /// The codes of this endpoint that no rule adds.
    own_codes: &'static [ErrorCode],
    /// The codes that a rule would add, but that this endpoint never returns.
    never: &'static [ErrorCode],
}

impl Endpoint {
    /// Creates an endpoint that every caller may use, that reads no input and that returns 204.
    pub(super) fn new(method: HttpMethod, path: &'static str, id: &'static str, group: Group) -> Self {
        let success =
            Success { status: 204, description: "Done.", schema: None, schemas: Vec::new(), headers: Vec::new() };
        Self {
            method,
            path,
            id,
            group,
            summary: "",
            description: "",
            access: Access::Open,
            path_parameters: Vec::new(),
            query_parameters: Vec::new(),
            query_fields: Vec::new(),
            body: None,
            success,
            found: None,
            is_cacheable: false,
            own_codes: &[],
            never: &[],
        }
    }

    /// Sets the summary and the description of the operation.
    pub(super) fn described_as(self, summary: &'static str, description: &'static str) -> Self {
        Self { summary, description, ..self }
    }

    /// Sets the callers that the endpoint accepts.
    pub(super) fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    pub(super) fn path_parameter(mut self, name: &'static str, description: &'static str) -> Self {
        self.path_parameters.push((name, description, true));
        self
    }

    /// Adds a parameter in the path that is not an id of this server.
    pub(super) fn path_text(mut self, name: &'static str, description: &'static str) -> Self {
        self.path_parameters.push((name, description, false));
        self
    }

    pub(super) fn query_parameter(mut self, name: &'static str, description: &'static str) -> Self {
        self.query_parameters.push((name, description));
        self
    }

    /// Adds a parameter in the query that is given once at most.
    pub(super) fn query_field(mut self, field: &'static Field) -> Self {
        self.query_fields.push(field);
        self
    }

    /// Adds the parameters of a query that a handler reads as fields.
    pub(super) fn query<T: FromFields>(self) -> Self {
        Self { query_fields: T::FIELDS.iter().collect(), ..self }
    }

    /// Adds a JSON body that is required.
    pub(super) fn json_body<T: FromFields>(self) -> Self {
        self.with_body::<T>(false, true)
    }

    /// Adds a JSON body that may be absent.
    pub(super) fn optional_json_body<T: FromFields>(self) -> Self {
        self.with_body::<T>(false, false)
    }

    /// Adds a form body, which is required.
    pub(super) fn form_body<T: FromFields>(self) -> Self {
        self.with_body::<T>(true, true)
    }

    fn with_body<T: FromFields>(self, is_form: bool, is_required: bool) -> Self {
        let fields = T::FIELDS.iter().chain(T::SHARED_FIELDS).collect();
        Self { body: Some(Body { is_form, is_required, fields, examples: Vec::new() }), ..self }
    }

    /// Adds an example of a body that the endpoint accepts.
    pub(super) fn example_body(mut self, name: &'static str, value: Value) -> Self {
        if let Some(body) = &mut self.body {
            body.examples.push((name, value));
        }
        self
    }

    /// Sets the status, the description and the type of the successful response.
    pub(super) fn returns<T: ToSchema>(self, status: u16, description: &'static str) -> Self {
        self.with_success::<T>(status, description, |schema| schema.into())
    }

    /// Sets a successful response that is a list of `T`.
    pub(super) fn returns_list_of<T: ToSchema>(self, status: u16, description: &'static str) -> Self {
        self.with_success::<T>(status, description, |schema| Array::new(schema).into())
    }

    fn with_success<T: ToSchema>(
        mut self,
        status: u16,
        description: &'static str,
        wrap: fn(Ref) -> RefOr<Schema>,
    ) -> Self {
        T::schemas(&mut self.success.schemas);
        self.success.schemas.push((T::name().into_owned(), T::schema()));
        self.success.schema = Some(wrap(Ref::from_schema_name(T::name())));
        self.success.status = status;
        self.success.description = description;
        self
    }

    /// Allows fields in the successful response that its schema does not list.
    pub(super) fn with_additional_fields(mut self) -> Self {
        if let Some((_, RefOr::T(Schema::Object(schema)))) = self.success.schemas.last_mut() {
            schema.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
        }
        self
    }

    /// Sets the description of a successful response without a body. Its status stays 204.
    pub(super) fn returns_nothing(mut self, description: &'static str) -> Self {
        self.success.description = description;
        self
    }

    /// Sets a successful response with the status 200, these headers and no body.
    pub(super) fn returns_headers(mut self, headers: &[&'static str], description: &'static str) -> Self {
        self.success.status = 200;
        self.success.headers.extend(headers);
        self.returns_nothing(description)
    }

    /// Adds a 302, for a browser that must sign in first.
    pub(super) fn may_redirect(self, description: &'static str) -> Self {
        Self { found: Some(description), ..self }
    }

    /// Adds a header to the successful response.
    pub(super) fn with_header(mut self, name: &'static str) -> Self {
        self.success.headers.push(name);
        self
    }

    /// Marks the response as one that caches may keep.
    pub(super) fn may_be_cached(self) -> Self {
        Self { is_cacheable: true, ..self }
    }

    /// Sets the codes of this endpoint that no rule adds.
    pub(super) fn fails_with(self, own_codes: &'static [ErrorCode]) -> Self {
        Self { own_codes, ..self }
    }

    /// Sets the codes that a rule would add, but that this endpoint never returns.
    pub(super) fn excludes_codes(self, never: &'static [ErrorCode]) -> Self {
        Self { never, ..self }
    }

    /// Returns whether a request must contain the CSRF token if a cookie authenticates it.
    pub(super) fn is_csrf_checked(&self) -> bool {
        let reads_no_cookies = matches!(self.access, Access::Open | Access::Client | Access::ClientOrBearer);
        !reads_no_cookies && !is_get(&self.method)
    }

    /// Returns whether the endpoint has the errors of RFC 6749 §5.2.
    fn uses_oauth_errors(&self) -> bool {
        matches!(self.access, Access::Client | Access::ClientOrBearer)
    }

    /// Returns the media type of the error bodies.
    pub(super) fn error_type(&self) -> &'static str {
        if self.uses_oauth_errors() { "application/json" } else { PROBLEM_JSON }
    }

    /// Returns the codes that the endpoint can return: its own codes, and the codes that follow from its access and its body.
    /// Not included are the 404 of an unknown path and the 405, because they belong to no endpoint.
    pub(super) fn codes(&self) -> impl Iterator<Item = ErrorCode> {
        ErrorCode::ALL.iter().copied().filter(|code| self.can_fail_with(*code))
    }

    /// Returns whether the endpoint can return a code.
    fn can_fail_with(&self, code: ErrorCode) -> bool {
        let reads_something = self.access != Access::Open || self.body.is_some();
        let by_rule = match code {
            ErrorCode::InternalError => true,
            ErrorCode::StorageUnavailable => reads_something,
            ErrorCode::OAuthInvalidRequest => self.uses_oauth_errors(),
            ErrorCode::MalformedRequest => reads_something && !self.uses_oauth_errors(),
            ErrorCode::CsrfFailed => self.is_csrf_checked(),
            // From outside of `admin_networks`.
            ErrorCode::NotFound => self.group == Group::Admin,
            ErrorCode::PayloadTooLarge | ErrorCode::UnsupportedMediaType => self.body.is_some(),
            ErrorCode::MalformedJson | ErrorCode::InvalidRequest => self.body.is_some() && !self.uses_oauth_errors(),
            _ => false,
        };
        let by_rule = by_rule && !self.never.contains(&code);
        by_rule || self.access.codes().contains(&code) || self.own_codes.contains(&code)
    }
}

/// Returns whether the method is `GET`. An endpoint with this method changes nothing.
pub(super) fn is_get(method: &HttpMethod) -> bool {
    *method == HttpMethod::Get
}
