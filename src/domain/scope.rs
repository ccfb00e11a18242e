//! What a client asks for (RFC 6749 §3.3): permissions by name. It can narrow what a token says, never widen it.

use super::{Permission, permission};

/// Some permissions, sorted, each once. Never empty: who asks for nothing in particular has no scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Vec<Permission>);

impl Scope {
    /// Reads the parameter `scope`. Names that OpenID Connect reserves are passed over: its clients send them to every server.
    /// None where nothing is left, which is the same as not asking.
    ///
    /// # Errors
    /// A sentence where a name can't be that of a permission.
    pub fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        let asked = text.split(' ').filter(|name| !name.is_empty() && !permission::is_reserved(name));
        let permissions: Result<Vec<Permission>, _> = asked.map(Permission::parse).collect();
        Ok(Self::of(permissions.map_err(|_| "has a name in it that no permission has")?))
    }

    /// These permissions; none where there are none.
    pub fn of(mut permissions: Vec<Permission>) -> Option<Self> {
        permissions.sort_unstable();
        permissions.dedup();
        (!permissions.is_empty()).then_some(Self(permissions))
    }

    /// Whether a permission is in it.
    pub fn has(&self, permission: &Permission) -> bool {
        self.0.binary_search(permission).is_ok()
    }

    /// The first of its permissions that is not among `granted`.
    pub fn beyond(&self, granted: &[Permission]) -> Option<&Permission> {
        self.0.iter().find(|permission| !granted.contains(permission))
    }

    /// The permissions, sorted.
    pub fn permissions(&self) -> &[Permission] {
        &self.0
    }
}

/// The permissions joined by spaces: the claim and the parameter `scope`.
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
        assert_eq!(scope.beyond(&scope.permissions()[..1]).map(Permission::as_str), Some("b:x"));
        assert_eq!(scope.beyond(scope.permissions()), None);
    }

    #[test]
    fn asking_for_nothing_is_not_asking() {
        for text in ["", " ", "openid", "openid profile email address phone offline_access"] {
            assert_eq!(Scope::parse(text), Ok(None), "{text:?}");
        }
        for text in ["a\tb", "a\"b", "\u{e9}", "a\\", &"x".repeat(65)] {
            assert!(Scope::parse(text).is_err(), "{text:?}");
        }
    }
}
