//! The URL at which people reach the server, for commands. A flag or a variable of the server may have set it, which a command
//! does not know, and a link with another URL would lead nowhere.

use crate::{
    config::PublicUrl,
    flows::Vestibule,
    store::{self, Conn, Store, meta},
};

/// The key of the URL in the table `meta`.
const KEY: &str = "public_url";

/// Stores the URL of this server, unless it is stored already.
pub(in crate::flows) async fn remember(store: &Store, url: &PublicUrl) -> store::Result<()> {
    let url = url.as_str().to_owned();
    if meta::find(&mut *store.read().await?, KEY).await?.is_some_and(|known| known == url) {
        return Ok(());
    }
    store.write(async move |tx| meta::set(tx, KEY, &url).await).await
}

/// Returns the URL of the server that was started last, or that of the configuration if none was started.
pub(in crate::flows) async fn find(vestibule: &Vestibule, conn: &mut Conn) -> store::Result<String> {
    Ok(meta::find(conn, KEY).await?.unwrap_or_else(|| vestibule.config.web.public_url.as_str().to_owned()))
}
