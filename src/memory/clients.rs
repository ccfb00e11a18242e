//! The clients of the process at one time: those of the configuration, and those of the database.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::config::{Client, Clients};

/// The clients, by id. A change replaces the whole set. Readers and the writer have the lock only while a pointer is copied.
pub struct ClientRegistry {
    configured: Clients,
    all: RwLock<Arc<BTreeMap<String, Arc<Client>>>>,
}

impl ClientRegistry {
    /// Returns a registry of the configured clients.
    pub fn new(configured: &Clients) -> Self {
        let registry = Self { configured: configured.clone(), all: RwLock::default() };
        registry.replace_stored(Vec::new());
        registry
    }

    /// Returns the client with this id; `None` if there is no such client.
    pub fn get(&self, id: &str) -> Option<Arc<Client>> {
        self.all().get(id).cloned()
    }

    /// Returns all clients, by id.
    pub fn all(&self) -> Arc<BTreeMap<String, Arc<Client>>> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the clients of the database. A client of the configuration with the same id counts.
    pub fn replace_stored(&self, stored: Vec<Client>) {
        let configured = self.configured.iter().cloned();
        // Later entries replace earlier ones.
        let all = stored.into_iter().chain(configured).map(|client| (client.id.clone(), Arc::new(client))).collect();
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }
}
