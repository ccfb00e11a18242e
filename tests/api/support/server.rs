//! A server on a real socket with a real SQLite file, low hashing cost and a clock that the test moves.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use rocket::{Build, Rocket, error::ErrorKind, fairing::AdHoc, figment::Figment};
use serde_json::{Value, json};
use tempfile::TempDir;
use vestibule::{
    Front, Vestibule,
    clock::Clock,
    config::{self, Profile, Sources},
    domain::{Email, Permission, RoleName, UnixTime, Username, password::Password},
    flows::{
        open::{Role, open},
        steps::acting::Acting,
        users::add_user::{NewAccount, add_user},
    },
};

use super::{
    PASSWORD, START, Settings,
    actors::Actor,
    call::{Answer, Call},
    judge::{Exchange, Judge, Mounted},
    wait_for,
};

/// A running server.
pub struct Server {
    /// The clock of the server. [`Server::advance`] moves it.
    pub clock: Clock,
    /// The server without its HTTP, for calls of its flows and its store.
    pub vestibule: Arc<Vestibule>,
    /// The address at which it listens.
    pub address: SocketAddr,
    /// The mounted routes. [`Server::judge`] needs them.
    routes: Vec<Mounted>,
    pub(super) agent: ureq::Agent,
    stop: Option<(rocket::Shutdown, JoinHandle<()>)>,
    directory: Arc<TempDir>,
    settings: Settings,
    application: Application,
    launcher: Launcher,
}

/// Returns a mounted route for the judge. Only the handlers of this server have names with the prefix `vestibule::`, so all
/// other routes get an empty id.
fn mounted(route: &rocket::Route) -> Mounted {
    let id = route.name.as_deref().and_then(|name| name.strip_prefix("vestibule::"));
    Mounted::new(route.method, route.uri.path().to_owned(), id.unwrap_or_default())
}

/// The server that launches the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launcher {
    /// The server of the binary.
    Front,
    /// Rocket's own server.
    Rocket,
}

/// A function that creates the application that is launched.
type Application = Arc<dyn Fn(&Arc<Vestibule>, Figment) -> Rocket<Build> + Send + Sync>;

impl Server {
    /// Starts a server with the settings of the profile `dev`, and with cheap hashes.
    pub fn start() -> Self {
        Self::with(vec![])
    }

    /// Starts a server as [`Server::start`] does, with these settings in addition.
    pub fn with(settings: Settings) -> Self {
        Self::with_routes(settings, vec![])
    }

    /// Starts a server as [`Server::with`] does, with the routes of a test below `/test`.
    pub fn with_routes(settings: Settings, routes: Vec<rocket::Route>) -> Self {
        Self::with_application(Launcher::Front, settings, move |vestibule, figment| {
            vestibule::http::rocket(vestibule, figment).mount("/test", routes.clone())
        })
    }

    /// Starts the application that a test creates.
    pub fn with_application(
        launcher: Launcher,
        settings: Settings,
        application: impl Fn(&Arc<Vestibule>, Figment) -> Rocket<Build> + Send + Sync + 'static,
    ) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        let clock = Clock::manual(UnixTime::from_seconds(START));
        Self::launch(directory, clock, settings, Arc::new(application), launcher)
    }

    /// Launches the application in a thread of its own. Returns when the application listens.
    fn launch(
        directory: Arc<TempDir>,
        clock: Clock,
        settings: Settings,
        application: Application,
        launcher: Launcher,
    ) -> Self {
        let config = configuration(directory.path(), &settings);
        let (send, receive) = mpsc::channel();
        let (its_clock, its_application) = (clock.clone(), Arc::clone(&application));
        let thread = thread::spawn(move || {
            rocket::execute(async move {
                let vestibule = Arc::new(open(config, its_clock, Role::Server).await.expect("it opens"));
                let (shared, to_test) = (Arc::clone(&vestibule), send.clone());
                let figment = Figment::new()
                    .merge(("port", 0))
                    .merge(("workers", 2))
                    .merge(("shutdown.ctrlc", false))
                    .merge(("shutdown.signals", Vec::<String>::new()))
                    .merge(("shutdown.grace", 0));
                let telling = AdHoc::on_liftoff("tell the test", move |rocket| {
                    Box::pin(async move {
                        let address = SocketAddr::new(rocket.config().address, rocket.config().port);
                        let routes: Vec<Mounted> = rocket.routes().map(mounted).collect();
                        to_test.send((address, rocket.shutdown(), shared, routes)).expect("the test listens");
                    })
                });
                let rocket = its_application(&vestibule, figment).attach(telling);
                match launcher {
                    Launcher::Front => {
                        let front = Front::bind(&vestibule.config).expect("it listens");
                        front.serve(rocket).await.expect("it launches");
                    }
                    // At the end Rocket cuts off the connections that are still open, and reports that as an error.
                    Launcher::Rocket => match rocket.launch().await {
                        Err(error) if !matches!(error.kind(), ErrorKind::Shutdown(_, None)) => {
                            panic!("it launches: {error}");
                        }
                        _ => {}
                    },
                }
                vestibule.close().await;
            });
        });
        let (address, shutdown, vestibule, routes) = receive.recv().expect("the server starts");
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .max_idle_connections_per_host(64)
            .build()
            .new_agent();
        let stop = Some((shutdown, thread));
        Self { clock, vestibule, address, routes, agent, stop, directory, settings, application, launcher }
    }

    /// Stops the server and starts it again with the same files, settings and clock.
    pub fn restart(mut self) -> Self {
        self.shut_down();
        let (directory, clock) = (Arc::clone(&self.directory), self.clock.clone());
        let (settings, application) = (std::mem::take(&mut self.settings), Arc::clone(&self.application));
        Self::launch(directory, clock, settings, application, self.launcher)
    }

    /// Stops the server and starts it again over the same files with other settings.
    pub fn restart_with(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self.restart()
    }

    /// Stops the server and waits for the end of its thread. Does nothing if it was stopped already.
    fn shut_down(&mut self) {
        if let Some((shutdown, thread)) = self.stop.take() {
            shutdown.notify();
            thread.join().expect("the server stops");
        }
    }

    /// Returns the configuration of the server.
    pub fn configuration(&self) -> config::Config {
        configuration(self.directory(), &self.settings)
    }

    /// Returns the directory of its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Moves the server's clock by `seconds`, which may be negative.
    pub fn advance(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    /// Begins a request without a token.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let builder = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        Call { server: self, builder, body: Vec::new() }
    }

    /// Sends a `POST` with a JSON body.
    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    /// Sends a login with a name and a password. Returns the response.
    pub fn try_login(&self, name: &str, password: &str) -> Answer {
        self.post("/auth/login", json!({"username": name, "password": password}))
    }

    /// Adds a user `name` with the address `name@example.com` and [`PASSWORD`].
    pub fn user(&self, name: &str) -> Actor<'_> {
        self.user_with(name, &[], &[])
    }

    /// Adds a user with roles and permissions.
    pub fn user_with(&self, name: &str, roles: &[&str], permissions: &[&str]) -> Actor<'_> {
        let new = NewAccount {
            username: Some(Username::parse(name).expect("a name")),
            email: Some(Email::parse(&format!("{name}@example.com")).expect("an address")),
            email_verified: false,
            roles: roles.iter().map(|role| RoleName::parse(role).expect("a role")).collect(),
            permissions: permissions.iter().map(|name| Permission::parse(name).expect("a permission")).collect(),
            claims: serde_json::Map::new(),
            password: Some(Password::parse(PASSWORD).expect("a password")),
            disabled: false,
        };
        let context = Acting::operator(self.clock.now());
        let user = wait_for(add_user(&self.vestibule, new, &context)).expect("the user is new");
        Actor { server: self, name: name.to_owned(), id: user.id.to_string() }
    }

    /// Returns the mounted routes.
    pub fn routes(&self) -> &[Mounted] {
        &self.routes
    }

    /// Compares a response with the API description. Panics if it is not as documented.
    #[track_caller]
    pub fn judge(&self, method: &str, target: &str, sent_type: Option<&str>, answer: &Answer) {
        let exchange = Exchange {
            method,
            target,
            sent_type,
            status: answer.status,
            content_type: answer.header("content-type"),
            has_request_id: answer.header("x-request-id").is_some(),
            text: &answer.text,
        };
        Judge::of(&self.vestibule.config.web.base_path).hear(&self.routes, &exchange);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Returns the configuration of a test server: the profile `dev`, cheap password hashes, and these settings.
fn configuration(directory: &Path, settings: &Settings) -> config::Config {
    let mut sources = Sources::isolated(Profile::Dev)
        .set("data_dir", directory.display().to_string())
        .set("public_url", "http://auth.test")
        .set("port", 0)
        .set("shutdown_grace", 0)
        .set("argon2_memory_kib", 8)
        .set("argon2_iterations", 1);
    for (key, value) in settings {
        let value = figment_value(value);
        sources = sources.set(key, value);
    }
    config::load(&sources).expect("the settings of the test are valid").config
}

fn figment_value(value: &Value) -> rocket::figment::value::Value {
    rocket::figment::value::Value::serialize(value).expect("JSON is a setting")
}
