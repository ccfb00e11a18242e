//! The guards of the administration. Like those of the account, they accept only tokens for the server itself.
//!
//! A wrong body precedes a missing permission (contract, section 1), and a body is read after the guards. So the guard of a
//! change does not check the permission: its handler gets an [`Acting`], which the flows require, only by
//! [`Changes::acting`], and that function checks it.

use std::marker::PhantomData;

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{AccessToken, FreshToken, PermissionName, fresh, grant, required_for_account};
use crate::{
    flows::steps::acting::Acting,
    http::{
        errors::{ApiError, guard_outcome},
        request::caller::Caller,
    },
};

macro_rules! permissions {
    ($($(#[$doc:meta])* pub $name:ident = $permission:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl PermissionName for $name {
            const NAME: &'static str = $permission;
        }
    )+};
}

permissions! {
    /// Allows to read the accounts of all users.
    pub UsersRead = "users:read";
    /// Allows to create, change and delete accounts.
    pub UsersWrite = "users:write";
    /// Allows to read the sessions and devices of all users.
    pub SessionsRead = "sessions:read";
    /// Allows to end sessions and to remove devices of all users.
    pub SessionsRevoke = "sessions:revoke";
    /// Allows to read the roles.
    pub RolesRead = "roles:read";
    /// Allows to change the roles.
    pub RolesWrite = "roles:write";
    /// Allows to read the clients.
    pub ClientsRead = "clients:read";
    /// Allows to add, change and remove clients.
    pub ClientsWrite = "clients:write";
    /// Allows to read the list of the signing keys.
    pub KeysRead = "keys:read";
    /// Allows to rotate and to retire signing keys.
    pub KeysWrite = "keys:write";
    /// Allows to read the audit log.
    pub AuditRead = "audit:read";
}

/// A request guard for an endpoint that reads: the request has an access token with the permission `P`.
pub(in crate::http) struct Reads<P> {
    token: AccessToken,
    permission: PhantomData<fn() -> P>,
}

impl<P> Reads<P> {
    /// Returns the access token.
    pub(in crate::http) fn token(&self) -> &AccessToken {
        &self.token
    }
}

/// A request guard for an endpoint that changes something: the request has a fresh access token. The permission `P` is checked
/// by [`Changes::acting`].
pub(in crate::http) struct Changes<P> {
    token: FreshToken,
    permission: PhantomData<fn() -> P>,
}

impl<P: PermissionName> Changes<P> {
    /// Returns the bearer as the acting user.
    ///
    /// # Errors
    /// 403 `insufficient_scope` if the token does not carry the permission `P`.
    pub(in crate::http) fn acting(&self, caller: &Caller) -> Result<Acting, ApiError> {
        check_permission::<P>(&self.token)?;
        Ok(Acting::bearer(self.token.claims(), caller.context()))
    }
}

#[rocket::async_trait]
impl<'r, P: PermissionName> FromRequest<'r> for Reads<P> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let token = required_for_account(request).and_then(|token| grant(request, token)).and_then(|token| {
            check_permission::<P>(&token)?;
            Ok(Self { token, permission: PhantomData })
        });
        guard_outcome(request, token)
    }
}

#[rocket::async_trait]
impl<'r, P: PermissionName> FromRequest<'r> for Changes<P> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let token = required_for_account(request).and_then(|token| fresh(request, token));
        guard_outcome(request, token.map(|token| Self { token, permission: PhantomData }))
    }
}

/// Checks that the token carries the permission `P`.
fn check_permission<P: PermissionName>(token: &AccessToken) -> Result<(), ApiError> {
    if token.has_permission(P::NAME) { Ok(()) } else { Err(ApiError::insufficient_scope(P::NAME)) }
}
