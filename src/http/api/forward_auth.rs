//! `GET {base}/verify`: a proxy asks whether a request may pass to the application behind it, and who makes it.
//!
//! The answer is closed by default: what can't be read, or was said by somebody who is not trusted, is 401. A 200 always has
//! all five headers, so that those which a client made up are overwritten. It changes nothing, so it checks no CSRF token:
//! whether a page may post to the application is for the application to say.

use rocket::{
    Request, Response, State, get,
    http::{Header, Status},
    request::{FromRequest, Outcome},
    response::{self, Responder},
};

use crate::{
    domain::{AccessClaims, Permission, exclusions::Host},
    flows::Vestibule,
    http::{
        app_state::AppState,
        errors::{ApiError, ErrorCode, guard_outcome},
        guards::{self, AccessToken},
        request::caller,
    },
    store::{self, users::Names},
};

/// What the proxy says of the request that it holds. None of it counts unless a trusted proxy says it, and each once.
#[derive(Clone, Copy)]
struct Forwarded<'r> {
    method: Option<&'r str>,
    proto: Option<&'r str>,
    host: Option<&'r str>,
    uri: Option<&'r str>,
}

impl<'r> Forwarded<'r> {
    fn read(request: &'r Request<'_>) -> Result<Self, ApiError> {
        let is_trusted = caller::is_behind_trusted_proxy(request);
        let one = |name: &str| {
            let mut values = request.headers().get(name);
            let value = values.next();
            if value.is_some() && !is_trusted {
                return Err(refused(format!("{name} counts only from an address in trusted_proxies.")));
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

    fn is_excluded(&self, vestibule: &Vestibule) -> bool {
        let host = self.host.map(|host| Host::parse(host).with_port_of(self.proto.unwrap_or_default()));
        self.uri.is_some_and(|uri| vestibule.exclusions.covers(host.as_ref(), uri))
    }

    /// Where a browser that asked for a page signs in and comes back from; none where it may not be sent back.
    fn sign_in(&self, vestibule: &Vestibule) -> Option<String> {
        let (Some("GET"), Some(proto @ ("http" | "https")), Some(host), Some(uri)) =
            (self.method, self.proto, self.host, self.uri)
        else {
            return None;
        };
        // Else it would go on in the host: `app.example.com` and `.evil.example`.
        let next = uri.starts_with('/').then(|| format!("{proto}://{host}{uri}"))?;
        let next = vestibule.redirects.read(&next)?.as_query_value();
        let web = &vestibule.config.web;
        Some(format!("{}{}/continue?next={next}", web.public_url, web.base_path))
    }
}

fn refused(detail: String) -> ApiError {
    ApiError::new(ErrorCode::MissingToken, detail)
}

/// What the query asks for.
#[derive(Default)]
struct Requirements<'r> {
    permissions: Vec<&'r str>,
    roles: Vec<&'r str>,
    redirect: bool,
}

impl<'r> Requirements<'r> {
    /// A name that is not known here is refused: a misspelt `permission` would let everybody in.
    fn read(request: &'r Request<'_>) -> Result<Self, ApiError> {
        let mut asked = Self::default();
        for field in request.query_fields() {
            match (field.name.source().as_str(), field.value) {
                ("permission", permission) => asked.permissions.push(permission),
                ("role", role) => asked.roles.push(role),
                ("redirect", value @ ("0" | "1")) => asked.redirect = value == "1",
                ("redirect", _) => return Err(ApiError::field("redirect", "must be 1 or 0")),
                (unknown, _) => {
                    return Err(ApiError::field(unknown, "is not a parameter; there are permission, role, redirect"));
                }
            }
        }
        Ok(asked)
    }

    /// Whether a user has all of it.
    fn check(&self, claims: &AccessClaims) -> Result<(), ApiError> {
        if let Some(missing) = self.permissions.iter().find(|permission| !claims.has_permission(permission)) {
            return Err(match Permission::parse(missing) {
                Ok(missing) => ApiError::insufficient_scope(missing.as_str()),
                // Nobody can hold it, and no header can name it.
                Err(_) => ApiError::insufficient("A permission that this needs is missing."),
            });
        }
        if self.roles.iter().any(|role| !claims.roles.iter().any(|held| held == role)) {
            return Err(ApiError::insufficient("A role that this needs is missing."));
        }
        Ok(())
    }
}

/// A proxy's question.
pub struct ForwardAuthRequest<'r> {
    forwarded: Forwarded<'r>,
    asked: Result<Requirements<'r>, ApiError>,
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
            asked: Requirements::read(request),
            // Proxies know 401 and 403; anything else they take for a fault of this server.
            token: guards::inspect(request).map_err(|error| match error.code() {
                ErrorCode::MalformedRequest => error.with_code(ErrorCode::InvalidToken),
                _ => error,
            }),
            is_browser: request.headers().get("Accept").any(|ranges| ranges.split(',').any(is_html)),
        });
        guard_outcome(request, question)
    }
}

/// What the proxy is told, beside a refusal.
pub enum ForwardAuthResponse {
    /// Nobody in particular may pass.
    Anybody,
    /// This user may.
    User(AccessToken, Names),
    /// The browser is to sign in there.
    SignIn(String),
}

impl ForwardAuthResponse {
    /// Every header of a 200, empty where there is nothing to say.
    fn identity(&self) -> [(&'static str, String); 5] {
        let (claims, names) = match self {
            Self::User(token, names) => (Some(token.claims()), Some(names)),
            Self::Anybody | Self::SignIn(_) => (None, None),
        };
        let email = names.and_then(|names| names.verified_email.clone());
        // An address is nobody's name, since names have no `@`.
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

/// Whether the request that a proxy holds may pass.
#[get("/verify")]
pub async fn verify(
    question: ForwardAuthRequest<'_>,
    vestibule: &State<AppState>,
) -> Result<ForwardAuthResponse, ApiError> {
    let ForwardAuthRequest { forwarded, asked, token, is_browser } = question;
    if forwarded.is_excluded(vestibule) {
        return Ok(ForwardAuthResponse::Anybody);
    }
    let token = match token {
        Ok(token) => token,
        Err(error) => {
            let sign_in =
                forwarded.sign_in(vestibule).filter(|_| is_browser && asked.is_ok_and(|asked| asked.redirect));
            return sign_in.map(ForwardAuthResponse::SignIn).ok_or(error);
        }
    };
    asked?.check(token.claims())?;
    // The names are read, not taken from the token: a new name or address is in force at once, whatever `token_claims` says.
    let names = store::users::find_names(&mut *vestibule.store.read().await?, token.claims().sub).await?;
    let names = names.ok_or_else(|| ApiError::new(ErrorCode::TokenRevoked, "The account is no more."))?;
    Ok(ForwardAuthResponse::User(token, names))
}
