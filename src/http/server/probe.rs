//! The question of another process whether a server of this machine is alive.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

use crate::{config::Config, domain::listen_address::ListenAddress};

/// The question. The answer is short, and the server closes the connection after it.
const QUESTION: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Asks `/health` of the server that listens where the configuration says. Returns the beginning of the answer, which
/// begins with the status line. Does not limit the time.
///
/// # Errors
/// If the server can't be reached, or closes the connection without an answer.
pub async fn ask_health(config: &Config) -> std::io::Result<String> {
    match &config.web.address {
        ListenAddress::Unix(path) => exchange(UnixStream::connect(path).await?).await,
        ListenAddress::Ip(ip) => {
            // A server that listens on all addresses is reached on the loopback address.
            let ip = match ip {
                std::net::IpAddr::V4(v4) if v4.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
                std::net::IpAddr::V6(v6) if v6.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
                ip => *ip,
            };
            let stream = TcpStream::connect((ip, config.web.port)).await?;
            if config.connections.tls.is_none() {
                return exchange(stream).await;
            }
            let connector = tokio_rustls::TlsConnector::from(Arc::new(without_verification()));
            exchange(connector.connect(ServerName::IpAddress(ip.into()), stream).await?).await
        }
    }
}

/// Sends the question over a connection, and returns the beginning of the answer.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<String> {
    stream.write_all(QUESTION).await?;
    let mut answer = Vec::new();
    // A server that closes the connection without a TLS end has still answered.
    let mut limited = (&mut stream).take(4096);
    match limited.read_to_end(&mut answer).await {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// Returns TLS settings that accept every certificate. The certificate is for the public name, and the question, which has no
/// secret, goes to an address of this machine.
fn without_verification() -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let any = Arc::new(AnyCertificate(provider.signature_verification_algorithms));
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports the default versions")
        .dangerous()
        .with_custom_certificate_verifier(any)
        .with_no_client_auth()
}

/// A verifier that accepts every certificate.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
