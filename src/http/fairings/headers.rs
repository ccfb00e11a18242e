//! The headers of every response of Vestibule's own routes: the id of the request, no caching unless the response allows it,
//! and the headers with which browsers restrict what a page can do.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::Header,
};

use crate::http::{app_state::AppState, own_routes::is_own_response, request::request_id::RequestId};

/// The security headers of a response. A response of the API is not a page, so a browser must not load, frame or sniff it.
/// Pages set a content policy of their own.
const FIXED: [(&str, &str); 5] = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-site"),
];

/// For one year, a browser that has reached the server by https uses only https.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// A fairing that sets the headers.
pub struct Headers;

#[rocket::async_trait]
impl Fairing for Headers {
    fn info(&self) -> Info {
        Info { name: "response headers", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        if !is_own_response(request) {
            return;
        }
        response.set_header(Header::new("X-Request-Id", RequestId::of(request).as_str().to_owned()));
        if !response.headers().contains("Cache-Control") {
            response.set_header(Header::new("Cache-Control", "no-store"));
        }
        let is_by_https = |vestibule: &AppState| vestibule.config.web.public_url.is_https();
        if request.rocket().state().is_some_and(is_by_https) {
            response.set_header(Header::new("Strict-Transport-Security", STRICT_TRANSPORT));
        }
        for (name, value) in FIXED {
            if !response.headers().contains(name) {
                response.set_header(Header::new(name, value));
            }
        }
    }
}
