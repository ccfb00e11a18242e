//! The changes of an account that somebody who administers may make.

use serde_json::{Map, Value};

use super::{Email, Permission, RoleName, Username, claims, password::Password};

/// A change of a list of roles or permissions.
#[derive(Clone, Debug)]
pub enum ListChange<T> {
    /// Adds some items and removes others. An item to remove that the user does not have is ignored.
    Edit {
        /// The items to add.
        add: Vec<T>,
        /// The names of the items to remove.
        remove: Vec<String>,
    },
    /// Replaces the list.
    Set(Vec<T>),
}

/// A change of the custom claims.
#[derive(Clone, Debug)]
pub enum ClaimsChange {
    /// Sets some claims and removes others.
    Edit {
        /// The claims to set.
        set: Map<String, Value>,
        /// The names of the claims to remove.
        remove: Vec<String>,
    },
    /// Replaces all claims.
    Set(Map<String, Value>),
}

/// The changes to make. `None` and empty lists change nothing.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The new username. An inner `None` removes it.
    pub username: Option<Option<Username>>,
    /// The new email address. An inner `None` removes it.
    pub email: Option<Option<Email>>,
    /// `true` disables the user; `false` enables the user.
    pub disabled: Option<bool>,
    /// Whether the email address is verified.
    pub email_verified: Option<bool>,
    /// The change of the roles.
    pub roles: ListChange<RoleName>,
    /// The change of the permissions that the user has directly, beside the permissions of the roles.
    pub permissions: ListChange<Permission>,
    /// The change of the custom claims.
    pub claims: ClaimsChange,
    /// The new password.
    pub password: Option<Password>,
}

impl<T> Default for ListChange<T> {
    fn default() -> Self {
        Self::Edit { add: Vec::new(), remove: Vec::new() }
    }
}

impl<T> ListChange<T> {
    /// Returns a change that adds items.
    pub fn adding(items: Vec<T>) -> Self {
        Self::Edit { add: items, remove: Vec::new() }
    }

    /// Returns a change that removes the items with these names.
    pub fn removing(names: Vec<String>) -> Self {
        Self::Edit { add: Vec::new(), remove: names }
    }
}

impl<T: Clone + Ord> ListChange<T> {
    /// Returns the list after the change, sorted and without duplicates. `name` returns the name of an item.
    pub fn apply(&self, held: impl Iterator<Item = T>, name: fn(&T) -> &str) -> Vec<T> {
        let mut all: Vec<T> = match self {
            Self::Set(items) => items.clone(),
            Self::Edit { add, remove } => {
                let is_kept = |item: &T| !remove.iter().any(|removed| removed == name(item));
                held.chain(add.iter().cloned()).filter(is_kept).collect()
            }
        };
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Default for ClaimsChange {
    fn default() -> Self {
        Self::Edit { set: Map::new(), remove: Vec::new() }
    }
}

impl ClaimsChange {
    /// Checks the names of the claims to set.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Edit { set, .. } | Self::Set(set) => claims::check_custom(set),
        }
    }

    /// Returns the claims after the change.
    pub fn apply(&self, held: &Map<String, Value>) -> Map<String, Value> {
        match self {
            Self::Set(claims) => claims.clone(),
            Self::Edit { set, remove } => {
                let mut all = held.clone();
                all.extend(set.clone());
                remove.iter().for_each(|name| drop(all.remove(name)));
                all
            }
        }
    }
}
