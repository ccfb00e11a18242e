//! The addresses on which a server listens, as the settings `address` and `metrics_address` name them.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

/// The address on which a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address.
    Ip(IpAddr),
    /// The path of a unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Returns whether only programs on this machine can connect.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Ip(address) => address.to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// Returns the path of the unix socket; `None` for an IP address.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Ip(_) => None,
            Self::Unix(path) => Some(path),
        }
    }
}

/// Reads an IP address, or `unix:` and an absolute or relative path.
impl FromStr for ListenAddress {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.strip_prefix("unix:") {
            Some(path) if path.is_empty() || path.contains('\0') => Err(()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Ip).map_err(|_| ()),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The address on which the server gives its metrics: an IP address with a port, or a unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsAddress {
    /// The IP address, or the unix socket.
    pub address: ListenAddress,
    /// The port; 0 for a unix socket. As the port of an IP address, 0 means that the system chooses one.
    pub port: u16,
}

/// Reads an IP address and a port, such as `127.0.0.1:9464` or `[::1]:9464`, or `unix:` and a path.
impl FromStr for MetricsAddress {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.starts_with("unix:") {
            return Ok(Self { address: text.parse()?, port: 0 });
        }
        let address: SocketAddr = text.parse().map_err(|_| ())?;
        Ok(Self { address: ListenAddress::Ip(address.ip()), port: address.port() })
    }
}

impl fmt::Display for MetricsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            ListenAddress::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            socket @ ListenAddress::Unix(_) => socket.fmt(f),
        }
    }
}
