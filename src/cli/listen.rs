//! The address on which a server listens: its arguments, the choice of a free port, and the failure to listen.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
};

use clap::Args;

use super::Failure;
use crate::config::Flags;

/// The address and port to listen on.
#[derive(Args)]
pub(super) struct ListenArgs {
    /// The address to listen on, such as 127.0.0.1 or ::1
    #[arg(long)]
    address: Option<IpAddr>,
    /// The port to listen on; 0 picks a free port
    #[arg(long)]
    port: Option<u16>,
}

impl ListenArgs {
    /// Returns `flags` with the address and the port of these arguments.
    pub(super) fn apply_to(&self, flags: Flags) -> Flags {
        Flags { address: self.address, port: self.port, ..flags }
    }
}

/// Returns a port of `address` on which no program listens. Fails if this machine does not have the address. Another program
/// may take the port before the server listens on it.
pub(super) fn free_port(address: IpAddr) -> Result<u16, Failure> {
    let port = TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr()).map(|free| free.port());
    port.map_err(|cause| cant_listen(SocketAddr::new(address, 0), &cause))
}

/// Returns the failure for an address on which the server can't listen.
pub(super) fn cant_listen(address: SocketAddr, cause: &io::Error) -> Failure {
    Failure::new(format!("can't listen on {address}: {cause}; choose another --address or --port"))
}
