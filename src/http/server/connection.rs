//! One connection, from its acceptance to its end.

use std::{
    io,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{
    body::Incoming,
    header::{CONNECTION, HeaderValue},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rocket::tokio::{
    io::{AsyncRead, AsyncWrite},
    select,
    sync::watch::Receiver,
    time::interval,
};

use super::{
    dispatch::Dispatcher,
    stream::{Refuse, WatchedStream},
    watch::Watch,
};
use crate::http::request::{peer::Peer, refusal::Refusal};

/// The maximum size of the head of a request, in bytes. In HTTP/2 it is the size of the decoded headers.
const MAX_HEAD: usize = 32 * 1024;

/// The maximum size of each buffer of a connection, in bytes. A buffer must be able to contain a head.
const MAX_BUFFER: usize = MAX_HEAD + 8 * 1024;

/// The number of bytes that an HTTP/2 client may send before the server has read them, for each request and for all.
const MAX_WINDOW: u32 = 65_535;

/// The time between two checks whether a connection of a server that stops has no request.
const STOPPING_EVERY: Duration = Duration::from_millis(5);

/// The maximum number of headers of a request.
const MAX_HEADERS: usize = 100;

/// The maximum number of requests that an HTTP/2 connection may have at the same time.
const MAX_STREAMS: u32 = 64;

/// The number of HTTP/2 requests that the client may reset before they are handled. The next one ends the connection
/// (CVE-2023-44487, rapid reset).
const MAX_RESETS: usize = 20;

/// The protocol of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// What all connections of a server share.
#[derive(Clone)]
pub struct Service {
    pub dispatcher: Arc<Dispatcher>,
    /// Whether a connection may carry several requests.
    pub keep_alive: bool,
    /// Becomes `true` when the server is to stop.
    pub stop: Receiver<bool>,
}

impl Service {
    /// Serves the connection until it ends. After the server was told to stop, it ends with the response to its current
    /// request.
    pub async fn serve<S>(self, stream: S, peer: Peer, watch: Watch, protocol: Protocol)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let dispatcher = Arc::clone(&self.dispatcher);
        let refuse: Refuse = Arc::new(move |refusal: Refusal| {
            let dispatcher = Arc::clone(&dispatcher);
            Box::pin(async move { dispatcher.refuse(refusal, peer).await })
        });
        let watched = watch.clone();
        let is_multiplexed = protocol == Protocol::Http2;
        let stream = TokioIo::new(WatchedStream::new(stream, watch.clone(), is_multiplexed, refuse));
        let (dispatcher, stop) = (Arc::clone(&self.dispatcher), self.stop.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let handle = watched.begin(Instant::now(), hyper::body::Body::is_end_stream(request.body()));
            let is_last = !is_multiplexed && *stop.borrow();
            let answer = dispatcher.handle(request, peer, handle);
            async move {
                let mut response = answer.await?;
                if is_last {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, io::Error>(response)
            }
        });
        let ended = match protocol {
            Protocol::Http1 => {
                let mut http = http1::Builder::new();
                http.half_close(true)
                    .keep_alive(self.keep_alive)
                    .max_headers(MAX_HEADERS)
                    .max_header_size(MAX_HEAD)
                    .max_buf_size(MAX_BUFFER)
                    // `Connections` closes a connection that is overdue.
                    .header_read_timeout(None)
                    .timer(TokioTimer::new());
                until_idle(http.serve_connection(stream, service), &watch, self.stop).await
            }
            Protocol::Http2 => {
                let mut http = http2::Builder::new(TokioExecutor::new());
                http.max_concurrent_streams(MAX_STREAMS)
                    .max_pending_accept_reset_streams(MAX_RESETS)
                    .max_header_list_size(MAX_HEAD as u32)
                    .max_send_buf_size(MAX_BUFFER)
                    .initial_stream_window_size(MAX_WINDOW)
                    .initial_connection_window_size(MAX_WINDOW)
                    .timer(TokioTimer::new());
                // In a box, because it is large, and most connections are HTTP/1.1.
                let mut connection = Box::pin(http.serve_connection(stream, service));
                select! {
                    ended = connection.as_mut() => ended,
                    () = watch.is_abused() => Ok(()),
                    () = stopped(self.stop) => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            }
        };
        if let Err(error) = ended {
            // The client has left, or sent what is not HTTP. Neither is a fault of the server.
            tracing::debug!(%error, ?peer, "a connection has ended");
        }
    }
}

/// Drives an HTTP/1.1 connection to its end. After the server was told to stop, the connection ends when it has no request.
///
/// hyper would end it at once. Here it may carry one more request, because the client may have sent one already.
async fn until_idle<C>(connection: C, watch: &Watch, stop: Receiver<bool>) -> Result<(), hyper::Error>
where
    C: Future<Output = Result<(), hyper::Error>>,
{
    let mut connection = pin!(connection);
    select! {
        ended = connection.as_mut() => return ended,
        () = stopped(stop) => {}
    }
    let mut look = interval(STOPPING_EVERY);
    loop {
        select! {
            // First everything is read that has arrived. Then it is known whether the connection has a request.
            biased;
            ended = connection.as_mut() => return ended,
            _ = look.tick() => {
                if watch.may_close(Instant::now()) {
                    return Ok(());
                }
            }
        }
    }
}

/// Waits until the server is told to stop.
async fn stopped(mut stop: Receiver<bool>) {
    // It fails if the server is gone, which is a stop too.
    drop(stop.wait_for(|stopped| *stopped).await);
}
