//! The scope that a client requests (RFC 6749 §3.3): a list of permissions. A scope can reduce the permissions of a
//! token, but never extend them.

use super::{Permission, permission};

/// A sorted list of distinct permissions. The list is never empty. A request without a scope is represented by `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Vec<Permission>);

impl Scope {
    /// Reads the parameter `scope`. Ignores the names that OpenID Connect reserves, because OpenID Connect clients send
    /// them to every server. Returns `None` if no name remains, as if the parameter were absent.
    ///
    /// # Errors
    /// A message if a name is not a valid permission.
    pub fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        let names = text.split(' ').filter(|name| !name.is_empty() && !permission::is_reserved(name));
        let permissions: Result<Vec<Permission>, _> = names.map(Permission::parse).collect();
        Ok(Self::of(permissions.map_err(|_| "contains a name that is not a valid permission")?))
    }

    /// Returns a scope with the given permissions, or `None` if there are no permissions.
    pub fn of(mut permissions: Vec<Permission>) -> Option<Self> {
        permissions.sort_unstable();
        permissions.dedup();
        (!permissions.is_empty()).then_some(Self(permissions))
    }

    /// Returns whether the scope contains a permission.
    pub fn has(&self, permission: &Permission) -> bool {
        self.0.binary_search(permission).is_ok()
    }

    /// Returns the first permission of the scope that is not in `granted`, or `None` if all permissions of the scope
    /// are granted.
    pub fn first_not_in(&self, granted: &[Permission]) -> Option<&Permission> {
        self.0.iter().find(|permission| !granted.contains(permission))
    }

    /// Returns the permissions, sorted.
    pub fn permissions(&self) -> &[Permission] {
        &self.0
    }
}

/// Joins permissions by spaces, for the claim and the parameter `scope`.
pub fn text(permissions: &[Permission]) -> String {
    permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_sorted_and_has_each_permission_once() {
        let scope = Scope::parse("  b:x a openid b:x   profile ").expect("a scope").expect("some permissions");
        assert_eq!(text(scope.permissions()), "a b:x");
        assert!(scope.has(&scope.permissions()[1]));
        assert_eq!(scope.first_not_in(&scope.permissions()[..1]).map(Permission::as_str), Some("b:x"));
        assert_eq!(scope.first_not_in(scope.permissions()), None);
    }

    #[test]
    fn a_scope_without_permissions_is_absent_and_a_malformed_scope_is_an_error() {
        for text in ["", " ", "openid", "openid profile email address phone offline_access"] {
            assert_eq!(Scope::parse(text), Ok(None), "{text:?}");
        }
        for text in ["a\tb", "a\"b", "\u{e9}", "a\\", &"x".repeat(65)] {
            assert!(Scope::parse(text).is_err(), "{text:?}");
        }
    }
}
