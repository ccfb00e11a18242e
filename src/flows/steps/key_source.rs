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
    pub is_server: bool,
    /// The lock under which keys are read and activated, so that an older set never replaces a newer set.
    pub reloading: tokio::sync::Mutex<()>,
    /// The position in the feed of the last change of keys that this process announced or read since it opened the database.
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

    /// Returns the root secret that seals the keys. A command may replace it while a server runs.
    pub(in crate::flows) fn root(&self) -> RootSecret {
        self.root.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::flows) fn replace_root(&self, root: RootSecret) {
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = root;
    }
}
