//! The store as a pool of `rocket_db_pools`. A handler that only reads takes a `Connection<Db>`, which is a read-only
//! connection.

use std::{path::PathBuf, sync::Arc};

use rocket::figment::Figment;
pub use rocket_db_pools::Connection;
use rocket_db_pools::{Database, Pool};

use crate::store::{self, Reader, Store};

/// The database as Rocket knows it. Rocket manages an open store and does not open one itself, because the store is opened
/// before Rocket is built: the root secret and the signing keys are loaded with it.
#[derive(Database)]
#[database("vestibule")]
pub struct Db(Store);

#[rocket::async_trait]
impl Pool for Store {
    type Connection = Reader;
    type Error = store::Error;

    async fn init(figment: &Figment) -> Result<Self, store::Error> {
        let path: PathBuf = figment.extract_inner("url").map_err(|error| store::Error::Migrate {
            path: PathBuf::new(),
            reason: format!("databases.vestibule.url: {error}"),
        })?;
        Self::open(&path, Arc::new(|_| {})).await
    }

    async fn get(&self) -> Result<Reader, store::Error> {
        self.read().await
    }

    /// Leaves the store open, because Rocket closes its pools before running requests have finished. The code that opened the
    /// store closes it afterwards.
    async fn close(&self) {}
}
