//! Roles: named sets of permissions.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Permission,
    permission::{ADMIN_ROLE, BUILT_IN},
};

/// All roles with their permissions. The role `admin` has the permissions of all roles and the built-in permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(BTreeMap<String, BTreeSet<Permission>>);

impl Roles {
    /// Wraps the roles that the database contains.
    pub fn new(stored: BTreeMap<String, BTreeSet<Permission>>) -> Self {
        Self(stored)
    }

    /// Returns whether a role with the name `role` exists.
    pub fn has(&self, role: &str) -> bool {
        self.0.contains_key(role)
    }

    /// Returns the names of the roles, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the permissions of the role `admin`: the permissions of all roles and the built-in permissions.
    pub fn all(&self) -> BTreeSet<Permission> {
        let built_in = BUILT_IN.iter().filter_map(|name| Permission::parse(name).ok());
        self.0.values().flatten().cloned().chain(built_in).collect()
    }

    /// Returns the permissions of a role. The set is empty if the role does not exist.
    pub fn permissions(&self, role: &str) -> BTreeSet<Permission> {
        if role == ADMIN_ROLE { self.all() } else { self.0.get(role).cloned().unwrap_or_default() }
    }

    /// Returns the permissions of a user with the given roles and the directly granted permissions `direct`, sorted and
    /// without duplicates. A role that does not exist grants nothing.
    pub fn of_user<'r>(&self, roles: impl IntoIterator<Item = &'r str>, direct: &[Permission]) -> Vec<Permission> {
        let by_role = roles.into_iter().flat_map(|role| self.permissions(role));
        by_role.chain(direct.iter().cloned()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Returns a copy in which one role is added or changed to have exactly `permissions`. If `permissions` is `None`,
    /// the role is removed.
    #[must_use]
    pub fn with(&self, role: &str, permissions: Option<BTreeSet<Permission>>) -> Self {
        let mut changed = self.clone();
        match permissions {
            Some(permissions) => changed.0.insert(role.to_owned(), permissions),
            None => changed.0.remove(role),
        };
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<Permission> {
        names.iter().map(|name| Permission::parse(name).expect("a permission")).collect()
    }

    #[test]
    fn admin_has_the_permissions_of_all_roles_and_the_built_in_permissions() {
        let roles = Roles::default().with("admin", Some(set(&[]))).with("editor", Some(set(&["posts:write"])));
        let of_admin = roles.of_user(["admin"], &[]);
        assert_eq!(of_admin.len(), BUILT_IN.len() + 1);
        assert!(of_admin.is_sorted());
        let direct: Vec<Permission> = set(&["a", "posts:write"]).into_iter().collect();
        assert_eq!(roles.of_user(["editor", "nobody"], &direct), direct);
        assert_eq!(roles.with("editor", None).all().len(), BUILT_IN.len());
    }
}
