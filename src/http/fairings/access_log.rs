//! The access log. It has one line for each request to Vestibule's own routes. A line contains the pattern of the matched
//! route, not the path, because a path that matches no route may be a mistyped secret.

use std::time::Instant;

use rocket::{
    Data, Request, Response,
    fairing::{Fairing, Info, Kind},
};

use tracing::Level;

use crate::http::{
    api::forward_auth,
    own_routes::is_own_response,
    request::{caller::Caller, log_entry::LogEntry, request_id::RequestId},
};

/// A fairing that measures the time of each request and writes the access log.
pub struct AccessLog;

#[rocket::async_trait]
impl Fairing for AccessLog {
    fn info(&self) -> Info {
        Info { name: "access log", kind: Kind::Request | Kind::Response }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        // The first call stores the time in the cache of the request; the call below returns it.
        request.local_cache(Instant::now);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        if !is_own_response(request) {
            return;
        }
        let entry = LogEntry::of(request);
        // The level of an event is constant, so there is one event for each level.
        macro_rules! log {
            ($level:expr) => {
                tracing::event!(
                    target: "vestibule::access",
                    $level,
                    method = %request.method(),
                    route = request.route().map_or_else(|| "-".to_owned(), |route| route.uri.to_string()),
                    status = response.status().code,
                    error = entry.error(),
                    micros = u64::try_from(request.local_cache(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX),
                    ip = Caller::of(request).ip().unwrap_or("-"),
                    user = entry.user(),
                    request_id = RequestId::of(request).logged(),
                )
            };
        }
        // A proxy asks about each file of each page of an application.
        if forward_auth::is_permission(request, response.status()) {
            log!(Level::DEBUG);
        } else {
            log!(Level::INFO);
        }
    }
}
