//! The small HTTP server that gives the metrics. It has one path, one request for each connection, and few connections.
//!
//! It is apart from the server of the application, so that a scraper is answered although that server has reached its limits,
//! and so that a proxy which publishes the application does not publish the metrics.

use std::{collections::VecDeque, convert::Infallible, io, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, WWW_AUTHENTICATE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rocket::tokio::{
    task::{AbortHandle, JoinSet},
    time,
};

use super::figures::Figures;
use crate::{
    config,
    domain::secret::Secret,
    http::{
        app_state::AppState,
        server::{
            ACCEPT_AGAIN,
            listener::{Listener, Place, Stream},
        },
    },
    memory::metrics,
};

/// The only path.
const PATH: &str = "/metrics";

/// The number of connections that may be open at the same time. At this limit, the oldest one is closed.
const MAX_CONNECTIONS: usize = 16;

/// How long a client may take to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection is kept, with its response.
const LIFETIME: Duration = Duration::from_secs(30);

/// The maximum size of the head of a request, in bytes.
const MAX_HEAD: usize = 8 * 1024;

/// A server that gives the metrics.
pub struct MetricsServer {
    listener: Listener,
    token: Option<Secret>,
}

impl MetricsServer {
    /// Listens where the configuration says. Returns `None` if it names no address.
    ///
    /// # Errors
    /// The error of the system, if it can't listen there.
    pub fn bind(config: &config::Metrics) -> io::Result<Option<Self>> {
        let Some(at) = &config.address else { return Ok(None) };
        let listener = Listener::bind(&at.address, at.port)?;
        Ok(Some(Self { listener, token: config.token.clone() }))
    }

    /// Returns where the metrics are, for the operator: a URL, or the path of a socket.
    pub fn describe(&self) -> String {
        let place = self.listener.place().describe("http");
        if matches!(self.listener.place(), Place::Path(_)) { place } else { format!("{place}{PATH}") }
    }

    /// Answers scrapers. Does not end.
    pub async fn serve(self, vestibule: &AppState) -> Infallible {
        let endpoint = Arc::new(Endpoint {
            vestibule: Arc::clone(vestibule),
            token: self.token,
            figures: Figures::new(vestibule.clock.now()),
        });
        // The connections end when the set is dropped.
        let mut connections = JoinSet::new();
        let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection for the metrics");
                    time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            oldest.retain(|connection| !connection.is_finished());
            if oldest.len() >= MAX_CONNECTIONS
                && let Some(connection) = oldest.pop_front()
            {
                connection.abort();
            }
            let endpoint = Arc::clone(&endpoint);
            oldest.push_back(connections.spawn(async move {
                // A connection that takes too long, or that breaks, concerns nobody else.
                drop(time::timeout(LIFETIME, endpoint.answer_one(stream)).await);
            }));
        }
    }
}

/// What all connections share.
struct Endpoint {
    vestibule: AppState,
    token: Option<Secret>,
    figures: Figures,
}

impl Endpoint {
    /// Answers the one request of a connection.
    async fn answer_one(&self, stream: Stream) -> hyper::Result<()> {
        let service = service_fn(|request: Request<Incoming>| async move {
            Ok::<_, Infallible>(self.answer(request.method(), request.uri().path(), request.headers()).await)
        });
        http1::Builder::new()
            .keep_alive(false)
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_HEAD)
            .header_read_timeout(HEAD_TIMEOUT)
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
    }

    /// Returns the response to a request. Without the right token, it says nothing about paths and methods.
    async fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
        if !self.is_permitted(headers) {
            let challenge = (WWW_AUTHENTICATE, "Bearer realm=\"metrics\"");
            return response(StatusCode::UNAUTHORIZED, Some(challenge), "the metrics need the token\n");
        }
        if path != PATH {
            return response(StatusCode::NOT_FOUND, None, "the metrics are at /metrics\n");
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return response(StatusCode::METHOD_NOT_ALLOWED, Some((ALLOW, "GET, HEAD")), "send GET\n");
        }
        let figures = self.figures.read(&self.vestibule).await;
        match self.vestibule.metrics.render(figures) {
            Ok(text) => response(StatusCode::OK, Some((CONTENT_TYPE, metrics::MEDIA_TYPE)), text),
            Err(error) => {
                tracing::error!(error, "can't write the metrics");
                response(StatusCode::INTERNAL_SERVER_ERROR, None, "the metrics can't be written\n")
            }
        }
    }

    /// Returns whether the request has the token, if one is set. The name of the scheme may be in any case (RFC 9110 §11.1).
    fn is_permitted(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let (Some(sent), None) = (sent.next(), sent.next()) else { return false };
        let Some((scheme, presented)) = sent.as_bytes().split_at_checked("Bearer ".len()) else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ") && token.is(presented)
    }
}

/// Returns a response, as plain text unless `header` is another `Content-Type`.
fn response(
    status: StatusCode,
    header: Option<(HeaderName, &'static str)>,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let all = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    for (name, value) in all.into_iter().chain(header) {
        response.headers_mut().insert(name, value.parse().expect("a constant text of visible characters"));
    }
    response
}
