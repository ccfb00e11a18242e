//! CORS: pages of the origins in `cors_allowed_origins` may call the server. Pages of every origin may read the key set and the
//! OAuth metadata.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::{Header, Method, Status},
};

use super::origin::is_allowed;
use crate::http::{api::well_known::is_public, app_state::AppState, own_routes::is_own_response};

/// The response headers that scripts of other origins may read.
const EXPOSED: &str = "New-Access-Token, Retry-After, X-Request-Id, WWW-Authenticate";

/// Seconds for which a browser may cache the response to a preflight.
const PREFLIGHT_MAX_AGE: &str = "600";

/// A fairing that sets the CORS headers on the responses of Vestibule's own routes.
pub struct Cors;

#[rocket::async_trait]
impl Fairing for Cors {
    fn info(&self) -> Info {
        Info { name: "CORS", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        if !is_own_response(request) {
            return;
        }
        if is_public(request) {
            response.set_header(Header::new("Access-Control-Allow-Origin", "*"));
            return;
        }
        let Some(vestibule) = request.rocket().state::<AppState>() else { return };
        // The response depends on the origin even if the origin is not allowed, so caches must distinguish it.
        response.adjoin_header(Header::new("Vary", "Origin"));
        let Some(origin) = request.headers().get_one("Origin").filter(|origin| is_allowed(vestibule, origin)) else {
            return;
        };
        response.set_header(Header::new("Access-Control-Allow-Origin", origin.to_owned()));
        response.set_header(Header::new("Access-Control-Allow-Credentials", "true"));
        response.set_header(Header::new("Access-Control-Expose-Headers", EXPOSED));
        // A 204 to `OPTIONS` is the response to a preflight: `fairings::methods` sets its `Allow`.
        if request.method() == Method::Options && response.status() == Status::NoContent {
            let methods = response.headers().get_one("Allow").unwrap_or_default().to_owned();
            let headers = allowed_headers(request, &vestibule.config.cookies.csrf_header);
            response.set_header(Header::new("Access-Control-Allow-Methods", methods));
            response.set_header(Header::new("Access-Control-Allow-Headers", headers));
            response.set_header(Header::new("Access-Control-Max-Age", PREFLIGHT_MAX_AGE));
        }
    }
}

/// Returns the request headers that a preflight allows, separated by commas: first the headers that the endpoints read, then
/// the headers that the preflight requests. An allowed origin may send any header, because libraries and API viewers send
/// headers of their own, such as `X-Requested-With`.
fn allowed_headers(request: &Request<'_>, csrf: &str) -> String {
    let own = ["Authorization", "Content-Type", "X-Request-Id", csrf];
    let requested_names =
        request.headers().get("Access-Control-Request-Headers").flat_map(|names| names.split(',')).map(str::trim);
    let requested =
        requested_names.filter(|name| is_token(name) && !own.iter().any(|known| known.eq_ignore_ascii_case(name)));
    own.into_iter().chain(requested).collect::<Vec<_>>().join(", ")
}

/// Returns whether a text can be the name of a header (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
