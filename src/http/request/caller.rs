//! The caller of a request: its address, from the socket or from a trusted proxy, and its user agent.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use ipnet::IpNet;
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use crate::{clock::Clock, domain::audit_event::RequestContext, http::app_state::AppState, memory::throttle::Network};

/// The maximum number of bytes of a `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 512;

/// The caller of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    clock: Clock,
    ip: Option<String>,
    user_agent: Option<String>,
    /// The network that the rate limits by address count; `None` if the address is unknown.
    pub network: Option<Network>,
}

impl Caller {
    /// Returns the caller of this request. The result is cached, so it is the same each time.
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| {
            let state = request.rocket().state::<AppState>();
            let trusted = state.map_or(&[][..], |vestibule| &vestibule.config.web.trusted_proxies);
            let address = client_address(request, trusted);
            let user_agent = request.headers().get_one("User-Agent").map(shortened).filter(|text| !text.is_empty());
            Self {
                clock: state.map_or_else(Clock::system, |vestibule| vestibule.clock.clone()),
                ip: address.map(|address| address.to_string()),
                user_agent,
                network: address.map(Network::from),
            }
        })
    }

    /// Returns the client's address, for the log; `None` if it is unknown.
    pub fn ip(&self) -> Option<&str> {
        self.ip.as_deref()
    }

    /// Returns the context for a flow. Reads the clock at this moment, when the handler has the whole request, so that a client
    /// that sends its body slowly does not act in the past.
    pub fn context(&self) -> RequestContext {
        RequestContext { now: self.clock.now(), ip: self.ip.clone(), user_agent: self.user_agent.clone() }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for &'r Caller {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Caller::of(request))
    }
}

/// Returns whether the peer is a trusted proxy: its `X-Forwarded-*` headers count.
pub fn is_behind_trusted_proxy(request: &Request<'_>) -> bool {
    let trusted =
        request.rocket().state::<AppState>().map_or(&[][..], |vestibule| &vestibule.config.web.trusted_proxies);
    request.remote().is_some_and(|peer| is_trusted(trusted, peer.ip().to_canonical()))
}

fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// Returns the address of the client. This is the address of the peer, unless the peer is a trusted proxy. Then it is the last
/// address of `X-Forwarded-For` that is not a trusted proxy. The client wrote the addresses before it, and can write anything.
fn client_address(request: &Request<'_>, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = request.remote()?.ip().to_canonical();
    if !is_trusted(trusted, peer) {
        return Some(peer);
    }
    let forwarded: Vec<&str> = request.headers().get("X-Forwarded-For").flat_map(|list| list.split(',')).collect();
    let mut client = peer;
    for hop in forwarded.iter().rev() {
        let Some(address) = hop_address(hop.trim()) else { break };
        client = address.to_canonical();
        if !is_trusted(trusted, client) {
            break;
        }
    }
    Some(client)
}

/// Reads one entry of `X-Forwarded-For`, to which some proxies add the port. Returns `None` if the entry is not an address.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = || hop.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    bare().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn shortened(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control()).collect();
    let end = kept.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_USER_AGENT).last();
    kept[..end.unwrap_or(0)].to_owned()
}
