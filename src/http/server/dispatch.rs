//! Passes a request of hyper to Rocket, and Rocket's response back to hyper.
//!
//! Rocket routes the request as its own server would: with its host, its peer, its cookies and its headers. The request
//! runs in a task of its own, so it is carried out even if the client leaves meanwhile.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use http_body_util::BodyExt as _;
use hyper::{
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    http::{Version, request::Parts},
};
use rocket::{
    Request,
    http::{Cookie, Header, Method, Status, uri::Host, uri::Origin},
    local::asynchronous::{Client, LocalRequest},
    tokio::{self, sync::oneshot},
};

use super::{
    body_table::BodyTable,
    load::Load,
    reply::{Answer, Reply, pass_on},
    stream::MAX_LINE,
    watch::Handle,
};
use crate::http::request::{arrival::Arrival, arriving_body::Arriving, peer::Peer, refusal::Refusal};

/// The maximum size of a body that is read although no guard needs it, in bytes.
const MAX_DISCARDED: usize = 1024 * 1024;

/// The path of a refused request. No route has this path, so the catcher renders the refusal.
const REFUSED_PATH: &str = "/.refused";

/// The application, and the requests that it is handling.
pub struct Dispatcher {
    client: Client,
    bodies: BodyTable,
    load: Arc<Load>,
}

impl Dispatcher {
    /// Returns the dispatcher of an application. `max` is the number of requests as for [`Load::new`].
    pub fn new(client: Client, max: usize) -> Self {
        let bodies = BodyTable::of(client.rocket());
        Self { client, bodies, load: Arc::new(Load::new(max)) }
    }

    /// Returns the application.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the application, to end it.
    pub fn into_client(self) -> Client {
        self.client
    }

    /// Returns whether the application handles no request.
    pub fn is_quiet(&self) -> bool {
        self.load.is_quiet()
    }

    /// Starts to handle a request. Returns its response as soon as the head of the response is known.
    pub fn handle(self: &Arc<Self>, request: hyper::Request<Incoming>, peer: Peer, handle: Handle) -> Answer {
        let (send, receive) = oneshot::channel();
        let handle = Arc::new(handle);
        let answer = Answer { receive, handle: Arc::clone(&handle) };
        let running = self.load.begin(handle.is_alone());
        let dispatcher = Arc::clone(self);
        tokio::spawn(async move {
            let refusal = (!running.is_admitted()).then_some(Refusal::TooManyRequests);
            dispatcher.answer(request, refusal, peer, handle, send).await;
            drop(dispatcher);
            drop(running);
        });
        answer
    }

    /// Handles a request, unless it is refused already, and passes the response on.
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        refusal: Option<Refusal>,
        peer: Peer,
        handle: Arc<Handle>,
        send: oneshot::Sender<hyper::Response<Reply>>,
    ) {
        let (head, body) = request.into_parts();
        let mut left = None;
        let (mut local, mut refusal) = match refusal.map_or_else(|| self.request(&head, peer), Err) {
            Ok(local) => (local, None),
            Err(refusal) => (self.refused(refusal, peer), Some(refusal)),
        };
        if refusal.is_none() && !body.is_end_stream() {
            let watched = Arc::clone(&handle);
            let arriving = ArrivingWatched { body, handle: watched }.boxed_unsync();
            match self.bodies.hand_over(&mut local, arriving).await {
                Ok(body) => left = body,
                Err(wrong) => {
                    local = self.refused(wrong, peer);
                    refusal = Some(wrong);
                }
            }
        }
        let response = local.dispatch().await;
        // In HTTP/2 only this stream ends if its body is not read. A client that waits for "100 Continue" must not get it now.
        let is_discarded = head.version != Version::HTTP_2 && !head.headers.contains_key("expect");
        if let Some(unread) = left.and_then(|left| left.take()).filter(|_| is_discarded) {
            tokio::spawn(discard(unread));
        }
        let status = refusal.map_or(response.status(), |refusal| Status::new(refusal.error().0.status()));
        pass_on(response, status, &head, handle, send).await;
    }

    /// Returns the request for Rocket. Fails if its head can't be used.
    fn request(&self, head: &Parts, peer: Peer) -> Result<LocalRequest<'_>, Refusal> {
        let target = head.uri.path_and_query().ok_or(Refusal::Malformed)?.as_str();
        if target.len() > MAX_LINE {
            return Err(Refusal::TargetTooLong);
        }
        let origin = Origin::parse_owned(plain_target(target)).map_err(|_| Refusal::Malformed)?;
        let host = host(head)?;
        // Rocket would accept a method in lower case, but methods are case-sensitive (RFC 9110 §9.1).
        let method =
            head.method.as_str().parse().ok().filter(|method: &Method| method.as_str() == head.method.as_str());
        let method = method.ok_or(Refusal::Malformed)?;
        let mut local = self.client.req(method, origin);
        let request = local.inner_mut();
        if let Some(host) = host {
            if let Ok(host) = Host::parse_owned(host.clone()) {
                request.set_host(host);
            }
            request.replace_header(Header::new("Host", host));
        }
        peer.record(request);
        let cookies = add_headers(request, head);
        let has_hidden_header = head.headers.values().any(|value| std::str::from_utf8(value.as_bytes()).is_err());
        Arrival { is_http_1_0: head.version == Version::HTTP_10, has_hidden_header }.record(request);
        Ok(local.cookies(cookies))
    }

    /// Returns the request whose response is the refusal.
    fn refused(&self, refusal: Refusal, peer: Peer) -> LocalRequest<'_> {
        let mut local = self.client.req(Method::Trace, REFUSED_PATH);
        refusal.record(local.inner());
        peer.record(local.inner_mut());
        local
    }

    /// Returns the response to a head that hyper can't read, as HTTP/1.1 bytes.
    pub async fn refuse(&self, refusal: Refusal, peer: Peer) -> Vec<u8> {
        let response = self.refused(refusal, peer).dispatch().await;
        let status = Status::new(refusal.error().0.status());
        let mut bytes = format!("HTTP/1.1 {} {}\r\n", status.code, status.reason_lossy()).into_bytes();
        for header in response.headers().iter() {
            bytes.extend(format!("{}: {}\r\n", header.name(), header.value()).into_bytes());
        }
        let body = response.into_bytes().await.unwrap_or_default();
        bytes.extend(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).into_bytes());
        bytes.extend(body);
        bytes
    }
}

/// Reads the rest of a body that no guard has read, so that the connection can carry another request, and so that a client
/// that is still sending receives the response. Gives up after [`MAX_DISCARDED`] bytes; the connection is then closed.
async fn discard(mut body: Arriving) {
    let mut size = 0;
    while let Some(Ok(frame)) = body.frame().await {
        size += frame.data_ref().map_or(0, Bytes::len);
        if size > MAX_DISCARDED {
            return;
        }
    }
}

/// Returns the host that a request names, from `:authority` in HTTP/2 and from `Host` otherwise. Fails if the request names two
/// hosts.
fn host(head: &Parts) -> Result<Option<String>, Refusal> {
    let mut named = head.headers.get_all("host").iter();
    let text = |value: &hyper::header::HeaderValue| std::str::from_utf8(value.as_bytes()).ok().map(str::to_owned);
    let header = named.next().map(|value| text(value).ok_or(Refusal::Malformed)).transpose()?;
    if named.next().is_some() {
        return Err(Refusal::TwoHosts);
    }
    // The target of the request line may contain the host too (RFC 9112 §3.2.2), which then counts instead of `Host`.
    let authority = head.uri.authority().map(|authority| authority.as_str().to_owned());
    match (authority, header) {
        (Some(authority), Some(header)) if head.version == Version::HTTP_2 && authority != header => {
            Err(Refusal::TwoHosts)
        }
        (Some(authority), _) => Ok(Some(authority)),
        (None, header) => Ok(header),
    }
}

/// Returns the target with every byte escaped that RFC 3986 does not allow in it. Browsers send some of these bytes as they
/// are, such as `|`.
fn plain_target(target: &str) -> String {
    let mut plain = String::with_capacity(target.len());
    for byte in target.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            plain.push_str(&format!("%{byte:02X}"));
        }
    }
    if plain.starts_with('/') { plain } else { format!("/{plain}") }
}

/// Adds the headers to the request, except `Host`. Returns the cookies for Rocket's cookie jar. A header whose value is not
/// UTF-8 is left out, because Rocket can't represent it; of a `Cookie` header only the cookies that are not UTF-8.
fn add_headers(request: &mut Request<'_>, head: &Parts) -> Vec<Cookie<'static>> {
    let mut cookies = Vec::new();
    for (name, value) in &head.headers {
        if name == "host" {
            continue;
        }
        if name == "cookie" {
            let pairs = value.as_bytes().split(|byte| *byte == b';').filter_map(|pair| std::str::from_utf8(pair).ok());
            let line = pairs.collect::<Vec<_>>().join(";");
            cookies.extend(line.split(';').filter_map(|pair| Cookie::parse_encoded(pair.trim().to_owned()).ok()));
            request.add_header(Header::new("Cookie", line));
        } else if name == "x-forwarded-for" {
            // A client can write anything before the address that its proxy appends.
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            request.add_header(Header::new(name.as_str().to_owned(), value));
        } else if let Ok(value) = std::str::from_utf8(value.as_bytes()) {
            request.add_header(Header::new(name.as_str().to_owned(), value.to_owned()));
        }
    }
    cookies
}

/// The body of a request. It records when it has arrived as a whole.
struct ArrivingWatched {
    body: Incoming,
    handle: Arc<Handle>,
}

impl Body for ArrivingWatched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.handle.body_arrived(Instant::now());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
