//! CORS: pages of other origins, as far as `cors_allowed_origins` lists them. The key set is open to all.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::{Header, Method, Status},
};

use super::{Shared, embed::concerns_us};
use crate::{config::CorsOrigins, flows::Vestibule};

/// Headers that scripts of other origins may read.
const EXPOSED: &str = "New-Access-Token, Retry-After, X-Request-Id, WWW-Authenticate";

/// How long a browser may remember a preflight's answer, in seconds.
const PREFLIGHT_MAX_AGE: &str = "600";

/// Sets the headers.
pub struct Cors;

#[rocket::async_trait]
impl Fairing for Cors {
    fn info(&self) -> Info {
        Info { name: "CORS", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        if !concerns_us(request) {
            return;
        }
        if super::well_known::is_public(request) {
            response.set_header(Header::new("Access-Control-Allow-Origin", "*"));
            return;
        }
        let Some(vestibule) = request.rocket().state::<Shared>() else { return };
        response.adjoin_header(Header::new("Vary", "Origin"));
        let Some(origin) = request.headers().get_one("Origin").filter(|origin| is_allowed(vestibule, origin)) else {
            return;
        };
        response.set_header(Header::new("Access-Control-Allow-Origin", origin.to_owned()));
        response.set_header(Header::new("Access-Control-Allow-Credentials", "true"));
        response.set_header(Header::new("Access-Control-Expose-Headers", EXPOSED));
        if request.method() == Method::Options && response.status() == Status::NoContent {
            let methods = response.headers().get_one("Allow").unwrap_or_default().to_owned();
            let csrf = &vestibule.config.cookies.csrf_header;
            response.set_header(Header::new("Access-Control-Allow-Methods", methods));
            let headers = format!("Authorization, Content-Type, X-Request-Id, {csrf}");
            response.set_header(Header::new("Access-Control-Allow-Headers", headers));
            response.set_header(Header::new("Access-Control-Max-Age", PREFLIGHT_MAX_AGE));
        }
    }
}

fn is_allowed(vestibule: &Vestibule, origin: &str) -> bool {
    match &vestibule.config.web.cors {
        CorsOrigins::None => false,
        CorsOrigins::AnyLocalhost => is_localhost(origin),
        CorsOrigins::List(origins) => origins.iter().any(|allowed| allowed == origin),
    }
}

/// Whether an `Origin` is this server's own, or allowed.
pub fn is_own_or_allowed(vestibule: &Vestibule, origin: &str) -> bool {
    origin_of(&vestibule.config.web.public_url) == Some(origin) || is_allowed(vestibule, origin)
}

/// `http://localhost`, `127.0.0.1` or `[::1]` with any port.
fn is_localhost(origin: &str) -> bool {
    let host_and_port = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host_and_port.is_some_and(|rest| {
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
            rest.strip_prefix(host).is_some_and(|port| {
                port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
            })
        })
    })
}

/// The scheme and host of a URL: what stands before the path.
fn origin_of(url: &str) -> Option<&str> {
    let after_scheme = url.find("://")? + 3;
    let end = url[after_scheme..].find('/').map_or(url.len(), |slash| after_scheme + slash);
    Some(&url[..end])
}
