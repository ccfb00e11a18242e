//! TLS: the certificate and its key, which are read again when their files change.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rocket::tokio::time;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::{config::TlsFiles, files::read_text};

/// The time between two checks whether the files have changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The protocols that a client can choose (ALPN, RFC 7301), the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];

/// The name of HTTP/2 (RFC 9113 §3.2).
pub const HTTP_2: &[u8] = b"h2";

/// The reason for which a pair of files can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or has no certificate or key.
    #[error("{}: {}", path.display(), reason)]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate and the key can't be used together.
    #[error("{} and {}: {reason}", files.certs.display(), files.key.display())]
    Pair {
        /// The files.
        files: TlsFiles,
        /// The reason.
        reason: rustls::Error,
    },
}

/// The pair of a certificate and its key that new connections use.
pub struct Tls {
    files: TlsFiles,
    /// The state of the files before they were read.
    first: [FileState; 2],
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] if they can't be used.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let first = state(&files);
        let current = RwLock::new(Arc::new(read(&files)?));
        Ok(Self { files, first, current })
    }

    /// Returns the acceptor for the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Reads the files again when one of them changes. A pair that can't be used leaves the last one in use. Does not end.
    pub async fn follow(&self) {
        let mut seen = self.first;
        let mut tick = time::interval(LOOK_EVERY);
        loop {
            tick.tick().await;
            let state = state(&self.files);
            if state != seen {
                seen = state;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        match read(&self.files) {
            Ok(config) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                tracing::info!("the TLS certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the TLS files can't be used; the last certificate stays in use"),
        }
    }
}

/// What changes when a file is replaced or written: its modification time and its size; `None` if it can't be read.
type FileState = Option<(SystemTime, u64)>;

/// Returns the states of both files.
fn state(files: &TlsFiles) -> [FileState; 2] {
    [&files.certs, &files.key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

/// Reads a certificate with its chain, and its key.
fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let wrong = |path: &PathBuf, reason: String| TlsError::File { path: path.clone(), reason };
    let bytes = |path: &PathBuf| read_text(path).map(String::into_bytes).map_err(|reason| wrong(path, reason));
    let certs = CertificateDer::pem_slice_iter(&bytes(&files.certs)?).collect::<Result<Vec<_>, _>>();
    let certs = certs.map_err(|error| wrong(&files.certs, error.to_string()))?;
    if certs.is_empty() {
        return Err(wrong(&files.certs, "has no certificate".to_owned()));
    }
    let key = Zeroizing::new(bytes(&files.key)?);
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| wrong(&files.key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certs, key))
        .map_err(|reason| TlsError::Pair { files: files.clone(), reason })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}
