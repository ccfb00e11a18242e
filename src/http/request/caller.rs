//! Who calls: the address, from the socket or a proxy that is trusted, and the user agent.

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

/// Bytes of a `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 512;

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Caller {
    clock: Clock,
    ip: Option<String>,
    user_agent: Option<String>,
    /// For the limits by address.
    pub network: Option<Network>,
}

impl Caller {
    /// The caller of this request, the same each time.
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

    /// The address, for the log.
    pub fn ip(&self) -> Option<&str> {
        self.ip.as_deref()
    }

    /// What a flow is told. The clock is read here, when the handler has all of the request: whoever sends a body slowly
    /// does not act in the past.
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

/// Whether the peer is a proxy whose `X-Forwarded-*` are believed.
pub fn is_behind_trusted_proxy(request: &Request<'_>) -> bool {
    let trusted =
        request.rocket().state::<AppState>().map_or(&[][..], |vestibule| &vestibule.config.web.trusted_proxies);
    request.remote().is_some_and(|peer| is_trusted(trusted, peer.ip().to_canonical()))
}

fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The peer, unless it is a trusted proxy: then the last address of `X-Forwarded-For` that is not one too. What stands
/// before that one was written by the client, who may write anything.
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

/// One entry of `X-Forwarded-For`; some proxies add the port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = || hop.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    bare().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn shortened(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control()).collect();
    let end = kept.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_USER_AGENT).last();
    kept[..end.unwrap_or(0)].to_owned()
}
