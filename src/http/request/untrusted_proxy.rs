//! The warning about a proxy that is missing in `trusted_proxies`: all of its users would share the limits of its address.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use rocket::Request;

/// The maximum number of addresses that are named. More than a few proxies are probably no proxies.
const MAX_NAMED: usize = 16;

/// The addresses that were named in the log, as Rocket's managed state.
#[derive(Default)]
pub struct UntrustedProxies(Mutex<BTreeSet<IpAddr>>);

impl UntrustedProxies {
    /// Returns the addresses that were named.
    pub fn named(&self) -> Vec<IpAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// Writes the address of an untrusted peer to the log, if it is private and the request has `X-Forwarded-For`. Does this
/// once for each address.
pub fn warn(request: &Request<'_>, peer: IpAddr) {
    if !is_private(peer) || !request.headers().contains("X-Forwarded-For") {
        return;
    }
    let Some(named) = request.rocket().state::<UntrustedProxies>() else { return };
    let mut named = named.0.lock().unwrap_or_else(PoisonError::into_inner);
    if named.len() < MAX_NAMED && named.insert(peer) {
        tracing::warn!(
            %peer,
            "this address sends X-Forwarded-For, but is not in trusted_proxies: all of its users share its limits"
        );
    }
}

/// Returns whether an address is not one of the internet: loopback, private, link-local or unique local.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
