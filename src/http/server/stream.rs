//! The bytes of a connection, as hyper reads and writes them. The stream tells [`Watch`] what arrives, and replaces the bare
//! responses with which hyper refuses a head that it can't read.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use rocket::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::watch::Watch;
use crate::http::request::refusal::Refusal;

/// The maximum length of a request line, in bytes. It contains the target and the method.
pub const MAX_LINE: usize = 8 * 1024;

/// Returns the bytes of the whole response for a refusal.
pub type Refuse = Arc<dyn Fn(Refusal) -> Pin<Box<dyn Future<Output = Vec<u8>> + Send>> + Send + Sync>;

/// A connection that is watched.
pub struct WatchedStream<S> {
    stream: S,
    watch: Watch,
    /// Whether the connection is HTTP/2.
    is_multiplexed: bool,
    line: Line,
    refuse: Refuse,
    replacement: Option<Replacement>,
}

/// The length of the request line that is arriving.
#[derive(Clone, Copy)]
struct Line {
    length: usize,
    is_complete: bool,
}

/// The response that is sent instead of hyper's.
enum Replacement {
    /// The response is being created.
    Pending(Pin<Box<dyn Future<Output = Vec<u8>> + Send>>),
    /// These bytes are being sent, from this position.
    Sending(Vec<u8>, usize),
}

impl<S> WatchedStream<S> {
    pub fn new(stream: S, watch: Watch, is_multiplexed: bool, refuse: Refuse) -> Self {
        let line = Line { length: 0, is_complete: false };
        Self { stream, watch, is_multiplexed, line, refuse, replacement: None }
    }

    /// Measures the request line in the bytes that arrived. `begins` is whether they begin a head.
    fn measure(&mut self, bytes: &[u8], begins: bool) {
        if begins {
            self.line = Line { length: 0, is_complete: false };
        }
        if !self.line.is_complete {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            self.line.length += end.unwrap_or(bytes.len());
            self.line.is_complete = end.is_some();
        }
    }

    /// Returns the refusal that the bytes of hyper express; `None` if they are the response of a handler.
    fn refusal(&self, bytes: &[u8]) -> Option<Refusal> {
        let status = bytes.strip_prefix(b"HTTP/1.1 ").or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?.get(..3)?;
        if self.is_multiplexed || !self.watch.is_within_a_head() {
            return None;
        }
        match status {
            b"431" | b"414" if self.line.length > MAX_LINE => Some(Refusal::TargetTooLong),
            b"431" => Some(Refusal::HeadersTooLarge),
            b"414" => Some(Refusal::TargetTooLong),
            b"400" => Some(Refusal::Malformed),
            _ => None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_pending() {
            this.watch.read();
        }
        ready!(read)?;
        let arrived = &buffer.filled()[before..];
        if !arrived.is_empty() {
            let begins = this.watch.bytes_arrived(Instant::now(), this.is_multiplexed);
            this.measure(arrived, begins);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.replacement.is_none() {
            this.watch.set_unsent(true);
            let Some(refusal) = this.refusal(bytes) else {
                return Pin::new(&mut this.stream).poll_write(context, bytes);
            };
            this.replacement = Some(Replacement::Pending((this.refuse)(refusal)));
        }
        loop {
            match &mut this.replacement {
                None => return Poll::Ready(Ok(bytes.len())),
                Some(Replacement::Pending(response)) => {
                    let response = ready!(response.as_mut().poll(context));
                    this.replacement = Some(Replacement::Sending(response, 0));
                }
                Some(Replacement::Sending(response, sent)) if *sent < response.len() => {
                    *sent += ready!(Pin::new(&mut this.stream).poll_write(context, &response[*sent..]))?;
                }
                Some(Replacement::Sending(..)) => this.replacement = None,
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        if flushed.is_ready() {
            this.watch.set_unsent(false);
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
