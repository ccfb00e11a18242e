//! Vestibule as a part of a Rocket application: one fairing that mounts the endpoints and provides what the guards need.
//!
//! The binary attaches the same fairing. There it mounts every group and treats every route as Vestibule's own. In another
//! application, the fairing sets headers and CORS, and writes the access log, for Vestibule's own routes only. It renders
//! errors only if the application has no default catcher at `/`.

use std::{collections::BTreeSet, sync::Arc};

use rocket::{
    Build, Orbit, Phase, Rocket, Route, catchers,
    fairing::{self, Fairing, Info, Kind},
};

use super::{
    admin::networks::within_networks,
    app_state::AppState,
    browser::{cors, set_cookies},
    compat, db, error_response,
    fairings::{access_log, background, headers, measured::Measured, methods, renewal},
    group::Group,
    guards::protected,
    openapi,
    own_routes::{Ownership, is_below, is_own_route, mark_own},
    request::untrusted_proxy::UntrustedProxies,
    root_files,
    routes::{ADMIN, endpoints},
    workbench,
};
use crate::{config::Profile, flows::Vestibule};

/// A fairing that makes Vestibule a part of a Rocket application.
///
/// It mounts the endpoints, provides the state that the guards need, and starts the background tasks. It renders errors as
/// problem details (RFC 9457), unless the application has a default catcher at `/`.
///
/// On the application's own routes it sets only these headers:
/// * `WWW-Authenticate`, if a guard of Vestibule refused the request.
/// * The renewed access token, if the setting `renew_within` is not 0.
///
/// ```no_run
/// # use std::sync::Arc;
/// use rocket::{get, routes};
/// use vestibule::{CurrentUser, Embed, Vestibule, config::Config};
///
/// #[get("/greeting")]
/// fn greeting(user: CurrentUser) -> String {
///     format!("Hello {}", user.username().unwrap_or("you"))
/// }
///
/// # #[rocket::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let vestibule = Vestibule::open(Config::of_process()?).await?;
/// rocket::build().attach(Embed::new(&vestibule)).mount("/", routes![greeting]).launch().await?;
/// vestibule.close().await;
/// # Ok(())
/// # }
/// ```
pub struct Embed {
    vestibule: AppState,
    groups: BTreeSet<Group>,
    prefix: String,
    /// Whether every route of the application is Vestibule's own, as in the binary.
    whole: bool,
    /// Whether a route of the application that is not protected prevents the launch.
    protected_only: bool,
}

impl Embed {
    /// Creates the fairing for an open [`Vestibule`](crate::Vestibule). Without this fairing, the guards answer with 500.
    /// It mounts the groups [`Group::Sessions`], [`Group::Users`] and [`Group::WellKnown`].
    pub fn new(vestibule: &Arc<Vestibule>) -> Self {
        Self {
            vestibule: AppState::clone(vestibule),
            groups: BTreeSet::from([Group::Sessions, Group::Users, Group::WellKnown]),
            prefix: String::new(),
            whole: false,
            protected_only: false,
        }
    }

    /// Mounts the given groups instead of the default ones.
    #[must_use]
    pub fn groups(self, groups: impl IntoIterator<Item = Group>) -> Self {
        Self { groups: groups.into_iter().collect(), ..self }
    }

    /// Inserts `prefix`, such as `/accounts`, before the paths of [`Group::Users`], [`Group::Admin`] and
    /// [`Group::Operation`]. Their paths `/users/…`, `/admin/…`, `/health` and `/openapi.json` could be the same as paths
    /// of the application. The session endpoints are moved by the setting `base_path` instead, because the path of the
    /// refresh cookie depends on it.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').to_owned(), ..self }
    }

    /// Refuses the launch if a route of the application is neither wrapped by [`protected`](protected::protected) nor one of
    /// Vestibule's own. The log names every such route. The routes are checked again after the launch. If a fairing that was
    /// attached later has mounted such a route, the server shuts down at once.
    #[must_use]
    pub fn only_protected_routes(self) -> Self {
        Self { protected_only: true, ..self }
    }

    /// Calls [`Embed::only_protected_routes`], which is the new name of this method.
    #[deprecated(since = "0.2.0", note = "renamed to `only_protected_routes`")]
    #[must_use]
    pub fn only_closed_routes(self) -> Self {
        self.only_protected_routes()
    }

    /// Creates the fairing of the binary. It mounts every group, and it treats every route as Vestibule's own.
    pub(super) fn whole(vestibule: &AppState) -> Self {
        Self { whole: true, ..Self::new(vestibule).groups(Group::ALL) }
    }

    /// Returns whether the workbench is mounted: in the binary with the profile `dev`, and nowhere else.
    fn has_workbench(&self) -> bool {
        self.whole && self.vestibule.config.profile == Profile::Dev
    }

    /// Returns the routes of the wanted groups, each list with the path where it is mounted. They are marked as Vestibule's
    /// own.
    fn routes(&self) -> Vec<(String, Vec<Route>)> {
        let web = &self.vestibule.config.web;
        let predecessors = if web.compat_routes { compat::routes() } else { Vec::new() };
        let predecessors =
            predecessors.into_iter().map(|(base, routes)| (Group::Predecessors, base.to_owned(), routes));
        let at_root = if self.whole { root_files::routes() } else { Vec::new() };
        let viewer = if web.docs { viewer_of_description() } else { Vec::new() };
        let wanted = endpoints(&web.base_path)
            .into_iter()
            .chain(predecessors)
            .chain([(Group::Operation, "/".to_owned(), viewer), (Group::Pages, "/".to_owned(), at_root)])
            .filter(|(group, ..)| self.groups.contains(group));
        let own = if self.has_workbench() { workbench::gated(workbench::routes()) } else { Vec::new() };
        let own = ("/".to_owned(), own.into_iter().map(mark_own).collect());
        wanted
            .map(|(group, base, routes)| {
                let routes = if base == ADMIN { within_networks(routes) } else { routes };
                let routes = if self.has_workbench() { workbench::with_plans(routes) } else { routes };
                let base = if group.moves() { format!("{}{base}", self.prefix) } else { base };
                (base, routes.into_iter().map(mark_own).collect())
            })
            .chain([own])
            .collect()
    }
}

/// Returns the routes of the viewer at `/docs`, if the program was built with it.
fn viewer_of_description() -> Vec<Route> {
    #[cfg(feature = "docs")]
    return super::docs::routes();
    #[cfg(not(feature = "docs"))]
    return Vec::new();
}

/// Adds the state of the viewer at `/docs`, if the program was built with it.
fn with_viewer(rocket: Rocket<Build>) -> Rocket<Build> {
    #[cfg(feature = "docs")]
    return rocket.manage(super::docs::ShownDocument::default());
    #[cfg(not(feature = "docs"))]
    return rocket;
}

/// Returns whether every route is wrapped by [`protected`](protected::protected) or one of Vestibule's own. Writes the other
/// routes to the log.
fn has_only_protected_routes<P: Phase>(rocket: &Rocket<P>) -> bool {
    let open = rocket.routes().filter(|route| !is_own_route(route) && !protected::is_protected(route));
    let routes = open.map(|route| format!("{} {}", route.method, route.uri)).collect::<Vec<_>>().join(", ");
    if !routes.is_empty() {
        tracing::error!(
            routes,
            "these routes are not protected: mount them with `protected`, or drop `only_protected_routes`"
        );
    }
    routes.is_empty()
}

#[rocket::async_trait]
impl Fairing for Embed {
    fn info(&self) -> Info {
        Info { name: "Vestibule", kind: Kind::Ignite | Kind::Liftoff | Kind::Singleton }
    }

    /// Checks the routes again, because fairings that were attached after this one may have mounted more.
    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        if self.protected_only && !has_only_protected_routes(rocket) {
            rocket.shutdown().notify();
        }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        if self.protected_only && !has_only_protected_routes(&rocket) {
            return Err(rocket);
        }
        let mut rocket = with_viewer(rocket)
            .manage(db::Db::from(self.vestibule.store.clone()))
            .manage(AppState::clone(&self.vestibule))
            .manage(Ownership { whole: self.whole })
            .manage(openapi::OwnDocument::default())
            .manage(UntrustedProxies::default())
            .attach(headers::Headers)
            .attach(cors::Cors)
            .attach(error_response::Challenges)
            .attach(error_response::Reasons)
            .attach(renewal::Renewal)
            // Attached after the fairings that set cookies, such as `Renewal`, because it writes the cookies that they have
            // set.
            .attach(set_cookies::SetCookies)
            .attach(access_log::AccessLog)
            .attach(background::Background);
        if self.whole && self.vestibule.config.metrics.address.is_some() {
            rocket = rocket.attach(Measured::new(&self.vestibule.metrics));
        }
        if self.has_workbench() {
            rocket = workbench::attach(rocket);
        }
        // An application with a default catcher renders errors itself.
        let has_catcher = rocket.catchers().any(|catcher| catcher.code.is_none() && catcher.base.path() == "/");
        if !has_catcher {
            rocket = rocket.register("/", catchers![error_response::catch]);
        }
        for (base, routes) in self.routes() {
            rocket = rocket.mount(base, routes);
        }
        // This is last, because it must see the routes of the application and the routes that were mounted above.
        let is_own = |route: &Route| self.whole || is_own_route(route);
        let admin = format!("{}/admin", self.prefix);
        let is_admin = |route: &Route| self.groups.contains(&Group::Admin) && is_below(&admin, route.uri.path());
        let (of_admin, others): (Vec<Route>, Vec<Route>) =
            methods::missing(rocket.routes(), is_own).into_iter().partition(is_admin);
        let gated = if self.has_workbench() { workbench::shapes() } else { BTreeSet::new() };
        let is_gated = |route: &Route| gated.contains(route.uri.path());
        let (of_workbench, others): (Vec<Route>, Vec<Route>) = others.into_iter().partition(is_gated);
        let behind = within_networks(of_admin).into_iter().chain(workbench::gated(of_workbench));
        let missing: Vec<Route> = behind.chain(others).map(mark_own).collect();
        Ok(rocket.mount("/", missing))
    }
}
