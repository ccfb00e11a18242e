//! The keyed hashes of login names. The audit log contains the hash of a name that belongs to no user instead of the name.

use crate::{
    domain::{DerivedKey, Identifier, User, jwt::base64url},
    flows::vestibule::Vestibule,
};

impl Vestibule {
    /// Returns the keyed hash of a login name that belongs to no user. The audit log contains this hash instead of the name.
    pub(crate) fn name_hash(&self, identifier: &Identifier) -> String {
        name_hash(&self.secrets.login_names, identifier)
    }

    /// Returns a function that returns the keyed hashes of a user's names, as the audit log contains them for a name without a
    /// user. A job of the writer takes it along.
    pub(crate) fn name_hashes(&self) -> impl Fn(&User) -> Vec<String> + Send + use<> {
        let key = self.secrets.login_names.clone();
        move |user| {
            let names = [user.username.as_deref(), user.email.as_deref()].into_iter().flatten();
            names.filter_map(|name| Identifier::parse(name).ok()).map(|name| name_hash(&key, &name)).collect()
        }
    }
}

/// Returns the keyed hash of a login name.
fn name_hash(key: &DerivedKey, identifier: &Identifier) -> String {
    let mac = key.mac(&[b"audit", identifier.key().as_bytes()]);
    base64url(&mac[..16])
}
