//! The server that is attacked.

use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{process::Running, source};

/// The files that a test needs at the same time: two ends of each connection, and some more.
const FILES: u64 = 16_000;

/// Returns a runtime for many connections. Raises the limit of open files, and fails if the system does not permit it.
pub fn runtime() -> Runtime {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|files| files < FILES) {
        let raised = Rlimit { current: Some(FILES), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised)
            .unwrap_or_else(|error| panic!("this test needs {FILES} open files, and the limit is {limit:?}: {error}"));
    }
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// Returns the binary that is tested.
pub fn binary() -> PathBuf {
    std::env::var_os("DOOR_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_vestibule").into(), PathBuf::from)
}

/// A running server in a directory of its own.
pub struct Door {
    pub running: Running,
    pub directory: TempDir,
    client: Client,
}

/// A client from elsewhere.
pub struct Client {
    /// The address of the server.
    pub address: SocketAddr,
    connector: Option<TlsConnector>,
}

impl Deref for Door {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Door {
    /// Starts the server with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        Self::launch(arguments, tempfile::tempdir().expect("a directory"), None)
    }

    /// Starts the server with a certificate for `localhost`.
    pub fn with_tls() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let connector = certify(directory.path());
        Self::launch(&[], directory, Some(connector))
    }

    pub fn launch(arguments: &[&str], directory: TempDir, connector: Option<TlsConnector>) -> Self {
        let (running, url) = Running::start(|| {
            let mut command = Command::new(binary());
            command
                .args(["serve", "--port", "0"])
                .args(arguments)
                .current_dir(directory.path())
                .env_clear()
                .stderr(Stdio::piped());
            command
        });
        let address = url.split_once("://").expect(&url).1.parse().expect("an address");
        Self { running, directory, client: Client { address, connector } }
    }

    /// Adds a user with the command of the operator.
    pub fn add_user(&self, name: &str, password: &str) {
        let mut command = Command::new(binary());
        command.args(["user", "add", name, "--password-stdin"]).current_dir(self.directory.path()).env_clear();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the binary");
        writeln!(child.stdin.take().expect("stdin"), "{password}").expect("it reads");
        assert!(child.wait().expect("it ends").success(), "the user was not added");
    }

    /// Returns the resident memory of the server, in KiB.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.running.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Returns the number of sockets that the server has open.
    pub fn connections(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.running.child.id())).expect("it runs");
        let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
    }
}

impl Client {
    /// Connects from an address of its own, as a client from elsewhere.
    pub async fn connect(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(source(60_000)).expect("an address of 127/8");
        let stream = socket.connect(self.address).await.expect("it accepts");
        // Otherwise a small packet of TLS waits 40 ms for an acknowledgement.
        stream.set_nodelay(true).expect("the option");
        stream
    }

    /// Connects with TLS. Fails if the connector does not trust the certificate.
    pub async fn encrypt_with(&self, connector: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").expect("a name");
        connector.connect(name, self.connect().await).await
    }

    /// Connects with TLS as a client that speaks these protocols.
    pub async fn encrypt_as(&self, protocols: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
        let connector = self.connector.as_ref().expect("it has TLS");
        let mut config = ClientConfig::clone(connector.config());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        self.encrypt_with(&TlsConnector::from(Arc::new(config))).await
    }

    /// Sends `GET /health` on a new connection. Panics if the response is not 200.
    pub async fn health(&self) {
        let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let text = if let Some(connector) = &self.connector {
            let mut stream = self.encrypt_with(connector).await.expect("TLS");
            stream.write_all(request).await.expect("it is sent");
            read(&mut stream).await
        } else {
            let mut stream = self.connect().await;
            stream.write_all(request).await.expect("it is sent");
            read(&mut stream).await
        };
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
}

/// Reads to the end of a stream.
async fn read(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("a response");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes a new certificate for `localhost` and its key, and the configuration that names them. Returns the connector that
/// trusts it.
pub fn certify(directory: &Path) -> TlsConnector {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(directory.join("cert.pem"), certified.cert.pem()).expect("a file");
    fs::write(directory.join("key.pem"), certified.signing_key.serialize_pem()).expect("a file");
    let file = "[default.auth.tls]\ncerts = \"cert.pem\"\nkey = \"key.pem\"\n";
    fs::write(directory.join("Rocket.toml"), file).expect("a file");
    let mut roots = RootCertStore::empty();
    roots.add(certified.cert.der().clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
