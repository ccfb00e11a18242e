//! The desk: the request of somebody who administers, with what every page of the administration needs.

use std::sync::Arc;

use rocket::{
    Request,
    outcome::try_outcome,
    request::{FromRequest, Outcome},
};
use serde_json::{Map, Value, json};

use super::refused::Refused;
use crate::{
    domain::{
        AccessClaims,
        permission::{ADMIN_ROLE, BUILT_IN},
        power::{Power, TokenRights},
    },
    flows::Vestibule,
    http::{
        app_state::app_state,
        errors::{ApiError, guard_outcome},
        guards::PermissionName,
        pages::{Page, PageResponse, SeeOther, failure::Failure, signed_in::SignedIn, texts},
        request::caller::Caller,
    },
    store::{Conn, users},
};

/// The path below which the pages and their forms are, except the first page, which is at `/admin`.
pub(super) const UI: &str = "/admin/ui";

/// The pages of the menu: the key of the label, the path, and the permissions of which one is required. The first page requires
/// any of all these permissions.
const MENU: [(&str, &str, &[&str]); 6] = [
    ("overview", "/admin", &[]),
    ("people", "/admin/ui/people", &["users:read"]),
    ("roles", "/admin/ui/roles", &["roles:read"]),
    ("applications", "/admin/ui/applications", &["clients:read"]),
    ("activity", "/admin/ui/activity", &["audit:read"]),
    ("server", "/admin/ui/server", &["keys:read"]),
];

/// The permissions that open the first page.
const READS: [&str; 6] = ["users:read", "sessions:read", "roles:read", "clients:read", "audit:read", "keys:read"];

/// Returns whether a token with these claims opens the first page.
pub(in crate::http::pages) fn reads_anything(claims: &AccessClaims) -> bool {
    READS.iter().any(|permission| claims.has_permission(permission))
}

/// A request guard for a page of the administration: the browser has a valid access cookie. It does not check a permission;
/// each page calls [`Desk::check`].
pub(super) struct Desk<'r> {
    pub(super) vestibule: &'r Vestibule,
    pub(super) caller: &'r Caller,
    /// The claims of the access token of the person at the desk.
    pub(super) claims: Arc<AccessClaims>,
    /// The code in the address that selects a sentence about the form that was sent before.
    notice: Option<String>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Desk<'r> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let SignedIn(token) = try_outcome!(request.guard::<SignedIn>().await);
        guard_outcome(request, Self::new(request, token.shared_claims()))
    }
}

impl<'r> Desk<'r> {
    /// Returns the desk of the person with these claims.
    pub(super) fn new(request: &'r Request<'_>, claims: Arc<AccessClaims>) -> Result<Self, ApiError> {
        let notice = request.query_value::<String>("notice").and_then(Result::ok);
        Ok(Self { vestibule: app_state(request)?, caller: Caller::of(request), claims, notice })
    }

    /// Returns whether the token carries the permission `P`.
    pub(super) fn may<P: PermissionName>(&self) -> bool {
        self.claims.has_permission(P::NAME)
    }

    /// Checks that the token carries the permission `P`.
    ///
    /// # Errors
    /// 403 `insufficient_scope`.
    pub(super) fn check<P: PermissionName>(&self) -> Result<(), ApiError> {
        if self.may::<P>() { Ok(()) } else { Err(ApiError::insufficient_scope(P::NAME)) }
    }

    /// Checks that the token carries the permission `P`, as [`Desk::check`] does, for the page of a form that may have been
    /// refused.
    ///
    /// # Errors
    /// The error of the form, so that somebody who may not read the page learns why it was refused. Otherwise 403.
    pub(super) fn check_page<P: PermissionName>(&self, refused: Option<&Refused>) -> Result<(), ApiError> {
        match refused.and_then(|refused| refused.error.clone()) {
            Some(error) if !self.may::<P>() => Err(error),
            _ => self.check::<P>(),
        }
    }

    /// Checks that the token carries a permission to read something.
    ///
    /// # Errors
    /// 403 `insufficient_scope`.
    pub(super) fn check_reads_anything(&self) -> Result<(), ApiError> {
        if reads_anything(&self.claims) {
            Ok(())
        } else {
            Err(ApiError::insufficient("A permission to read something of the server is required."))
        }
    }

    /// Returns whether this is an admin whose token has all permissions of the server itself.
    pub(super) fn is_admin(&self) -> bool {
        let has_all = BUILT_IN.iter().all(|permission| self.claims.has_permission(permission));
        has_all && self.claims.roles.iter().any(|role| role == ADMIN_ROLE)
    }

    /// Returns the power of the person at the desk, according to which a page leaves out what a flow would refuse.
    pub(super) async fn power(&self, conn: &mut Conn) -> Result<Power, ApiError> {
        let user = users::find(conn, self.claims.sub).await?;
        let user = user.ok_or_else(crate::http::api::users::account_deleted)?;
        Ok(Power::of(&user, &TokenRights::of(&self.claims)))
    }

    /// Returns a redirect to a page, which displays the sentence of `notice`.
    pub(super) fn to(&self, address: &str, notice: &str) -> PageResponse {
        SeeOther(format!("{address}?notice={notice}")).into()
    }

    /// Returns the page of the template `name`, in the part `menu` of the administration. `own` is an object with the values of
    /// this template. If a form was refused, the page says so and has the status of the refusal.
    pub(super) fn page(&self, name: &'static str, menu: &str, own: Value, refused: Option<&Refused>) -> Page {
        let failure = refused.map(|refused| &refused.failure);
        let mut context = json!({
            "menu": self.menu(menu),
            "ui": UI,
            "csrf_token": self.vestibule.csrf_token(self.claims.sid),
            "notice_text": texts::notice(self.notice.as_deref()).filter(|_| refused.is_none()),
            "error": failure.map(Failure::sentence),
            "failed": refused.map_or("", |refused| &refused.form),
            "problems": failure.map_or_else(|| json!({}), Failure::problems),
            "typed": refused.map_or_else(|| json!({}), Refused::typed),
            "may": self.permissions(),
        });
        if let (Some(all), Value::Object(own)) = (context.as_object_mut(), own) {
            all.extend(own);
        }
        let page = Page::new(name, context);
        match failure {
            Some(failure) => failure.on(page),
            None => page,
        }
    }

    /// Returns the entries of the menu that the person may open.
    fn menu(&self, current: &str) -> Vec<Value> {
        let may_open = |permissions: &[&str]| {
            permissions.is_empty() || permissions.iter().any(|permission| self.claims.has_permission(permission))
        };
        let entry = |(key, address, _): &(&str, &str, &[&str])| json!({"label": texts::find("admin_menu", key), "address": address, "current": *key == current});
        MENU.iter().filter(|(.., permissions)| may_open(permissions)).map(entry).collect()
    }

    /// Returns which permissions the token carries: `users_write` for `users:write`, and so on.
    fn permissions(&self) -> Map<String, Value> {
        let held = |name: &&str| (name.replace(':', "_"), self.claims.has_permission(name).into());
        BUILT_IN.iter().map(held).collect()
    }
}
