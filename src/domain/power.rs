//! Power: what somebody who administers may give, take and change.
//!
//! Applications trust roles, permissions, custom claims, names and verified addresses. So these are power: somebody who could
//! give more of it than they hold could act as somebody else. The rule counts what the acting user's token and row both hold.
//! A token may hold less than the row, because a client or a scope narrows it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    AccessClaims, Permission, User,
    permission::{ADMIN_ROLE, BUILT_IN, GIVEN_BY_ADMINS, USERS_READ, VOUCH},
};

/// The power of somebody who administers.
#[derive(Clone, Debug)]
pub enum Power {
    /// Everything is allowed. The operator on the command line has this power, and so does an admin whose token has all
    /// permissions of the server itself.
    All,
    /// No more than what the user holds.
    Held(Held),
}

/// The roles and permissions that an access token contains.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRights {
    /// The names of the roles.
    pub roles: Vec<String>,
    /// The permissions.
    pub permissions: Vec<Permission>,
}

impl TokenRights {
    /// Returns what a token with these claims contains.
    pub fn of(claims: &AccessClaims) -> Self {
        Self { roles: claims.roles.clone(), permissions: claims.permissions.clone() }
    }
}

/// What a user holds by their token and by their row.
#[derive(Clone, Debug)]
pub struct Held {
    roles: BTreeSet<String>,
    permissions: BTreeSet<Permission>,
    claims: Map<String, Value>,
}

/// An act for which somebody lacks the power.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PowerError {
    /// The acting user does not hold the permission to give or take.
    #[error("only somebody who holds the permission {0} can give or take it")]
    Permission(Permission),
    /// The permission is given by admins only.
    #[error("only an admin can give the permission {0}")]
    GivenByAdmins(Permission),
    /// The acting user does not have the role to give, take or change.
    #[error("{}", who_changes_role(.0))]
    Role(String),
    /// The change is about something that applications trust.
    #[error("changing the claims, the verification or the names of a user requires the permission {VOUCH}")]
    Vouch,
    /// The client would no longer be limited to its scopes.
    #[error("only an admin can remove the limit of a client to its scopes")]
    WholeClient,
    /// The other user holds something that the acting user does not hold.
    #[error("this user has a role, a permission or a claim that you do not have")]
    HoldsMore,
}

impl Power {
    /// Returns the power of the user with the row `user` who presents a token with these rights.
    pub fn of(user: &User, token: &TokenRights) -> Self {
        let permissions: BTreeSet<Permission> =
            user.permissions.iter().filter(|held| token.permissions.contains(held)).cloned().collect();
        let roles: BTreeSet<String> = user.roles.iter().filter(|held| token.roles.contains(held)).cloned().collect();
        // A permission that came into being after the token was issued is not missing in it because somebody narrowed it.
        // So the permissions of the server itself decide.
        let is_whole = BUILT_IN.iter().all(|name| permissions.iter().any(|held| held.as_str() == *name));
        if roles.contains(ADMIN_ROLE) && is_whole {
            return Self::All;
        }
        Self::Held(Held { roles, permissions, claims: user.claims.clone() })
    }

    /// Returns whether this is all power, or contains the permission.
    pub fn has(&self, permission: &str) -> bool {
        match self {
            Self::All => true,
            Self::Held(held) => held.permissions.iter().any(|held| held.as_str() == permission),
        }
    }

    /// Checks that a permission may be given to somebody.
    pub fn check_gives(&self, permission: &Permission) -> Result<(), PowerError> {
        match self {
            Self::All => Ok(()),
            Self::Held(_) if GIVEN_BY_ADMINS.contains(&permission.as_str()) => {
                Err(PowerError::GivenByAdmins(permission.clone()))
            }
            Self::Held(held) => held.check_permission(permission),
        }
    }

    /// Checks that a permission may be taken from somebody.
    pub fn check_takes(&self, permission: &Permission) -> Result<(), PowerError> {
        match self {
            Self::All => Ok(()),
            Self::Held(held) => held.check_permission(permission),
        }
    }

    /// Checks that a role with these permissions may be given to somebody.
    pub fn check_gives_role<'p>(
        &self,
        role: &str,
        mut permissions: impl Iterator<Item = &'p Permission>,
    ) -> Result<(), PowerError> {
        self.check_has_role(role)?;
        permissions.try_for_each(|permission| self.check_gives(permission))
    }

    /// Checks that a role with these permissions may be taken from somebody, changed or removed. What is added to it must
    /// be given too.
    pub fn check_takes_role<'p>(
        &self,
        role: &str,
        mut permissions: impl Iterator<Item = &'p Permission>,
    ) -> Result<(), PowerError> {
        self.check_has_role(role)?;
        permissions.try_for_each(|permission| self.check_takes(permission))
    }

    /// Checks that the acting user has a role. The role `admin` with a narrowed token is not the role `admin`, which has every
    /// permission.
    fn check_has_role(&self, role: &str) -> Result<(), PowerError> {
        match self {
            Self::Held(held) if role == ADMIN_ROLE || !held.roles.contains(role) => {
                Err(PowerError::Role(role.to_owned()))
            }
            Self::All | Self::Held(_) => Ok(()),
        }
    }

    /// Checks that a client may have other scopes. `None` stands for all permissions of the user. A client that becomes
    /// wider gives more to everybody who is signed in through it, also to the acting user.
    pub fn check_widens_client(
        &self,
        before: Option<&[Permission]>,
        after: Option<&[Permission]>,
    ) -> Result<(), PowerError> {
        match (self, before, after) {
            (Self::All, ..) | (_, None, _) => Ok(()),
            (Self::Held(_), Some(_), None) => Err(PowerError::WholeClient),
            (Self::Held(_), Some(before), Some(after)) => after
                .iter()
                .filter(|permission| !before.contains(permission))
                .try_for_each(|added| self.check_gives(added)),
        }
    }

    /// Checks that claims, the verification of an address, and the names of somebody else may be changed.
    pub fn check_vouches(&self) -> Result<(), PowerError> {
        if self.has(VOUCH) { Ok(()) } else { Err(PowerError::Vouch) }
    }

    /// Checks that the account of `user` may be read. Somebody who may act on it may read it too.
    pub fn check_reads(&self, user: &User) -> Result<(), PowerError> {
        if self.has(USERS_READ) { Ok(()) } else { self.check_covers(user) }
    }

    /// Checks that the account of `user` may be disabled, enabled or deleted, and that its password, links, sessions and
    /// devices may be changed. The acting user needs everything that the user has, and so nothing is won by it. No exception is
    /// made for the acting user's own account, because their token may be narrowed.
    pub fn check_covers(&self, user: &User) -> Result<(), PowerError> {
        let Self::Held(held) = self else { return Ok(()) };
        let covers = user.roles.iter().all(|role| held.roles.contains(role))
            && user.permissions.iter().all(|permission| held.permissions.contains(permission))
            && (self.has(VOUCH) || user.claims.iter().all(|(name, value)| held.claims.get(name) == Some(value)));
        if covers { Ok(()) } else { Err(PowerError::HoldsMore) }
    }
}

/// Returns who can give, take or change a role, as a sentence.
fn who_changes_role(role: &str) -> String {
    match role {
        ADMIN_ROLE => format!("only an admin can give or take the role {role}"),
        role => format!("only an admin or somebody with the role {role} can give, take or change this role"),
    }
}

impl Held {
    fn check_permission(&self, permission: &Permission) -> Result<(), PowerError> {
        if self.permissions.contains(permission) { Ok(()) } else { Err(PowerError::Permission(permission.clone())) }
    }
}
