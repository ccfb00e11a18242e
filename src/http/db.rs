//! The store as a pool of `rocket_db_pools`. A handler that only reads the database takes a `Connection<Db>`: a read-only
//! connection of the pool. A handler with a body takes none: Rocket takes the connection before the body arrives, and the
//! pool is small. So bodies that never come would hold every connection, and so would handlers that call a flow which
//! reads. Such a handler reads with `Store::read` after the flow.

use std::{path::PathBuf, sync::Arc};

use rocket::figment::Figment;
pub use rocket_db_pools::Connection;
use rocket_db_pools::{Database, Pool};

use crate::store::{self, Reader, Store};

/// The database as Rocket manages it. The store is opened before Rocket is built, because the root secret and the signing keys
/// are loaded from it. Rocket then manages the open store and does not open a store itself.
#[derive(Database)]
#[database("vestibule")]
pub struct Db(Store);

#[rocket::async_trait]
impl Pool for Store {
    type Connection = Reader;
    type Error = store::Error;

    /// Opens the store at `databases.vestibule.url`. The trait requires this function, but [`Embed`](super::Embed) manages an
    /// open store instead.
    async fn init(figment: &Figment) -> Result<Self, store::Error> {
        let path: PathBuf = figment.extract_inner("url").map_err(|error| store::Error::Migrate {
            path: PathBuf::new(),
            reason: format!("databases.vestibule.url: {error}"),
        })?;
        Self::open(&path, Arc::new(|_| {}), Arc::new(|_| {})).await
    }

    async fn get(&self) -> Result<Reader, store::Error> {
        self.read().await
    }

    /// Leaves the store open, because Rocket closes its pools before running requests have finished. The code that opened the
    /// store closes it afterwards.
    async fn close(&self) {}
}
