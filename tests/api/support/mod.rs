//! A server on a real socket with a real SQLite file, low hashing cost and a clock that the test moves; and the actors that
//! call it.

pub mod at_once;
pub mod browser;
pub mod cookies;
pub mod database;
pub mod judge;
pub mod oauth;

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
    Vestibule,
    clock::Clock,
    config::{self, Profile, Sources},
    domain::{
        Email, Permission, RoleName, UnixTime, UserId, Username, audit_event::RequestContext, password::Password,
    },
    flows::{
        open::{Role, open},
        users::{
            add_user::{NewAccount, add_user},
            change_user::{UserChange, change_user},
        },
    },
};

use self::judge::{Exchange, Judge, Mounted};

/// The second at which every test begins.
pub const START: i64 = 1_800_000_000;

/// The password of everybody, unless a test says otherwise.
pub const PASSWORD: &str = "a long walk to the sea";

/// The settings of a test, as it writes them.
pub type Settings = Vec<(&'static str, Value)>;

/// A running server.
pub struct Server {
    /// Moved by [`Server::advance`].
    pub clock: Clock,
    /// What runs.
    pub vestibule: Arc<Vestibule>,
    /// Where it listens.
    pub address: SocketAddr,
    /// What is mounted, for the comparison of its answers with the document.
    routes: Vec<Mounted>,
    agent: ureq::Agent,
    stop: Option<(rocket::Shutdown, JoinHandle<()>)>,
    directory: Arc<TempDir>,
    settings: Settings,
    application: Application,
}

/// A route of the application. Ours have a mark before the handler's name.
fn mounted(route: &rocket::Route) -> Mounted {
    let id = route.name.as_deref().and_then(|name| name.strip_prefix("vestibule::"));
    Mounted::new(route.method, route.uri.path().to_owned(), id.unwrap_or_default())
}

/// What is launched.
type Application = Arc<dyn Fn(&Arc<Vestibule>, Figment) -> Rocket<Build> + Send + Sync>;

impl Server {
    /// With the settings of the profile `dev`, and cheap hashes.
    pub fn start() -> Self {
        Self::with(vec![])
    }

    /// With other settings as well.
    pub fn with(settings: Settings) -> Self {
        Self::with_routes(settings, vec![])
    }

    /// With routes of the test's own.
    pub fn with_routes(settings: Settings, routes: Vec<rocket::Route>) -> Self {
        Self::with_application(settings, move |vestibule, figment| {
            vestibule::http::rocket(vestibule, figment).mount("/test", routes.clone())
        })
    }

    /// An application of the test's own.
    pub fn with_application(
        settings: Settings,
        application: impl Fn(&Arc<Vestibule>, Figment) -> Rocket<Build> + Send + Sync + 'static,
    ) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        Self::launch(directory, Clock::manual(UnixTime::from_seconds(START)), settings, Arc::new(application))
    }

    fn launch(directory: Arc<TempDir>, clock: Clock, settings: Settings, application: Application) -> Self {
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
                // A connection that is still open at the end is cut off, which Rocket calls an error.
                if let Err(error) = rocket.launch().await
                    && !matches!(error.kind(), ErrorKind::Shutdown(_, None))
                {
                    panic!("it launches: {error}");
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
        Self { clock, vestibule, address, routes, agent, stop, directory, settings, application }
    }

    /// Stops it and starts it again over the same files at the same second.
    pub fn restart(mut self) -> Self {
        self.shut_down();
        let (directory, clock) = (Arc::clone(&self.directory), self.clock.clone());
        let (settings, application) = (std::mem::take(&mut self.settings), Arc::clone(&self.application));
        Self::launch(directory, clock, settings, application)
    }

    /// The same with other settings.
    pub fn restart_with(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self.restart()
    }

    fn shut_down(&mut self) {
        if let Some((shutdown, thread)) = self.stop.take() {
            shutdown.notify();
            thread.join().expect("the server stops");
        }
    }

    /// The configuration that it was started with.
    pub fn configuration(&self) -> config::Config {
        configuration(self.directory(), &self.settings)
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    /// A request by nobody in particular.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let builder = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        Call { server: self, builder, body: Vec::new() }
    }

    /// `POST` of a JSON body.
    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    /// Makes a user `name` with the address `name@example.com` and [`PASSWORD`].
    pub fn user(&self, name: &str) -> Actor<'_> {
        self.user_with(name, &[], &[])
    }

    /// The same with roles and permissions.
    pub fn user_with(&self, name: &str, roles: &[&str], permissions: &[&str]) -> Actor<'_> {
        let new = NewAccount {
            username: Some(Username::parse(name).expect("a name")),
            email: Some(Email::parse(&format!("{name}@example.com")).expect("an address")),
            roles: roles.iter().map(|role| RoleName::parse(role).expect("a role")).collect(),
            permissions: permissions.iter().map(|name| Permission::parse(name).expect("a permission")).collect(),
            claims: serde_json::Map::new(),
            password: Password::parse(PASSWORD).expect("a password"),
        };
        let origin = RequestContext::command_line(self.clock.now());
        let user = wait_for(add_user(&self.vestibule, new, &origin)).expect("the user is new");
        Actor { server: self, name: name.to_owned(), id: user.id.to_string() }
    }

    /// What is mounted.
    pub fn routes(&self) -> &[Mounted] {
        &self.routes
    }

    /// Compares an answer with the document.
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

/// Runs a future to its end.
pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn configuration(directory: &Path, settings: &Settings) -> config::Config {
    let mut sources = Sources::isolated(Profile::Dev)
        .set("data_dir", directory.display().to_string())
        .set("public_url", "http://auth.test")
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

/// A request while it is made.
pub struct Call<'s> {
    server: &'s Server,
    builder: ureq::http::request::Builder,
    body: Vec<u8>,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", content_type)
    }

    #[track_caller]
    pub fn send(self) -> Answer {
        let request = self.builder.body(self.body).expect("a request");
        let (method, target) = (request.method().clone(), request.uri().clone());
        let sent_type = request.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut response = self.server.agent.run(request).expect("the server answers");
        let text = response.body_mut().read_to_string().expect("the answer is text");
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = std::str::from_utf8(value.as_bytes()).expect("headers are text");
                (name.as_str().to_owned(), value.to_owned())
            })
            .collect();
        let answer = Answer {
            status: response.status().as_u16(),
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        };
        let target = target.path_and_query().map_or("/", |target| target.as_str());
        self.server.judge(method.as_str(), target, sent_type.as_deref(), &answer);
        answer
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// Null where it is not JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The status, once it is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Checks status and code of an error, and that its body is the one error body.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["error"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["detail"], self.body["error_description"]);
        assert!(self.body["title"].is_string());
        assert_eq!(self.body["request_id"].as_str(), self.header("x-request-id"));
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie that the answer sets.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.set_cookie(name).and_then(|line| line[name.len() + 1..].split(';').next())
    }

    /// The whole `Set-Cookie` of a cookie: the last one, after those that remove it from its other places.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        self.set_cookie_lines(name).pop()
    }

    /// Every `Set-Cookie` of a name, in their order.
    pub fn set_cookie_lines(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(header, _)| header == "set-cookie").map(|(_, value)| value.as_str());
        lines.filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))).collect()
    }

    #[track_caller]
    pub fn text_at(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no text {field} in {}", self.text))
    }

    /// The fields that a 422 complains of.
    pub fn bad_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["field"].as_str()).collect()
    }

    /// The claims of its access token, unchecked.
    pub fn claims(&self) -> Value {
        claims(self.text_at("access_token"))
    }
}

/// The claims of a token, unchecked.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// One of the JSON parts of a token: 0 is the header, 1 the claims.
pub fn part(token: &str, index: usize) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(index).expect("a token has parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// A user who is about to do something.
pub struct Actor<'s> {
    pub server: &'s Server,
    pub name: String,
    pub id: String,
}

impl<'s> Actor<'s> {
    /// Signs in on a new device.
    #[track_caller]
    pub fn login(&self) -> Session<'s> {
        self.login_with(json!({}))
    }

    /// Signs in with more in the body.
    #[track_caller]
    pub fn login_with(&self, more: Value) -> Session<'s> {
        Session::from(self.server, &self.try_login(more).expect(200))
    }

    /// Has an operator disable the account.
    pub fn disable(&self) {
        self.change(UserChange { disabled: Some(true), ..UserChange::default() });
    }

    /// Has an operator change the account.
    pub fn change(&self, change: UserChange) {
        let id = UserId::parse(&self.id).expect("an id");
        let origin = RequestContext::command_line(self.server.clock.now());
        wait_for(change_user(&self.server.vestibule, id, change, &origin)).expect("it is changed");
    }

    /// Tries to sign in.
    pub fn try_login(&self, more: Value) -> Answer {
        let mut body = json!({"username": self.name, "password": PASSWORD});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.server.post("/auth/login", body)
    }
}

/// The tokens of a signed-in user.
#[derive(Clone)]
pub struct Session<'s> {
    pub server: &'s Server,
    pub access: String,
    pub refresh: String,
    pub id: String,
    pub device_id: String,
}

impl<'s> Session<'s> {
    /// Reads a token answer.
    #[track_caller]
    pub fn from(server: &'s Server, answer: &Answer) -> Self {
        Self {
            server,
            access: answer.text_at("access_token").to_owned(),
            refresh: answer.text_at("refresh_token").to_owned(),
            id: answer.text_at("session_id").to_owned(),
            device_id: answer.text_at("device_id").to_owned(),
        }
    }

    /// A request with the access token.
    pub fn call(&self, method: &str, path: &str) -> Call<'s> {
        self.server.call(method, path).bearer(&self.access)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send()
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    /// Shows the refresh token.
    pub fn try_refresh(&self) -> Answer {
        self.server.post("/auth/refresh", json!({"refresh_token": self.refresh}))
    }

    /// The session after a refresh.
    #[track_caller]
    pub fn refreshed(&self) -> Self {
        Self::from(self.server, &self.try_refresh().expect(200))
    }

    /// Whether the access token is accepted.
    pub fn is_accepted(&self) -> bool {
        self.get("/users/me").status == 200
    }
}
