//! The other end of the connection that carried a request.

use std::net::{IpAddr, SocketAddr};

use rocket::Request;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A program with this address.
    Address(SocketAddr),
    /// A program on this machine that connected to a unix socket. The permissions of the socket decide which programs can, so
    /// every such peer is a trusted proxy.
    Unix,
}

impl Peer {
    /// Returns the peer of a request; `None` if it is not known, as in tests that send requests without a connection.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        *request.local_cache(|| request.remote().map(Self::Address))
    }

    /// Records the peer of a request, before the request is routed.
    pub fn record(self, request: &mut Request<'_>) {
        if let Self::Address(address) = self {
            request.set_remote(address);
        }
        request.local_cache(|| Some(self));
    }

    /// Returns the IP address of the peer; `None` on a unix socket.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address.ip().to_canonical()),
            Self::Unix => None,
        }
    }
}
