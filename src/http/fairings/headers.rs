//! What every answer carries: its request's id, no caching unless it says otherwise, and the browser's brakes.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::Header,
};

use crate::http::{app_state::AppState, own_routes::is_own_response, request::request_id::RequestId};

/// An API answer is no page: nothing may load, frame or sniff it. Pages have a content policy of their own.
const FIXED: [(&str, &str); 5] = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-site"),
];

/// How long a browser that was here by https keeps to it: a year.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// Sets the headers.
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
        let is_by_https = |vestibule: &AppState| vestibule.config.web.public_url.starts_with("https://");
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
