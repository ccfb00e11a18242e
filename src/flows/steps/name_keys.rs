//! The lookup keys of usernames and email addresses. A version of this program that computes them in another way computes them
//! again, once.

use std::collections::HashMap;

use crate::{
    domain::{
        UserId,
        user::{email_key, username_key},
    },
    store::{self, Conn, Store, meta, name_keys},
};

pub use crate::store::name_keys::Kind;

/// The key in `meta` for the way in which the lookup keys were computed.
const KEY: &str = "name_keys";

/// The present way: the domain in ASCII (UTS 46), the rest in NFKC after the change of case.
const WAY: &str = "uts46 nfkc";

/// An account that can't be found by a name, because an older account has the same name in another spelling.
#[derive(Debug)]
pub struct NameClash {
    /// The account.
    pub user: UserId,
    /// Whether the name is a username or an address.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// The older account; `None` if it was deleted or has another name now.
    pub older: Option<UserId>,
}

/// Returns the beginning of the lookup key of an account whose name an older account has too. No address contains a colon, and
/// no username an `@`.
const fn clash(kind: Kind) -> &'static str {
    match kind {
        Kind::Username => "@clash:",
        Kind::Email => "clash:",
    }
}

/// Returns the lookup key of a name.
fn key_of(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Username => username_key(name),
        Kind::Email => email_key(name),
    }
}

/// Computes the lookup keys of all names again, if they were computed in an earlier way. If two accounts then have the same
/// key, the older one keeps it, and the other one has a key by which it can't be found.
pub(in crate::flows) async fn renew(store: &Store) -> store::Result<()> {
    if meta::find(&mut *store.read().await?, KEY).await?.as_deref() == Some(WAY) {
        return Ok(());
    }
    store
        .write(async move |tx| {
            renew_kind(tx, Kind::Username).await?;
            renew_kind(tx, Kind::Email).await?;
            meta::set(tx, KEY, WAY).await
        })
        .await
}

/// Computes the lookup keys of the names of one kind.
async fn renew_kind(conn: &mut Conn, kind: Kind) -> store::Result<()> {
    let mut owners: HashMap<String, UserId> = HashMap::new();
    let mut changed = Vec::new();
    for row in name_keys::list(conn, kind).await? {
        let key = key_of(kind, &row.name);
        let owner = *owners.entry(key.clone()).or_insert(row.user);
        if key != row.key || owner != row.user {
            // Another account may have the new key until it gets its own, so every changed key is set aside first.
            name_keys::set(conn, kind, row.user, &format!("{}{}:{key}", clash(kind), row.user)).await?;
            changed.push((row.user, owner, key));
        }
    }
    for (user, owner, key) in changed {
        if user == owner {
            name_keys::set(conn, kind, user, &key).await?;
        }
    }
    Ok(())
}

/// Returns the accounts that can't be found by one of their names.
pub async fn list_clashes(store: &Store) -> store::Result<Vec<NameClash>> {
    let mut reader = store.read().await?;
    let mut clashes = Vec::new();
    for kind in [Kind::Username, Kind::Email] {
        for row in name_keys::list_with_prefix(&mut reader, kind, clash(kind)).await? {
            let older = name_keys::find_by_key(&mut reader, kind, &key_of(kind, &row.name)).await?;
            clashes.push(NameClash { user: row.user, kind, name: row.name, older });
        }
    }
    Ok(clashes)
}
