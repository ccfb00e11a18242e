//! Permissions as types. With them, the signature of a handler names the permission that the route requires.

use std::{fmt, marker::PhantomData, ops::Deref};

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{AccessToken, grant, required};
use crate::http::errors::{ApiError, guard_outcome};

/// A type that represents one permission, for [`Require`](crate::Require). [`permission!`](crate::permission) defines such
/// types and implements this trait for them; its documentation has an example.
pub trait PermissionName: Send + Sync + 'static {
    /// The name of the permission, as in the claim `permissions`.
    const NAME: &'static str;
}

/// Defines types that represent permissions, for [`Require`](crate::Require). A name that no permission can have does not
/// compile. A permission consists of 1 to 64 visible ASCII characters without quotes and backslashes, and is not a scope that
/// OpenID Connect has reserved.
///
/// ```
/// vestibule::permission! {
///     /// Allows to delete the posts of other users.
///     pub DeletePosts = "delete:posts";
///     ReadPosts = "read:posts";
/// }
/// ```
///
/// ```compile_fail
/// vestibule::permission!(Wrong = "two words");
/// ```
///
/// ```compile_fail
/// vestibule::permission!(TakenByOpenIdConnect = "profile");
/// ```
#[macro_export]
macro_rules! permission {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = $permission:literal);+ $(;)?) => {$(
        $(#[$attribute])*
        #[doc = concat!("The permission `", $permission, "`.")]
        #[derive(Clone, Copy, Debug)]
        $visibility struct $name;

        impl $crate::http::guards::PermissionName for $name {
            const NAME: &'static str = $permission;
        }

        const _: () = assert!(
            $crate::domain::permission::is_permission($permission),
            "a permission is 1 to 64 visible ASCII characters without quotes or backslashes, and none of OpenID Connect's"
        );
    )+};
}

/// A request guard for requests whose access token carries the permission `P`. With a valid token that does not carry the
/// permission, the response is 403 with the code `insufficient_scope`. Otherwise it works like
/// [`AccessToken`](crate::AccessToken). The macro [`permission!`](crate::permission) defines the type `P`.
///
/// ```
/// # use rocket::delete;
/// use vestibule::{Require, permission};
///
/// permission!(DeletePosts = "delete:posts");
///
/// #[delete("/posts/<id>")]
/// fn delete_post(id: u64, token: Require<DeletePosts>) -> String {
///     format!("{} has removed {id}", token.subject())
/// }
/// ```
pub struct Require<P> {
    token: AccessToken,
    permission: PhantomData<fn() -> P>,
}

impl<P> Deref for Require<P> {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.token
    }
}

impl<P> Clone for Require<P> {
    fn clone(&self) -> Self {
        Self { token: self.token.clone(), permission: PhantomData }
    }
}

impl<P: PermissionName> fmt::Debug for Require<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Require").field(&P::NAME).field(&self.token).finish()
    }
}

#[rocket::async_trait]
impl<'r, P: PermissionName> FromRequest<'r> for Require<P> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let token = required(request).and_then(|token| {
            // The CSRF check precedes the check of the permission, so that a foreign page does not learn whether the user has
            // the permission.
            let token = grant(request, token)?;
            if token.has_permission(P::NAME) { Ok(token) } else { Err(ApiError::insufficient_scope(P::NAME)) }
        });
        guard_outcome(request, token.map(|token| Self { token, permission: PhantomData }))
    }
}
