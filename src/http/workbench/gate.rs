//! The gate of the workbench. A route behind it answers only to a program on this machine: tunnels and proxies connect from
//! this machine too, pages of other sites send requests to `localhost`, and a foreign name can resolve to 127.0.0.1. So the
//! peer, the `Host`, the `Origin` and the headers of proxies are checked. Every other request gets the 404 of an unknown path.
//!
//! With `--allow-remote` other machines are meant to reach the server. A request must then have the key that the start prints.

use std::net::IpAddr;

use rocket::{
    Data, Request, Response, Route, async_trait,
    http::{Header, Method, Status},
    route::{Handler, Outcome},
};
use sha2::{Digest as _, Sha256};

use crate::{
    domain::jwt::base64url,
    http::{
        browser::cookie_header,
        errors::{ApiError, ErrorCode},
        own_routes::wrapped,
        request::{arrival::Arrival, peer::Peer},
    },
    random,
};

/// The key that a start with `--allow-remote` prints, as Rocket's managed state.
pub struct Key(String);

impl Key {
    /// Returns a new key of 128 random bits.
    pub fn generate() -> Self {
        Self(base64url(&random::bytes::<16>()))
    }

    /// Returns the text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the text is the key. Their hashes are compared, so that the time of the comparison tells nothing.
    fn is(&self, text: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(text)
    }
}

/// The header with the key, for programs.
const KEY_HEADER: &str = "X-Workbench-Key";

/// The name of the query parameter with the key, and of the cookie that replaces it.
const KEY_PARAMETER: &str = "key";
const KEY_COOKIE: &str = "workbench_key";

/// The beginnings of the names of headers that proxies and tunnels add.
const FORWARDING: [&str; 14] = [
    "forwarded", "via", "x-forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-", "x-envoy-",
    "true-client-ip", "cf-", "fastly-", "fly-", "ngrok-", "tailscale-",
];

/// Puts routes behind the gate. The routes that answer 405 and `OPTIONS` must be behind it too, so that no answer tells that
/// there is something.
pub fn gated(routes: impl IntoIterator<Item = Route>) -> Vec<Route> {
    wrapped(routes, Gated)
}

/// The handler of a route behind the gate.
#[derive(Clone)]
struct Gated(Box<dyn Handler>);

#[async_trait]
impl Handler for Gated {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match admit(request) {
            Admission::Admitted => self.0.handle(request, data).await,
            Admission::ByLink(key) => Outcome::Success(without_key(request, key)),
            Admission::Refused => {
                Outcome::from(request, ApiError::new(ErrorCode::NotFound, "Nothing is at this path."))
            }
        }
    }
}

/// What the gate decides on a request.
enum Admission<'r> {
    Admitted,
    /// The key is in the address of a page. It moves to a cookie, so that it is not in the history and on screenshots.
    ByLink(&'r str),
    Refused,
}

/// Decides on a request.
fn admit<'r>(request: &'r Request<'_>) -> Admission<'r> {
    let Some(key) = request.rocket().state::<Key>() else {
        return if is_local(request) { Admission::Admitted } else { Admission::Refused };
    };
    if !is_same_origin(request) {
        return Admission::Refused;
    }
    let in_cookie = cookie_header::values(request.headers().get("Cookie").map(str::as_bytes), KEY_COOKIE);
    if request.headers().get(KEY_HEADER).chain(in_cookie).any(|text| key.is(text)) {
        return Admission::Admitted;
    }
    let of_query = request.query_value::<&str>(KEY_PARAMETER).and_then(Result::ok);
    match of_query.filter(|text| request.method() == Method::Get && key.is(text)) {
        Some(_) => Admission::ByLink(key.as_str()),
        None => Admission::Refused,
    }
}

/// Returns whether a program on this machine sent the request, without a proxy or a tunnel that shows itself, and not for a
/// foreign page.
fn is_local(request: &Request<'_>) -> bool {
    let is_loopback = Peer::of(request).and_then(Peer::ip).is_some_and(|address| address.is_loopback());
    let mut hosts = request.headers().get("Host");
    let is_local_host = hosts.next().is_some_and(is_this_machine) && hosts.next().is_none();
    let Arrival { is_http_1_0, has_hidden_header } = Arrival::of(request);
    let has_traces = is_http_1_0 || has_hidden_header;
    let is_forwarded = request.headers().iter().any(|header| {
        let name = header.name().as_str().to_ascii_lowercase();
        FORWARDING.iter().any(|beginning| name.starts_with(beginning))
    });
    is_loopback && is_local_host && !is_forwarded && !has_traces && request.headers().get("Origin").all(is_local_origin)
}

/// Returns whether the request has no `Origin`, or the one of the host that it was sent to.
fn is_same_origin(request: &Request<'_>) -> bool {
    let host = request.headers().get_one("Host");
    request.headers().get("Origin").all(|origin| authority_of(origin).is_some_and(|authority| Some(authority) == host))
}

/// Returns whether an origin is of this machine, with any port. The origin `null` is not.
fn is_local_origin(origin: &str) -> bool {
    authority_of(origin).is_some_and(is_this_machine)
}

/// Returns host and port of an origin; `None` if it is not one of `http` or `https`.
fn authority_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// Returns whether a host with or without a port is this machine: `localhost`, or a loopback address. Names below `localhost`
/// are others: a resolver may know them.
fn is_this_machine(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port),
        _ => (authority, "0"),
    };
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let in_brackets = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match in_brackets {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::V4),
    };
    is_port && (host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback()))
}

/// Returns a redirect to the same page without the key, which sets the cookie with the key.
fn without_key(request: &Request<'_>, key: &str) -> Response<'static> {
    // The path of a request may begin with two slashes, which would be the beginning of a host.
    let path = format!("/{}", request.uri().path().as_str().trim_start_matches('/'));
    let mut response = Response::build();
    response.status(Status::SeeOther).header(Header::new("Location", path));
    // A link in a chat is from another site, so `Strict` would keep the cookie back. The gate checks `Origin` itself.
    for path in ["/dev", "/demo"] {
        let cookie = format!("{KEY_COOKIE}={key}; Path={path}; HttpOnly; SameSite=Lax");
        response.header_adjoin(Header::new("Set-Cookie", cookie));
    }
    response.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_this_machine_are_local() {
        for authority in
            ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "127.0.0.2:80", "[::1]", "[::1]:65535"]
        {
            assert!(is_this_machine(authority), "{authority}");
        }
        for authority in [
            "",
            "localhost.",
            "localhost.evil.example",
            "localhost@evil.example",
            "localhost:8000@evil.example",
            "localhost:",
            "localhost:port",
            "localhost:65536",
            "127.0.0.1.nip.io",
            "128.0.0.1",
            "127.1",
            "0.0.0.0",
            "::1",
            "[::1]x",
            "app.localhost",
            "evil.example",
            "evil.example:8000",
            "l\u{f6}calhost",
            "localhost\u{e9}",
        ] {
            assert!(!is_this_machine(authority), "{authority}");
        }
    }

    #[test]
    fn only_origins_of_this_machine_are_local() {
        for origin in ["http://localhost:5173", "https://localhost", "http://127.0.0.1:3000", "http://[::1]:8000"] {
            assert!(is_local_origin(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "localhost",
            "file://localhost",
            "http://localhost/",
            "chrome-extension://localhost",
            "http://evil.example",
            "http:localhost",
        ] {
            assert!(!is_local_origin(origin), "{origin}");
        }
    }
}
