//! The headers of every response of Vestibule's own routes: the id of the request, the security headers, and `Cache-Control:
//! no-store` if the response sets no other value.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::Header,
};

use crate::http::{app_state::AppState, own_routes::is_own_response, request::request_id::RequestId};

/// The security headers of a response. A response of the API is not a page. So a browser must not load anything for it, display
/// it in a frame, or guess its media type. A page replaces some of these headers by its own.
const FIXED: [(&str, &str); 5] = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-site"),
];

/// The value of `Strict-Transport-Security`: for one year, a browser that has reached the server by https uses only https.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// A fairing that sets these headers. It keeps a value that the handler has set, except for `X-Request-Id` and
/// `Strict-Transport-Security`.
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
        // By http the header would have no effect (RFC 6797 §8.1).
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
