//! One row of the table: what an endpoint takes and gives, and by which rules it can refuse.

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, Ref, RefOr, Schema,
        schema::{AdditionalProperties, Array},
    },
};

use super::headers::PROBLEM;
use crate::http::{
    errors::ErrorCode,
    request::{body::FromFields, field::Field},
};

/// What stands in a path of the table for the setting `base_path`.
pub(super) const BASE: &str = "{base}";

/// The security scheme of an access token that a viewer gets for a password.
pub(super) const PASSWORD_FLOW: &str = "password";
/// The security scheme of an access token in `Authorization`.
pub(super) const BEARER: &str = "bearer";
/// The security scheme of a confidential client in `Authorization`.
pub(super) const CLIENT: &str = "client";
/// The security scheme of an access token in its cookie.
pub(super) const ACCESS_COOKIE: &str = "accessCookie";
/// The security scheme of a refresh token in its cookie.
pub(super) const REFRESH_COOKIE: &str = "refreshCookie";

/// What endpoints are listed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Sessions,
    Users,
    OAuth,
    Keys,
    Operation,
}

impl Group {
    pub(super) const ALL: [Self; 5] = [Self::Sessions, Self::Users, Self::OAuth, Self::Keys, Self::Operation];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Users => "Users",
            Self::OAuth => "OAuth 2.0",
            Self::Keys => "Keys",
            Self::Operation => "Operation",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Sessions => "Sign in, stay signed in, see where you are signed in, sign out.",
            Self::Users => "Your own account.",
            Self::OAuth => {
                "For clients and services that speak OAuth 2.0: form-encoded, with the errors of RFC 6749 as `application/json`."
            }
            Self::Keys => "For services that check access tokens by themselves.",
            Self::Operation => "The server itself.",
        }
    }
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody.
    Open,
    /// Whoever has an access token.
    Bearer,
    /// Whoever has an access token for which a password was just proved.
    Fresh,
    /// Whoever has a refresh token, in the body or in its cookie.
    Refresh,
    /// Whoever has any token, even one that is over.
    AnyToken,
    /// A client: a public one by its name in the form, a confidential one by its secret too.
    Client,
    /// A confidential client, or whoever has an access token with the right permission.
    ClientOrBearer,
}

impl Access {
    /// The security schemes, any of which will do; with an empty one where the body can bring the token.
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

    /// How it refuses a token.
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

/// A JSON body, or a form.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) is_form: bool,
    pub(super) is_required: bool,
    pub(super) fields: Vec<&'static Field>,
    pub(super) examples: Vec<(&'static str, Value)>,
}

/// What an endpoint gives when it does what it is for.
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) description: &'static str,
    /// None where there is no body.
    pub(super) schema: Option<RefOr<Schema>>,
    /// Those that `schema` refers to.
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
    /// Headers beside the common ones.
    pub(super) headers: Vec<&'static str>,
}

/// An endpoint.
pub(super) struct Endpoint {
    pub(super) method: HttpMethod,
    pub(super) path: &'static str,
    /// Its handler's name.
    pub(super) id: &'static str,
    pub(super) group: Group,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) access: Access,
    /// Name and description of what stands in braces in the path.
    pub(super) path_parameters: Vec<(&'static str, &'static str)>,
    /// Name and description of what may stand in the query, each perhaps several times.
    pub(super) query_parameters: Vec<(&'static str, &'static str)>,
    pub(super) body: Option<Body>,
    pub(super) success: Success,
    /// Where a browser is sent instead: description.
    pub(super) found: Option<&'static str>,
    /// Whether a cache may keep the answer, which then has an `ETag`.
    pub(super) is_cacheable: bool,
    /// The codes that no rule adds.
    own_codes: &'static [ErrorCode],
    /// The codes that a rule adds, but that it never gives.
    never: &'static [ErrorCode],
}

impl Endpoint {
    /// One that anybody may call, which takes nothing and gives 204.
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
            body: None,
            success,
            found: None,
            is_cacheable: false,
            own_codes: &[],
            never: &[],
        }
    }

    pub(super) fn described_as(self, summary: &'static str, description: &'static str) -> Self {
        Self { summary, description, ..self }
    }

    pub(super) fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    pub(super) fn path_parameter(mut self, name: &'static str, description: &'static str) -> Self {
        self.path_parameters.push((name, description));
        self
    }

    pub(super) fn query_parameter(mut self, name: &'static str, description: &'static str) -> Self {
        self.query_parameters.push((name, description));
        self
    }

    /// It takes a JSON body.
    pub(super) fn json_body<T: FromFields>(self) -> Self {
        self.reads::<T>(false, true)
    }

    /// It takes a JSON body, or none.
    pub(super) fn optional_json_body<T: FromFields>(self) -> Self {
        self.reads::<T>(false, false)
    }

    /// It takes a form.
    pub(super) fn form_body<T: FromFields>(self) -> Self {
        self.reads::<T>(true, true)
    }

    fn reads<T: FromFields>(self, is_form: bool, is_required: bool) -> Self {
        let fields = T::FIELDS.iter().chain(T::SHARED_FIELDS).collect();
        Self { body: Some(Body { is_form, is_required, fields, examples: Vec::new() }), ..self }
    }

    /// A body that works.
    pub(super) fn example_body(mut self, name: &'static str, value: Value) -> Self {
        if let Some(body) = &mut self.body {
            body.examples.push((name, value));
        }
        self
    }

    pub(super) fn returns<T: ToSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers::<T>(status, description, |schema| schema.into())
    }

    pub(super) fn returns_list_of<T: ToSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers::<T>(status, description, |schema| Array::new(schema).into())
    }

    fn answers<T: ToSchema>(mut self, status: u16, description: &'static str, wrap: fn(Ref) -> RefOr<Schema>) -> Self {
        T::schemas(&mut self.success.schemas);
        self.success.schemas.push((T::name().into_owned(), T::schema()));
        self.success.schema = Some(wrap(Ref::from_schema_name(T::name())));
        self.success.status = status;
        self.success.description = description;
        self
    }

    /// What it gives may have fields beside those that its schema lists.
    pub(super) fn with_additional_fields(mut self) -> Self {
        if let Some((_, RefOr::T(Schema::Object(schema)))) = self.success.schemas.last_mut() {
            schema.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
        }
        self
    }

    pub(super) fn returns_nothing(mut self, description: &'static str) -> Self {
        self.success.description = description;
        self
    }

    /// 200 with headers alone.
    pub(super) fn returns_headers(mut self, headers: &[&'static str], description: &'static str) -> Self {
        self.success.status = 200;
        self.success.headers.extend(headers);
        self.returns_nothing(description)
    }

    /// 302 where that is what a browser needs.
    pub(super) fn may_redirect(self, description: &'static str) -> Self {
        Self { found: Some(description), ..self }
    }

    pub(super) fn with_header(mut self, name: &'static str) -> Self {
        self.success.headers.push(name);
        self
    }

    pub(super) fn cacheable(self) -> Self {
        Self { is_cacheable: true, ..self }
    }

    pub(super) fn fails_with(self, own_codes: &'static [ErrorCode]) -> Self {
        Self { own_codes, ..self }
    }

    /// Takes codes away that a rule adds.
    pub(super) fn never_fails_with(self, never: &'static [ErrorCode]) -> Self {
        Self { never, ..self }
    }

    /// Whether it must show the CSRF token when a cookie authenticates.
    pub(super) fn is_csrf_checked(&self) -> bool {
        let reads_no_cookies = matches!(self.access, Access::Open | Access::Client | Access::ClientOrBearer);
        !reads_no_cookies && !is_get(&self.method)
    }

    /// Whether its errors are those of RFC 6749 §5.2.
    fn is_of_oauth(&self) -> bool {
        matches!(self.access, Access::Client | Access::ClientOrBearer)
    }

    /// The type of its error bodies.
    pub(super) fn error_type(&self) -> &'static str {
        if self.is_of_oauth() { "application/json" } else { PROBLEM }
    }

    /// The codes that it can give: its own, and those that come with what it takes. A 404 of an unknown path and a 405
    /// are the server's, not an endpoint's.
    pub(super) fn codes(&self) -> impl Iterator<Item = ErrorCode> {
        ErrorCode::ALL.iter().copied().filter(|code| self.can_give(*code))
    }

    fn can_give(&self, code: ErrorCode) -> bool {
        let reads_something = self.access != Access::Open || self.body.is_some();
        let by_rule = match code {
            ErrorCode::InternalError => true,
            ErrorCode::StorageUnavailable => reads_something,
            ErrorCode::OAuthInvalidRequest => self.is_of_oauth(),
            ErrorCode::MalformedRequest => reads_something && !self.is_of_oauth(),
            ErrorCode::CsrfFailed => self.is_csrf_checked(),
            ErrorCode::PayloadTooLarge | ErrorCode::UnsupportedMediaType => self.body.is_some(),
            ErrorCode::MalformedJson | ErrorCode::InvalidRequest => self.body.is_some() && !self.is_of_oauth(),
            _ => false,
        };
        let by_rule = by_rule && !self.never.contains(&code);
        by_rule || self.access.codes().contains(&code) || self.own_codes.contains(&code)
    }
}

/// Whether a method changes nothing.
pub(super) fn is_get(method: &HttpMethod) -> bool {
    *method == HttpMethod::Get
}
