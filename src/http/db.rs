//! Where the store meets `rocket_db_pools`: handlers that only read take a `Connection<Db>`, a read-only connection.

use std::{path::PathBuf, sync::Arc};

use rocket::figment::Figment;
pub use rocket_db_pools::Connection;
use rocket_db_pools::{Database, Pool};

use crate::store::{self, Reader, Store};

/// The database as Rocket knows it. Managed ready-made, because the store is open before Rocket is: the root secret and the
/// keys come out of it.
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

    /// Nothing: Rocket closes its pools before running requests have finished. Whoever opened the store closes it, after.
    async fn close(&self) {}
}
