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
    config::{Sites, SitesDefault},
    domain::{AccessClaims, Permission, UserId, address::Authority, exclusions::Exclusions},
    flows::Vestibule,
    http::{
        app_state::AppState,
        errors::{ApiError, ErrorCode, guard_outcome},
        guards::{self, AccessToken},
        pages::{self, WayOn},
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

    /// Returns the host of the original request, with its port; `None` if the proxy does not name one.
    fn authority(&self) -> Option<Authority> {
        let host = self.host?.parse::<Authority>().ok()?;
        Some(host.with_port_of(self.proto.unwrap_or_default()))
    }

    /// Returns whether the original request passes without a token, because of `exclude_urls`.
    fn is_excluded(&self, vestibule: &Vestibule) -> bool {
        let host = self.authority();
        let of_site = host.as_ref().and_then(|host| vestibule.config.sites.find(host)).map(|site| &site.exclude_urls);
        let covers = |exclusions: &Exclusions| self.uri.is_some_and(|uri| exclusions.covers(host.as_ref(), uri));
        covers(&vestibule.exclusions) || of_site.is_some_and(covers)
    }

    /// Checks that the site of the original request admits the user. If the proxy does not name a host, no table can be
    /// applied; then the request is refused if there are tables. Fails with `insufficient_scope`.
    fn check_site(&self, sites: &Sites, claims: &AccessClaims) -> Result<(), ApiError> {
        let refused = |why: &str| Err(ApiError::insufficient(why));
        let Some(host) = self.authority() else {
            let is_open = sites.is_empty() && sites.default == SitesDefault::SignedIn;
            return if is_open { Ok(()) } else { refused("The proxy must name the host in X-Forwarded-Host.") };
        };
        let Some(site) = sites.find(&host) else {
            let is_open = sites.default == SitesDefault::SignedIn;
            return if is_open { Ok(()) } else { refused("This host is open to nobody.") };
        };
        if let Some(roles) = &site.roles
            && !roles.iter().any(|role| claims.roles.contains(role))
        {
            return refused("A role that this host needs is missing.");
        }
        let held = |permission: &Permission| claims.has_permission(permission.as_str());
        match site.permissions.iter().flatten().find(|permission| !held(permission)) {
            Some(missing) => Err(ApiError::insufficient_scope(missing.as_str())),
            None => Ok(()),
        }
    }

    /// Returns the address to which a browser returns after signing in, in percent-encoding: the original address if it is
    /// short enough, otherwise its path, otherwise its host. Only the host if the original request is not a GET. `None` if a
    /// header is absent, or if the browser may not be redirected there.
    fn way_back(&self, vestibule: &Vestibule) -> Option<String> {
        let (proto, host, uri) = (self.proto?, self.host?, self.uri?);
        let scheme = match proto {
            "http" | "ws" => "http",
            "https" | "wss" => "https",
            _ => return None,
        };
        // A text that does not start with `/` would continue the host name: `app.example.com` and `.evil.example`.
        if !uri.starts_with('/') {
            return None;
        }
        let path = uri.split('?').next().unwrap_or_default();
        for text in if self.is_get() { [uri, path, "/"] } else { ["/"; 3] } {
            let address = format!("{scheme}://{host}{text}");
            if address.len() > MAX_WAY_BACK {
                continue;
            }
            match vestibule.redirects.read(&address).map(|target| target.as_query_value()) {
                Some(target) if target.len() <= MAX_WAY_BACK => return Some(target),
                // A path that is not a plain one leads nowhere. The query may have any bytes.
                None if text == path => return None,
                _ => {}
            }
        }
        None
    }

    fn is_get(&self) -> bool {
        self.method == Some("GET")
    }
}

/// The maximum length of an address to return to, in percent-encoding. It is in the head of a response, for which proxies have
/// small buffers.
const MAX_WAY_BACK: usize = 2048;

impl Forwarded<'_> {
    /// Returns the refusal with the way on for a person. `next` is the result of [`Forwarded::way_back`], `who` the name of the
    /// user.
    fn refusal(
        &self,
        vestibule: &Vestibule,
        error: ApiError,
        next: Option<String>,
        who: Option<String>,
    ) -> ForwardAuthRefusal {
        let unlisted_host = self.authority().map(|host| host.host).filter(|host| {
            let is_listed = vestibule.redirects.read(&format!("https://{host}/")).is_some();
            next.is_none() && who.is_none() && !is_listed
        });
        let is_form = self.method.is_some_and(|method| !matches!(method, "GET" | "HEAD"));
        let way = WayOn { who, next: next.unwrap_or_default(), unlisted_host, is_form, is_elsewhere: true };
        ForwardAuthRefusal { error, way: Some(Box::new(way)) }
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

/// The response to a proxy. A refusal is a [`ForwardAuthRefusal`] instead.
pub enum ForwardAuthResponse {
    /// Every request may pass.
    Anybody,
    /// The request of this user may pass.
    User(AccessToken, ForwardedNames),
    /// The browser is redirected to this address to sign in.
    SignIn(String),
}

/// A refusal, which the proxy passes on: a page for a browser, otherwise the common error body.
pub struct ForwardAuthRefusal {
    error: ApiError,
    way: Option<Box<WayOn>>,
}

impl From<ApiError> for ForwardAuthRefusal {
    fn from(error: ApiError) -> Self {
        Self { error, way: None }
    }
}

impl From<store::Error> for ForwardAuthRefusal {
    fn from(error: store::Error) -> Self {
        ApiError::from(error).into()
    }
}

impl<'r> Responder<'r, 'static> for ForwardAuthRefusal {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        match self.way {
            Some(way) if pages::wants_page(request) => pages::error_page_with(&self.error, *way, request),
            _ => self.error.respond_to(request),
        }
    }
}

/// Returns the name of a user for applications: the username, otherwise the verified email address, otherwise the id. An email
/// address can't be the username of another user, because usernames contain no `@`.
fn name_of(user: UserId, names: &ForwardedNames) -> String {
    names.username.clone().or_else(|| names.verified_email.clone()).unwrap_or_else(|| user.to_string())
}

impl ForwardAuthResponse {
    /// Returns the identity headers of a 200. A header without a value is empty.
    fn identity(&self) -> [(&'static str, String); 5] {
        let (claims, names) = match self {
            Self::User(token, names) => (Some(token.claims()), Some(names)),
            Self::Anybody | Self::SignIn(_) => (None, None),
        };
        let user = claims.zip(names).map(|(claims, names)| name_of(claims.sub, names));
        let email = names.and_then(|names| names.verified_email.clone());
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

/// Returns whether the response of this request permits a request to an application.
pub fn is_permission(request: &Request<'_>, status: Status) -> bool {
    let is_verify = |vestibule: &AppState| {
        request.uri().path().as_str().strip_prefix(vestibule.config.web.base_path.as_str()) == Some("/verify")
    };
    status == Status::Ok && request.rocket().state().is_some_and(is_verify)
}

/// Decides whether the original request may pass. An excluded path passes without a token; even an invalid token is not refused
/// there.
#[get("/verify")]
pub async fn verify(
    question: ForwardAuthRequest<'_>,
    vestibule: &State<AppState>,
) -> Result<ForwardAuthResponse, ForwardAuthRefusal> {
    let ForwardAuthRequest { forwarded, conditions, token, is_browser } = question;
    if forwarded.is_excluded(vestibule) {
        return Ok(ForwardAuthResponse::Anybody);
    }
    let next = forwarded.way_back(vestibule);
    let token = match token {
        Ok(token) => token,
        Err(error) => {
            let is_redirected =
                is_browser && forwarded.is_get() && conditions.is_ok_and(|conditions| conditions.redirect);
            let web = &vestibule.config.web;
            return match next {
                Some(next) if is_redirected => {
                    Ok(ForwardAuthResponse::SignIn(format!("{}{}/continue?next={next}", web.public_url, web.base_path)))
                }
                next => Err(forwarded.refusal(vestibule, error, next, None)),
            };
        }
    };
    // The names are read from the database and not from the token. So a new username or email address takes effect at once, and
    // the setting `token_claims` does not matter.
    let names = store::users::find_names(&mut *vestibule.store.read().await?, token.claims().sub).await?;
    let names = names.ok_or_else(|| ApiError::new(ErrorCode::TokenRevoked, "The account was deleted."))?;
    let admitted = conditions
        .and_then(|conditions| conditions.check(token.claims()))
        .and_then(|()| forwarded.check_site(&vestibule.config.sites, token.claims()));
    match admitted {
        Ok(()) => Ok(ForwardAuthResponse::User(token, names)),
        Err(error) => Err(forwarded.refusal(vestibule, error, next, Some(name_of(token.claims().sub, &names)))),
    }
}
