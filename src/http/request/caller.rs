//! The caller of a request: its IP address, from the socket or from a trusted proxy, and its user agent.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use ipnet::IpNet;
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{peer::Peer, untrusted_proxy};
use crate::{
    clock::Clock,
    domain::audit_event::{Actor, RequestContext},
    http::app_state::AppState,
    memory::throttle::Network,
};

/// The maximum length of a `User-Agent` that is kept, in bytes.
const MAX_USER_AGENT_BYTES: usize = 512;

/// The caller of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    clock: Clock,
    ip: Option<String>,
    user_agent: Option<String>,
    /// The key of the rate limits by IP address: the IPv4 address or the IPv6 /64. `None` if the address is unknown.
    pub network: Option<Network>,
}

impl Caller {
    /// Returns the caller of this request. The result is cached in the request, so every call returns the same caller.
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| {
            let state = request.rocket().state::<AppState>();
            let trusted = state.map_or(&[][..], |vestibule| &vestibule.config.web.trusted_proxies);
            let address = client_address(request, trusted);
            let user_agent =
                request.headers().get_one("User-Agent").map(sanitized_user_agent).filter(|text| !text.is_empty());
            Self {
                clock: state.map_or_else(Clock::system, |vestibule| vestibule.clock.clone()),
                ip: address.map(|address| address.to_string()),
                user_agent,
                network: address.map(Network::from),
            }
        })
    }

    /// Returns the client's IP address for the access log; `None` if it is unknown.
    pub fn ip(&self) -> Option<&str> {
        self.ip.as_deref()
    }

    /// Returns the context for a flow. Reads the clock at this call, after the body has arrived. With an earlier time, a slow
    /// client could use a token that has expired meanwhile.
    pub fn context(&self) -> RequestContext {
        RequestContext {
            now: self.clock.now(),
            ip: self.ip.clone(),
            user_agent: self.user_agent.clone(),
            actor: Actor::Unnamed,
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for &'r Caller {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Caller::of(request))
    }
}

/// Returns whether the peer is a trusted proxy. Only then are `X-Forwarded-*` headers used.
pub fn peer_is_trusted_proxy(request: &Request<'_>) -> bool {
    let trusted =
        request.rocket().state::<AppState>().map_or(&[][..], |vestibule| &vestibule.config.web.trusted_proxies);
    Peer::of(request).is_some_and(|peer| peer.ip().is_none_or(|address| is_trusted(trusted, address)))
}

/// Returns whether one of the networks contains the address.
pub fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// Returns the address of the client of a request; `None` if it is unknown.
fn client_address(request: &Request<'_>, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = Peer::of(request)?.ip();
    if let Some(untrusted) = peer.filter(|address| !is_trusted(trusted, *address)) {
        untrusted_proxy::warn(request, untrusted);
    }
    forwarded_address(peer, trusted, request.headers().get("X-Forwarded-For"))
}

/// Returns the address of the client; `None` if it is unknown. If the peer is not a trusted proxy, this is the peer's address.
/// `peer` is `None` for a peer on a unix socket, which is a trusted proxy. `lines` are the values of `X-Forwarded-For`.
///
/// Otherwise `X-Forwarded-For` is read from its end up to the first address that is not a trusted proxy. Reading stops before
/// an entry that is not an address. The result is the last address that was read, or the peer's address if none was read.
/// Earlier entries are ignored, because the client can write anything there.
pub(in crate::http) fn forwarded_address<'h>(
    peer: Option<IpAddr>,
    trusted: &[IpNet],
    lines: impl Iterator<Item = &'h str>,
) -> Option<IpAddr> {
    if peer.is_some_and(|address| !is_trusted(trusted, address)) {
        return peer;
    }
    let forwarded: Vec<&str> = lines.flat_map(|list| list.split(',')).collect();
    let mut client = peer;
    for hop in forwarded.iter().rev() {
        let Some(address) = hop_address(hop.trim()) else { break };
        let address = address.to_canonical();
        client = Some(address);
        if !is_trusted(trusted, address) {
            break;
        }
    }
    client
}

/// Reads one entry of `X-Forwarded-For`. Some proxies add the port to the address; it is dropped. Returns `None` if the entry
/// is not an address.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let in_brackets = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let bare = in_brackets.unwrap_or(hop).parse::<IpAddr>().ok();
    bare.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// Removes control characters and truncates the text to [`MAX_USER_AGENT_BYTES`] bytes, at a character boundary.
pub(in crate::http) fn sanitized_user_agent(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control()).collect();
    let end =
        kept.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_USER_AGENT_BYTES).last();
    kept[..end.unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_two_brackets_or_none_and_may_have_a_port() {
        for entry in ["203.0.113.7", "203.0.113.7:443", "[203.0.113.7]", "::ffff:203.0.113.7", "[::ffff:cb00:7107]:80"]
        {
            assert_eq!(hop_address(entry).map(|address| address.to_canonical()), "203.0.113.7".parse().ok(), "{entry}");
        }
        for entry in ["", "unknown", "[203.0.113.7", "203.0.113.7]", "[[203.0.113.7]]", "203.0.113.7 :80", "203.0.113"]
        {
            assert_eq!(hop_address(entry), None, "{entry}");
        }
    }
}
