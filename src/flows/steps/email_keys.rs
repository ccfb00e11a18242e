//! The lookup keys of email addresses. A version of this program that computes them in another way computes them again, once.

use std::collections::HashMap;

use crate::{
    domain::{UserId, user::email_key},
    store::{self, Store, email_keys, meta},
};

/// The key in `meta` for the way in which the lookup keys were computed.
const KEY: &str = "email_keys";

/// The present way: with the domain in ASCII (UTS 46).
const WAY: &str = "uts46";

/// The beginning of the lookup key of an account whose address an older account has too. No address contains a colon.
const CLASH: &str = "clash:";

/// An account that can't be found by its address, because an older account has the same address in another spelling.
#[derive(Debug)]
pub struct EmailClash {
    /// The account.
    pub user: UserId,
    /// Its address.
    pub email: String,
    /// The older account; `None` if it was deleted or has another address now.
    pub older: Option<UserId>,
}

/// Computes the lookup keys of all addresses again, if they were computed in an earlier way. If two accounts then have the same
/// key, the older one keeps it, and the other one has a key by which it can't be found.
pub(in crate::flows) async fn renew(store: &Store) -> store::Result<()> {
    if meta::find(&mut *store.read().await?, KEY).await?.as_deref() == Some(WAY) {
        return Ok(());
    }
    store
        .write(async move |tx| {
            let mut owners: HashMap<String, UserId> = HashMap::new();
            let mut changed = Vec::new();
            for row in email_keys::list(tx).await? {
                let key = email_key(&row.email);
                let owner = *owners.entry(key.clone()).or_insert(row.user);
                if key != row.key || owner != row.user {
                    // Another account may have the new key until it gets its own, so every changed key is set aside first.
                    email_keys::set(tx, row.user, &format!("{CLASH}{}:{key}", row.user)).await?;
                    changed.push((row.user, owner, key));
                }
            }
            for (user, owner, key) in changed {
                if user == owner {
                    email_keys::set(tx, user, &key).await?;
                }
            }
            meta::set(tx, KEY, WAY).await
        })
        .await
}

/// Returns the accounts that can't be found by their address.
pub async fn list_clashes(store: &Store) -> store::Result<Vec<EmailClash>> {
    let mut reader = store.read().await?;
    let mut clashes = Vec::new();
    for row in email_keys::list_with_prefix(&mut reader, CLASH).await? {
        let older = email_keys::find_by_key(&mut reader, &email_key(&row.email)).await?;
        clashes.push(EmailClash { user: row.user, email: row.email, older });
    }
    Ok(clashes)
}
