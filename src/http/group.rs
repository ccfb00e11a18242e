//! The groups of endpoints that an application chooses from.

/// Endpoints that are mounted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Sign in, refresh, sign out, the list of sessions: below `base_path`.
    Sessions,
    /// `/users/me` and `register`.
    Users,
    /// The OAuth 2.0 endpoints: `token`, `revoke`, `introspect`.
    OAuth,
    /// `verify`, which answers the proxies in front of other applications.
    ForwardAuth,
    /// The key set, and what else stands below `/.well-known`.
    WellKnown,
    /// `/health` and `/openapi.json`.
    Operation,
    /// The pages for people, and `/static`. They stand at the root of the host.
    Pages,
    /// The paths of the predecessors, with the setting `compat_routes` only.
    Predecessors,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 8] = [
        Self::Sessions,
        Self::Users,
        Self::OAuth,
        Self::ForwardAuth,
        Self::WellKnown,
        Self::Operation,
        Self::Pages,
        Self::Predecessors,
    ];

    /// Whether its paths move with [`Embed::prefix`](super::Embed::prefix). Those below `base_path` move with that setting; what
    /// stands below `/.well-known` is found there or not at all (RFC 8615).
    pub(super) const fn moves(self) -> bool {
        matches!(self, Self::Users | Self::Operation)
    }
}
