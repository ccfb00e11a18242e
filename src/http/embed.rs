//! Vestibule as a part of a Rocket application: one fairing that mounts its endpoints and puts up what its guards need.
//!
//! The binary attaches the same fairing, with every group and for the whole of the application. In an application of
//! somebody else's it minds its own business: headers, CORS, access log and error bodies are those of its own routes, and the
//! errors of its guards on others.

use std::collections::BTreeSet;

use rocket::{
    Build, Orbit, Phase, Rocket, Route, catchers,
    fairing::{self, Fairing, Info, Kind},
};

use super::{
    answer,
    app_state::AppState,
    browser::{cors, set_cookies},
    compat, db,
    fairings::{access_log, background, headers, methods, renewal},
    group::Group,
    guards::protected,
    own_routes::{Ownership, is_own_route, mark_own},
    routes::endpoints,
};

/// The fairing.
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
    whole: bool,
    protected_only: bool,
}

impl Embed {
    /// Mounts the groups [`Group::Sessions`], [`Group::Users`] and [`Group::WellKnown`] of an open [`Vestibule`](crate::Vestibule).
    pub fn new(vestibule: &AppState) -> Self {
        Self {
            vestibule: AppState::clone(vestibule),
            groups: BTreeSet::from([Group::Sessions, Group::Users, Group::WellKnown]),
            prefix: String::new(),
            whole: false,
            protected_only: false,
        }
    }

    /// Mounts these groups, and no others.
    #[must_use]
    pub fn groups(self, groups: impl IntoIterator<Item = Group>) -> Self {
        Self { groups: groups.into_iter().collect(), ..self }
    }

    /// Puts `prefix`, such as `/accounts`, before the paths that would collide with the application's own: `/users/…`,
    /// `/health`. The session endpoints move with the setting `base_path`, which their cookies know.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').to_owned(), ..self }
    }

    /// Refuses the launch while any route of the application is neither [`protected`](protected::protected) nor one of
    /// Vestibule's own. The log names the route.
    #[must_use]
    pub fn only_protected_routes(self) -> Self {
        Self { protected_only: true, ..self }
    }

    /// The former name of [`Embed::only_protected_routes`].
    #[deprecated(since = "0.2.0", note = "renamed to `only_protected_routes`")]
    #[must_use]
    pub fn only_closed_routes(self) -> Self {
        self.only_protected_routes()
    }

    /// The whole server: every group, and every answer is ours.
    pub(super) fn whole(vestibule: &AppState) -> Self {
        Self { whole: true, ..Self::new(vestibule).groups(Group::ALL) }
    }

    fn routes(&self) -> Vec<(String, Vec<Route>)> {
        let web = &self.vestibule.config.web;
        let predecessors = if web.compat_routes { compat::routes() } else { Vec::new() };
        let predecessors =
            predecessors.into_iter().map(|(base, routes)| (Group::Predecessors, base.to_owned(), routes));
        let wanted =
            endpoints(&web.base_path).into_iter().chain(predecessors).filter(|(group, ..)| self.groups.contains(group));
        wanted
            .map(|(group, base, routes)| {
                let base = if group.moves() { format!("{}{base}", self.prefix) } else { base };
                (base, routes.into_iter().map(mark_own).collect())
            })
            .collect()
    }
}

/// Whether no route is open to anybody without having been left open on purpose; says which are.
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

    /// Fairings that were attached after this one may have mounted more.
    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        if self.protected_only && !has_only_protected_routes(rocket) {
            rocket.shutdown().notify();
        }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        if self.protected_only && !has_only_protected_routes(&rocket) {
            return Err(rocket);
        }
        let mut rocket = rocket
            .manage(db::Db::from(self.vestibule.store.clone()))
            .manage(AppState::clone(&self.vestibule))
            .manage(Ownership { whole: self.whole })
            .attach(headers::Headers)
            .attach(cors::Cors)
            .attach(answer::Challenges)
            .attach(renewal::Renewal)
            // After whatever wants to set one.
            .attach(set_cookies::SetCookies)
            .attach(access_log::AccessLog)
            .attach(background::Background);
        if self.whole {
            rocket = rocket.attach(methods::OriginalMethod);
        }
        // An application with a catcher for everything has its own idea of how an error looks.
        let has_catcher = rocket.catchers().any(|catcher| catcher.code.is_none() && catcher.base.path() == "/");
        if !has_catcher {
            rocket = rocket.register("/", catchers![answer::catch]);
        }
        for (base, routes) in self.routes() {
            rocket = rocket.mount(base, routes);
        }
        let ours = |route: &Route| self.whole || is_own_route(route);
        let missing: Vec<Route> = methods::missing(rocket.routes(), ours).into_iter().map(mark_own).collect();
        Ok(rocket.mount("/", missing))
    }
}
