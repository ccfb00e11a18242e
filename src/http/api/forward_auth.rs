//! `GET {base}/verify`: a proxy checks whether a request may pass to the application behind it, and gets the identity of the
//! user.
//!
//! The endpoint refuses by default: a request that can't be read, or whose `X-Forwarded-*` headers come from an address that is
//! not trusted, gets 401. A 200 always has all five identity headers, so that they overwrite headers that the client has
//! forged. The endpoint changes nothing, so it checks no CSRF token. The application decides whether a page may send a form to
//! it.

use rocket::{
    Request, Response, State, get,
    http::{Header, Status},
    request::{FromRequest, Outcome},
    response::{self, Responder},
};

use crate::{
    domain::{AccessClaims, Permission, address::Authority},
    flows::Vestibule,
    http::{
        app_state::AppState,
        errors::{ApiError, ErrorCode, guard_outcome},
        guards::{self, AccessToken},
        request::caller,
    },
    store::{self, users::ForwardedNames},
};

/// The original request, as the proxy describes it. Each header is accepted only from a trusted proxy, and only once.
#[derive(Clone, Copy)]
struct Forwarded<'r> {
    method: Option<&'r str>,
    proto: Option<&'r str>,
    host: Option<&'r str>,
    uri: Option<&'r str>,
}

impl<'r> Forwarded<'r> {
    /// Reads the headers. Fails with a 401 if a header is repeated or does not come from a trusted proxy.
    fn read(request: &'r Request<'_>) -> Result<Self, ApiError> {
        let is_trusted = caller::peer_is_trusted_proxy(request);
        let one = |name: &str| {
            let mut values = request.headers().get(name);
            let value = values.next();
            if value.is_some() && !is_trusted {
                return Err(refused(format!("{name} is accepted only from an address in trusted_proxies.")));
            }
            if values.next().is_some() {
                return Err(refused(format!("{name} was sent more than once.")));
            }
            Ok(value)
        };
        Ok(Self {
            method: one("X-Forwarded-Method")?,
            proto: one("X-Forwarded-Proto")?,
            host: one("X-Forwarded-Host")?,
            uri: one("X-Forwarded-Uri")?,
        })
    }

    /// Returns whether the original request passes without a token, because of `exclude_urls`.
    fn is_excluded(&self, vestibule: &Vestibule) -> bool {
        let host = self.host.and_then(|host| host.parse::<Authority>().ok());
        let host = host.map(|host| host.with_port_of(self.proto.unwrap_or_default()));
        self.uri.is_some_and(|uri| vestibule.exclusions.covers(host.as_ref(), uri))
    }

    /// Returns the address to which the browser is redirected to sign in; it contains the original address, to which the
    /// browser then returns. `None` if the original request is not a GET, if a header is absent, or if the browser may not be
    /// redirected to the original address.
    fn sign_in(&self, vestibule: &Vestibule) -> Option<String> {
        let (Some("GET"), Some(proto @ ("http" | "https")), Some(host), Some(uri)) =
            (self.method, self.proto, self.host, self.uri)
        else {
            return None;
        };
        // A text that does not start with `/` would continue the host name: `app.example.com` and `.evil.example`.
        let next = uri.starts_with('/').then(|| format!("{proto}://{host}{uri}"))?;
        let next = vestibule.redirects.read(&next)?.as_query_value();
        let web = &vestibule.config.web;
        Some(format!("{}{}/continue?next={next}", web.public_url, web.base_path))
    }
}

/// Returns the error for a header that is not accepted: a 401, because a proxy treats a 400 as a failure of this server.
fn refused(detail: String) -> ApiError {
    ApiError::new(ErrorCode::MissingToken, detail)
}

/// The conditions in the query, which the operator of the proxy configures.
#[derive(Default)]
struct Requirements<'r> {
    permissions: Vec<&'r str>,
    roles: Vec<&'r str>,
    redirect: bool,
}

impl<'r> Requirements<'r> {
    /// Reads the conditions. An unknown parameter is an error, because a misspelt `permission` would admit everybody.
    fn read(request: &'r Request<'_>) -> Result<Self, ApiError> {
        let mut conditions = Self::default();
        for field in request.query_fields() {
            match (field.name.source().as_str(), field.value) {
                ("permission", permission) => conditions.permissions.push(permission),
                ("role", role) => conditions.roles.push(role),
                ("redirect", value @ ("0" | "1")) => conditions.redirect = value == "1",
                ("redirect", _) => return Err(ApiError::field("redirect", "must be 1 or 0")),
                (unknown, _) => {
                    return Err(ApiError::field(unknown, "is not a parameter; there are permission, role, redirect"));
                }
            }
        }
        Ok(conditions)
    }

    /// Checks that the token carries every required permission and that the user has every required role. Fails with
    /// `insufficient_scope`.
    fn check(&self, claims: &AccessClaims) -> Result<(), ApiError> {
        if let Some(missing) = self.permissions.iter().find(|permission| !claims.has_permission(permission)) {
            return Err(match Permission::parse(missing) {
                Ok(missing) => ApiError::insufficient_scope(missing.as_str()),
                // No user can have such a permission, and the header `WWW-Authenticate` can't contain its name.
                Err(_) => ApiError::insufficient("A permission that this needs is missing."),
            });
        }
        if self.roles.iter().any(|role| !claims.roles.iter().any(|held| held == role)) {
            return Err(ApiError::insufficient("A role that this needs is missing."));
        }
        Ok(())
    }
}

/// A request guard that reads the data of the proxy: the original request, the conditions and the token. It fails only if the
/// original request can't be read. The handler decides about the other two, because an excluded path needs neither.
pub struct ForwardAuthRequest<'r> {
    forwarded: Forwarded<'r>,
    conditions: Result<Requirements<'r>, ApiError>,
    token: Result<AccessToken, ApiError>,
    is_browser: bool,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for ForwardAuthRequest<'r> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let is_html =
            |range: &str| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/html");
        let question = Forwarded::read(request).map(|forwarded| Self {
            forwarded,
            conditions: Requirements::read(request),
            // Proxies expect 401 or 403, and treat every other status as a failure of this server. So a malformed token is
            // reported as invalid (401).
            token: guards::inspect(request).map_err(|error| match error.code() {
                ErrorCode::MalformedRequest => error.with_code(ErrorCode::InvalidToken),
                _ => error,
            }),
            is_browser: request.headers().get("Accept").any(|ranges| ranges.split(',').any(is_html)),
        });
        guard_outcome(request, question)
    }
}

/// The response to a proxy. A refusal is an [`ApiError`] instead.
pub enum ForwardAuthResponse {
    /// Every request may pass.
    Anybody,
    /// The request of this user may pass.
    User(AccessToken, ForwardedNames),
    /// The browser is redirected to this address to sign in.
    SignIn(String),
}

impl ForwardAuthResponse {
    /// Returns the identity headers of a 200. A header without a value is empty.
    fn identity(&self) -> [(&'static str, String); 5] {
        let (claims, names) = match self {
            Self::User(token, names) => (Some(token.claims()), Some(names)),
            Self::Anybody | Self::SignIn(_) => (None, None),
        };
        let email = names.and_then(|names| names.verified_email.clone());
        // If the email address replaces the username, it can't be the username of another user: usernames contain no `@`.
        let user = names.and_then(|names| names.username.clone()).or_else(|| email.clone());
        let permissions =
            |claims: &AccessClaims| -> Vec<String> { claims.permissions.iter().map(Permission::to_string).collect() };
        [
            ("Remote-User", user.unwrap_or_default()),
            ("Remote-Email", email.unwrap_or_default()),
            ("Remote-Groups", claims.map(|claims| claims.roles.join(",")).unwrap_or_default()),
            ("X-Auth-Sub", claims.map(|claims| claims.sub.to_string()).unwrap_or_default()),
            ("X-Auth-Permissions", claims.map(|claims| permissions(claims).join(" ")).unwrap_or_default()),
        ]
    }
}

impl<'r> Responder<'r, 'static> for ForwardAuthResponse {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::new();
        if let Self::SignIn(location) = &self {
            response.set_status(Status::Found);
            response.set_header(Header::new("Location", location.clone()));
        } else {
            for (name, value) in self.identity() {
                response.set_header(Header::new(name, value));
            }
        }
        Ok(response)
    }
}

/// Decides whether the original request may pass. An excluded path passes without a token; even an invalid token is not refused
/// there.
#[get("/verify")]
pub async fn verify(
    question: ForwardAuthRequest<'_>,
    vestibule: &State<AppState>,
) -> Result<ForwardAuthResponse, ApiError> {
    let ForwardAuthRequest { forwarded, conditions, token, is_browser } = question;
    if forwarded.is_excluded(vestibule) {
        return Ok(ForwardAuthResponse::Anybody);
    }
    let token = match token {
        Ok(token) => token,
        Err(error) => {
            let sign_in = forwarded
                .sign_in(vestibule)
                .filter(|_| is_browser && conditions.is_ok_and(|conditions| conditions.redirect));
            return sign_in.map(ForwardAuthResponse::SignIn).ok_or(error);
        }
    };
    conditions?.check(token.claims())?;
    // The names are read from the database and not from the token. So a new username or email address takes effect at once, and
    // the setting `token_claims` does not matter.
    let names = store::users::find_names(&mut *vestibule.store.read().await?, token.claims().sub).await?;
    let names = names.ok_or_else(|| ApiError::new(ErrorCode::TokenRevoked, "The account was deleted."))?;
    Ok(ForwardAuthResponse::User(token, names))
}
