//! The groups of endpoints. An application chooses which groups are mounted.

/// A group of endpoints that are mounted together.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use rocket::{Build, Rocket};
/// use vestibule::{Embed, Group, Vestibule};
///
/// fn application(vestibule: &Arc<Vestibule>) -> Rocket<Build> {
///     let groups = [Group::Sessions, Group::OAuth, Group::WellKnown];
///     rocket::build().attach(Embed::new(vestibule).groups(groups))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The endpoints that sign in, refresh, sign out, list sessions and register. They are below the setting `base_path`, which
    /// is `/auth` by default.
    Sessions,
    /// The user's own account: `/users/me` and the paths below it.
    Users,
    /// The administration: `/admin` and the paths below it.
    Admin,
    /// The OAuth 2.0 endpoints `token`, `revoke` and `introspect` below `base_path`, and `/token` at the root.
    OAuth,
    /// The endpoint `verify` below `base_path`, which a proxy calls to authenticate requests to other applications.
    ForwardAuth,
    /// The key set and the OAuth metadata, below `/.well-known`.
    WellKnown,
    /// `/health` and `/openapi.json`.
    Operation,
    /// The pages for people, at the root of the host, with the assets below `/static`. The page `continue` is below
    /// `base_path`.
    Pages,
    /// The paths of the systems that Vestibule replaces. They are mounted only if the setting `compat_routes` is on. The binary
    /// includes this group.
    Predecessors,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 9] = [
        Self::Sessions,
        Self::Users,
        Self::Admin,
        Self::OAuth,
        Self::ForwardAuth,
        Self::WellKnown,
        Self::Operation,
        Self::Pages,
        Self::Predecessors,
    ];

    /// Returns whether [`Embed::prefix`](super::Embed::prefix) moves the paths of this group. The paths below `base_path` are
    /// moved by that setting instead, and the paths below `/.well-known` are fixed (RFC 8615).
    pub(super) const fn moves(self) -> bool {
        matches!(self, Self::Users | Self::Admin | Self::Operation)
    }
}
