//! The response to a request, on its way from Rocket to hyper.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use hyper::{
    body::{Body, Bytes, Frame, SizeHint},
    http::{Version, request::Parts, response},
};
use rocket::{
    http::Status,
    local::asynchronous::LocalResponse,
    tokio::{
        self,
        io::AsyncReadExt as _,
        sync::{Notify, mpsc, oneshot},
    },
};

use super::watch::Handle;

/// The maximum size of a response that is passed on at once, in bytes. A larger response, and one of unknown size, is
/// passed on in chunks.
const MAX_AT_ONCE: usize = 64 * 1024;

/// The size of a chunk of a response, in bytes.
const CHUNK: usize = 16 * 1024;

/// Passes a response on to hyper.
pub async fn pass_on(
    response: LocalResponse<'_>,
    status: Status,
    request: &Parts,
    handle: Arc<Handle>,
    send: oneshot::Sender<hyper::Response<Reply>>,
) {
    let mut head = hyper::Response::builder().status(status.code);
    for header in response.headers().iter() {
        head = head.header(header.name.as_str(), header.value.as_bytes());
    }
    let size = response.body().preset_size();
    if let Some(size) = size.filter(|_| !response.headers().contains("Content-Length")) {
        head = head.header("content-length", size);
    }
    // Rocket has removed the body of such a response, but not its size.
    if request.method == "HEAD" || matches!(status.code, 204 | 304) {
        // hyper would replace the size by 0 if it knew that the body is empty. In HTTP/2 it keeps the size.
        let content = if request.version == Version::HTTP_2 { Content::AtOnce(None) } else { Content::Unknown };
        reply(head, content, handle, send);
    } else if response.body().is_none() {
        reply(head, Content::AtOnce(None), handle, send);
    } else if size.is_some_and(|size| size <= MAX_AT_ONCE) {
        match response.into_bytes().await {
            Some(bytes) => reply(head, Content::AtOnce(Some(bytes.into())), handle, send),
            None => tracing::warn!("can't read the body of a response"),
        }
    } else {
        let (chunks, receive) = mpsc::channel(1);
        let wanted = Arc::new(Notify::new());
        reply(head, Content::Chunks { receive, wanted: Arc::clone(&wanted), is_asked: false }, handle, send);
        stream(response, chunks, wanted).await;
    }
}

/// Sends the head of a response with its body to the connection. Does nothing if the client has left.
fn reply(
    head: response::Builder,
    content: Content,
    handle: Arc<Handle>,
    send: oneshot::Sender<hyper::Response<Reply>>,
) {
    handle.response_taken(Instant::now());
    if matches!(content, Content::AtOnce(None)) {
        handle.completed();
    }
    match head.body(Reply { content, handle }) {
        // The receiver is gone if the client has left.
        Ok(response) => drop(send.send(response)),
        Err(error) => tracing::error!(%error, "a response has a header that can't be sent"),
    }
}

/// Sends the body of a response in chunks, each when the connection wants it, until the client has left. So a client that
/// does not read costs no memory for the body.
async fn stream(mut response: LocalResponse<'_>, chunks: mpsc::Sender<io::Result<Bytes>>, wanted: Arc<Notify>) {
    loop {
        tokio::select! {
            () = wanted.notified() => {}
            () = chunks.closed() => return,
        }
        let mut chunk = Vec::with_capacity(CHUNK);
        let next = match response.read_buf(&mut chunk).await {
            Ok(0) => return,
            Ok(_) => Ok(Bytes::from(chunk)),
            Err(error) => Err(error),
        };
        let is_last = next.is_err();
        if chunks.send(next).await.is_err() || is_last {
            return;
        }
    }
}

/// The response to a request, once its head is known.
pub struct Answer {
    pub receive: oneshot::Receiver<hyper::Response<Reply>>,
    pub handle: Arc<Handle>,
}

impl Future for Answer {
    type Output = Result<hyper::Response<Reply>, io::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.receive).poll(context));
        Poll::Ready(answer.map_err(|_| io::Error::other("the request has no response")))
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // hyper drops it before the response is ready if the client has reset the request.
        if !self.receive.is_terminated() {
            self.handle.abandoned();
        }
    }
}

/// The body of a response.
pub struct Reply {
    content: Content,
    /// The request ends when the connection has taken the whole response, or drops it.
    handle: Arc<Handle>,
}

enum Content {
    /// The whole body, until it is taken.
    AtOnce(Option<Bytes>),
    /// The chunks of the body.
    Chunks {
        receive: mpsc::Receiver<io::Result<Bytes>>,
        /// Asks for the next chunk.
        wanted: Arc<Notify>,
        /// Whether the next chunk was asked for.
        is_asked: bool,
    },
    /// No bytes, for a response whose size is not the size of its body.
    Unknown,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = match &mut self.content {
            Content::AtOnce(bytes) => bytes.take().map(Ok),
            Content::Chunks { receive, wanted, is_asked } => {
                if !*is_asked {
                    wanted.notify_one();
                    *is_asked = true;
                }
                let Poll::Ready(next) = receive.poll_recv(context) else {
                    self.handle.response_awaited(Instant::now());
                    return Poll::Pending;
                };
                *is_asked = false;
                next
            }
            Content::Unknown => None,
        };
        self.handle.response_taken(Instant::now());
        if next.is_none() || matches!(self.content, Content::AtOnce(None)) {
            self.handle.completed();
        }
        Poll::Ready(next.map(|next| next.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::AtOnce(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::AtOnce(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Content::Chunks { .. } | Content::Unknown => SizeHint::default(),
        }
    }
}
