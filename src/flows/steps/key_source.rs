//! The data with which a process reads the signing keys from the database again.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicI64},
};

use crate::domain::RootSecret;

/// The data with which a process reads the signing keys from the database again.
pub(in crate::flows) struct KeySource {
    root: RwLock<RootSecret>,
    /// The path of the root secret's file: `secret.key` in the data directory. The file may be absent.
    pub secret_file: PathBuf,
    /// Whether this process is the server. If `false`, it is a command.
    pub is_server: bool,
    /// The lock under which keys are read and activated, so that an older set never replaces a newer set.
    pub reloading: tokio::sync::Mutex<()>,
    /// The position in the feed of the last change of keys that this process announced or read since it opened the database. 0
    /// if there was no such change.
    pub announced: Arc<AtomicI64>,
}

impl KeySource {
    pub(in crate::flows) fn new(
        root: RootSecret,
        secret_file: PathBuf,
        is_server: bool,
        announced: Arc<AtomicI64>,
    ) -> Self {
        Self { root: RwLock::new(root), secret_file, is_server, reloading: tokio::sync::Mutex::default(), announced }
    }

    /// Returns the root secret that seals the keys. While a server runs, a command may replace this root secret in the
    /// database; the server learns the new root secret when it reloads the keys.
    pub(in crate::flows) fn root(&self) -> RootSecret {
        self.root.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the root secret in the memory of this process.
    pub(in crate::flows) fn replace_root(&self, root: RootSecret) {
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = root;
    }
}
