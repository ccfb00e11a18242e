//! What a process holds to read the keys of the database again.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicI64},
};

use crate::domain::RootSecret;

/// What a process holds to read the keys of the database again.
pub(in crate::flows) struct KeySource {
    root: RwLock<RootSecret>,
    /// Where the root secret's file is, if there is one: `secret.key` in the data directory.
    pub secret_file: PathBuf,
    pub is_server: bool,
    /// Held while the keys are read and put in force, so that an older set never takes the place of a newer one.
    pub reloading: tokio::sync::Mutex<()>,
    /// Where in the feed this process last changed the keys.
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

    /// The root secret under which the keys are sealed; a command may change it while a server runs.
    pub(in crate::flows) fn root(&self) -> RootSecret {
        self.root.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::flows) fn replace_root(&self, root: RootSecret) {
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = root;
    }
}
