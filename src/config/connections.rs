//! The limits of connections, in time and in number.

use std::path::PathBuf;

use super::{
    declare::settings,
    reader::{Read, Reader, share},
};
use crate::domain::span::{Lifetime, Seconds};

settings! {
    /// The limits of connections, in time and in number.
    pub struct Connections, ConnectionKeys in "connections", |reader| {
        /// How long a client may take to send the head of a request, from the connection or from the first byte of a further
        /// request.
        #[key("header_timeout", default = "10s")]
        header_timeout: Lifetime,
        /// How long a client may take to send the body of a request. Also how long a client that reads a response may pause.
        #[key("body_timeout", default = "10s")]
        body_timeout: Lifetime,
        /// How long a connection is kept between two requests.
        #[key("idle_timeout", default = "75s")]
        idle_timeout: Lifetime,
        /// The number of connections that may be open at the same time, `1` to `1000000`. It is lower if the limit of open
        /// files of the process is lower. At the limit, a connection without a whole request gives way to a new one.
        #[key("max_connections", default = 4096)]
        #[within(1..=1_000_000)]
        max: usize,
        /// The number of connections that one IP address (IPv6: one /64 network) may have open at the same time, `1` to
        /// `1000000`. `trusted_proxies` have no such limit.
        #[key("max_connections_per_ip", default = 256)]
        #[within(1..=1_000_000)]
        max_per_ip: usize,
        /// How long running requests may take to finish when the server stops.
        #[key("shutdown_grace", default = "10s")]
        shutdown_grace: Seconds,
        /// The file with the TLS certificate and its chain, in PEM. With it the server speaks https, with HTTP/1.1 and
        /// HTTP/2. The file is read again when it changes. Rocket's own setting `tls.certs` is used if this is unset.
        #[key("tls.certs", example = "/etc/vestibule/cert.pem")]
        certs: Option<PathBuf>,
        /// The file with the private key of the TLS certificate, in PEM. Rocket's own setting `tls.key` is used if this is
        /// unset.
        #[key("tls.key", example = "/etc/vestibule/key.pem")]
        key: Option<PathBuf>,
        then {
            /// The values of `tls.certs` and `tls.key`; `None` if the server speaks plain http.
            tls: Option<TlsFiles> = tls_files(reader, &certs, &key),
        }
    }
}

/// The files of a TLS certificate and of its private key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by its chain.
    pub certs: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
}

/// Combines the two files. Refuses one without the other.
fn tls_files(
    reader: &mut Reader,
    certs: &Read<Option<PathBuf>>,
    key: &Read<Option<PathBuf>>,
) -> Read<Option<TlsFiles>> {
    match (share(certs)?, share(key)?) {
        (Some(certs), Some(key)) => Ok(Some(TlsFiles { certs: certs.clone(), key: key.clone() })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(reader.refuse("tls.key", "must be set, since tls.certs is set")),
        (None, Some(_)) => Err(reader.refuse("tls.certs", "must be set, since tls.key is set")),
    }
}
