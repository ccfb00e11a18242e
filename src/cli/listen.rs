//! Where a server listens: the arguments, a free port, and what is said where that fails.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
};

use clap::Args;

use super::Failure;
use crate::config::Flags;

/// Where to listen.
#[derive(Args)]
pub(super) struct ListenArgs {
    /// The address to listen on, such as 127.0.0.1 or ::1
    #[arg(long)]
    address: Option<IpAddr>,
    /// The port to listen on; 0 picks one
    #[arg(long)]
    port: Option<u16>,
}

impl ListenArgs {
    /// Says so in the flags.
    pub(super) fn apply_to(&self, flags: Flags) -> Flags {
        Flags { address: self.address, port: self.port, ..flags }
    }
}

/// A port that nobody listens on at `address`.
pub(super) fn free_port(address: IpAddr) -> Result<u16, Failure> {
    let port = TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr()).map(|free| free.port());
    port.map_err(|cause| cant_listen(SocketAddr::new(address, 0), &cause))
}

pub(super) fn cant_listen(address: SocketAddr, cause: &io::Error) -> Failure {
    Failure::new(format!("can't listen on {address}: {cause}; choose another --address or --port"))
}
