//! The address on which a server listens: its arguments, the choice of a free port, and the failure to listen.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use clap::Args;

use super::Failure;
use crate::{config::Sources, domain::listen_address::ListenAddress};

/// The address and port to listen on.
#[derive(Args)]
pub(super) struct ListenArgs {
    /// The address to listen on, such as 127.0.0.1, ::1 or unix:/run/vestibule/http.sock
    #[arg(long, value_parser = address)]
    address: Option<ListenAddress>,
    /// The port to listen on; 0 picks a free port
    #[arg(long)]
    port: Option<u16>,
}

impl ListenArgs {
    /// Returns `sources` with the address and the port of these arguments.
    pub(super) fn apply_to(&self, sources: Sources) -> Sources {
        let address = self.address.as_ref().map(ToString::to_string);
        sources.set_from("--address", "address", address).set_from("--port", "port", self.port)
    }
}

/// Returns a port of `address` on which no program listens; 0 for a unix socket, which has no port. Fails if this machine
/// does not have the address. Another program may take the port before the server listens on it.
pub(super) fn free_port(address: &ListenAddress) -> Result<u16, Failure> {
    let ListenAddress::Ip(ip) = address else { return Ok(0) };
    let port = TcpListener::bind((*ip, 0)).and_then(|listener| listener.local_addr()).map(|free| free.port());
    port.map_err(|cause| cant_listen(address, 0, &cause))
}

/// Returns the failure for an address on which the server can't listen.
pub(super) fn cant_listen(address: &ListenAddress, port: u16, cause: &io::Error) -> Failure {
    match address {
        ListenAddress::Ip(ip) => {
            let address = SocketAddr::new(*ip, port);
            Failure::new(format!("can't listen on {address}: {cause}; choose another --address or --port"))
        }
        ListenAddress::Unix(_) => Failure::new(format!("can't listen on {address}: {cause}; choose another --address")),
    }
}

/// Reads the address for the argument.
fn address(text: &str) -> Result<ListenAddress, &'static str> {
    text.parse().map_err(|()| "must be an IP address, or unix: and a path")
}
