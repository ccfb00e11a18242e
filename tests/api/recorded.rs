//! Each audit event is written in the transaction of what it records: if the event can't be written, the change is not there,
//! the response says so, and a second attempt succeeds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vestibule::{
    AccessTokenOptions,
    domain::{UserId, audit_event::Event, jwt::Algorithm, signing_key::SigningKey},
    flows::{
        keys::{
            advance_keys::advance_keys,
            retire_key::retire_key,
            rotate_keys::{When, rotate_keys},
        },
        steps::acting::Acting,
    },
};

use crate::support::{
    Actor, PASSWORD, Server,
    browser::{Browser, form},
    fingerprints::{another_machine, chromium, drifted},
    unlimited, wait_for,
};

/// The kinds that are written by commands, each with the file of the test that refuses them there.
const OF_COMMANDS: [(&str, &str); 4] = [
    ("database_restored", "tests/cli/restore.rs"),
    ("root_secret_changed", "tests/cli/recorded.rs"),
    ("root_secret_lost", "tests/cli/recorded.rs"),
    ("users_imported", "tests/cli/recorded.rs"),
];

/// The kinds that record a refusal, which changes nothing else.
const REFUSALS: [&str; 3] = ["device_limit_reached", "limit_reached", "login_failed"];

/// The number of accounts that the world below has for its deeds.
const PEOPLE: usize = 40;

/// A request or a call that was prepared. It returns its status, and can be made twice.
type Deed<'s> = Box<dyn Fn() -> u16 + 's>;

/// A function that prepares a deed for a new user.
type Prepare = for<'s> fn(&World<'s>, Actor<'s>) -> Deed<'s>;

/// A server and its admin.
struct World<'s> {
    server: &'s Server,
    root: Actor<'s>,
}

impl<'s> World<'s> {
    /// Prepares a request of the admin, who signs in for it.
    fn admin(&self, method: &'static str, path: String, body: Value) -> Deed<'s> {
        let root = self.root.login();
        Box::new(move || root.call(method, &path).json(body.clone()).send().status)
    }

    /// Makes a request of the admin that must succeed.
    #[track_caller]
    fn done(&self, method: &'static str, path: String, body: Value) -> Value {
        let answer = self.root.login().call(method, &path).json(body).send();
        assert!(answer.status < 300, "{method} {path}: {}", answer.text);
        answer.body
    }

    fn acting(&self) -> Acting {
        Acting::operator(self.server.clock.now())
    }

    /// Makes a new key the next one.
    fn next_key(&self) {
        let key = SigningKey::generate(Algorithm::Es256);
        wait_for(rotate_keys(&self.server.vestibule, key, When::Published, &self.acting())).expect("it rotates");
    }

    /// Prepares the steps of the keys that are due after some seconds.
    fn keys_after(&self, seconds: i64) -> Deed<'s> {
        self.server.advance(seconds);
        let (server, acting) = (self.server, self.acting());
        Box::new(move || status(wait_for(advance_keys(&server.vestibule, &acting.context))))
    }
}

/// Returns 200 for a success, otherwise 503.
fn status<T, E>(result: Result<T, E>) -> u16 {
    if result.is_ok() { 200 } else { 503 }
}

/// Prepares a request in a new session of the user.
fn own<'s>(user: &Actor<'s>, method: &'static str, path: &'static str, body: Value) -> Deed<'s> {
    let session = user.login();
    Box::new(move || session.call(method, path).json(body.clone()).send().status)
}

/// Prepares a refresh with this fingerprint, in a session that has another one.
fn refresh_on<'s>(actor: &Actor<'s>, fingerprint: Value) -> Deed<'s> {
    let session = actor.login_with(json!({"fingerprint": chromium()}));
    Box::new(move || {
        let body = json!({"refresh_token": session.refresh, "fingerprint": fingerprint});
        session.server.post("/auth/refresh", body).status
    })
}

/// Each kind of event, the deed that it records, and the status of this deed if it succeeds.
const DEEDS: &[(&str, Prepare, u16)] = &[
    (
        "user_registered",
        |world, _| posting(world.server, "/auth/register", json!({"username": "eve", "password": PASSWORD})),
        201,
    ),
    ("user_added", |world, _| world.admin("POST", "/admin/users".into(), json!({"username": "mallory"})), 201),
    ("user_changed", |world, user| world.admin("PATCH", path(&user), json!({"claims": {"team": "a"}})), 200),
    ("user_changed", |_, user| own(&user, "PATCH", "/users/me", json!({"username": "renamed"})), 200),
    ("user_disabled", |world, user| world.admin("PATCH", path(&user), json!({"disabled": true})), 200),
    (
        "user_enabled",
        |world, user| {
            user.disable();
            world.admin("PATCH", path(&user), json!({"disabled": false}))
        },
        200,
    ),
    ("user_deleted", |world, user| world.admin("DELETE", path(&user), Value::Null), 204),
    ("user_deleted", |_, user| own(&user, "DELETE", "/users/me", json!({"password": PASSWORD})), 204),
    (
        "password_changed",
        |_, user| {
            let body = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
            own(&user, "POST", "/users/me/password", body)
        },
        200,
    ),
    (
        "password_changed",
        |world, user| world.admin("PATCH", path(&user), json!({"password": "another walk to the sea"})),
        200,
    ),
    ("link_created", |world, user| world.admin("POST", path(&user) + "/link", json!({"purpose": "reset"})), 201),
    (
        "link_used",
        |world, user| {
            let link = world.done("POST", path(&user) + "/link", json!({"purpose": "reset"}));
            let url = link["url"].as_str().expect("a URL");
            let browser = Browser::new(world.server);
            let page = browser.open(&url[url.find("/link?").expect("the path")..]).expect(200);
            let page = form(&page, "/link");
            Box::new(move || browser.submit(&page, &[("password", "another walk to the sea")]).status)
        },
        303,
    ),
    ("login_succeeded", |_, user| Box::new(move || user.try_login(json!({})).status), 200),
    ("login_failed", |_, user| Box::new(move || user.try_login(json!({"password": "not the password"})).status), 401),
    (
        "login_failed",
        |world, _| posting(world.server, "/auth/login", json!({"username": "nobody", "password": "not the password"})),
        401,
    ),
    ("reauthenticated", |_, user| own(&user, "POST", "/auth/fresh", json!({"password": PASSWORD})), 200),
    ("reauthentication_failed", |_, user| own(&user, "POST", "/auth/fresh", json!({"password": "wrong wrong"})), 401),
    ("logged_out", |_, user| own(&user, "POST", "/auth/logout", json!({})), 200),
    ("session_revoked", |_, user| own(&user, "POST", "/auth/logout_all", json!({})), 200),
    (
        "session_revoked",
        |_, user| {
            let (other, session) = (user.login(), user.login());
            let path = format!("/auth/sessions/{}", other.id);
            Box::new(move || session.call("DELETE", &path).send().status)
        },
        204,
    ),
    (
        "session_revoked",
        |world, user| {
            user.login();
            world.admin("DELETE", path(&user) + "/sessions", Value::Null)
        },
        200,
    ),
    (
        "token_revoked",
        |_, user| {
            let session = user.login();
            Box::new(move || session.server.form("/auth/revoke", &[("token", session.access.as_str())]).status)
        },
        200,
    ),
    (
        "refresh_repeated",
        |world, user| {
            let session = user.login();
            session.try_refresh().expect(200);
            let server = world.server;
            Box::new(move || {
                // Without an event a minute must pass before the next one.
                let again = server.call("POST", "/auth/refresh").header("User-Agent", "another");
                let status = again.json(json!({"refresh_token": session.refresh})).send().status;
                server.advance(60);
                status
            })
        },
        200,
    ),
    (
        "refresh_reused",
        |world, user| {
            let session = user.login();
            session.try_refresh().expect(200);
            world.server.advance(700);
            Box::new(move || session.try_refresh().status)
        },
        401,
    ),
    ("device_mismatch", |_, user| refresh_on(&user, another_machine()), 401),
    ("device_drift", |_, user| refresh_on(&user, drifted()), 200),
    (
        "device_removed",
        |world, user| {
            user.login();
            let devices = world.done("GET", path(&user) + "/devices", Value::Null);
            let device = devices["devices"][0]["id"].as_str().expect("an id").to_owned();
            world.admin("DELETE", format!("{}/devices/{device}", path(&user)), Value::Null)
        },
        204,
    ),
    (
        "access_token_created",
        |world, user| {
            let (server, id) = (world.server, UserId::parse(&user.id).expect("an id"));
            Box::new(move || status(wait_for(server.vestibule.create_access_token(id, AccessTokenOptions::default()))))
        },
        200,
    ),
    (
        "client_added",
        |world, _| world.admin("POST", "/admin/clients".into(), json!({"id": "web", "public": true})),
        201,
    ),
    ("client_changed", |world, _| world.admin("PATCH", "/admin/clients/web".into(), json!({"name": "Web"})), 200),
    ("client_removed", |world, _| world.admin("DELETE", "/admin/clients/web".into(), Value::Null), 204),
    ("role_changed", |world, _| world.admin("PUT", "/admin/roles/editor".into(), json!({"permissions": ["a:b"]})), 200),
    ("role_removed", |world, _| world.admin("DELETE", "/admin/roles/editor".into(), Value::Null), 204),
    (
        "signing_key_created",
        |world, _| {
            let (server, acting) = (world.server, world.acting());
            Box::new(move || {
                let key = SigningKey::generate(Algorithm::Es256);
                status(wait_for(rotate_keys(&server.vestibule, key, When::Now, &acting)))
            })
        },
        200,
    ),
    (
        "signing_key_promoted",
        |world, _| {
            world.next_key();
            world.keys_after(600)
        },
        200,
    ),
    (
        "signing_key_retired",
        |world, _| {
            world.next_key();
            world.keys_after(600)
        },
        200,
    ),
    ("signing_key_removed", |world, _| world.keys_after(30 * 24 * 60 * 60), 200),
    (
        "signing_key_removed",
        |world, _| {
            let set = world.server.call("GET", "/.well-known/jwks.json").send().expect(200).body;
            let first = set["keys"][0]["kid"].as_str().expect("a key").to_owned();
            world.next_key();
            world.keys_after(600)();
            let (server, acting) = (world.server, world.acting());
            Box::new(move || status(wait_for(retire_key(&server.vestibule, &first, &acting))))
        },
        200,
    ),
];

/// Returns the path of a user in the administration.
fn path(user: &Actor<'_>) -> String {
    format!("/admin/users/{}", user.id)
}

/// Prepares a request without a token.
fn posting<'s>(server: &'s Server, path: &'static str, body: Value) -> Deed<'s> {
    Box::new(move || server.post(path, body.clone()).status)
}

/// Returns the rows of all tables except the audit log and the table of the refused events.
fn rows(server: &Server) -> BTreeMap<String, Vec<String>> {
    let mut rows = server.everything();
    rows.retain(|table, _| !matches!(&**table, "audit_events" | "refused_events" | "sqlite_sequence"));
    rows
}

/// Checks that a deed fails and changes nothing while its event can't be written, and that it succeeds and is recorded
/// afterwards. `prepare` is called when the event is refused already.
fn check<'s>(server: &'s Server, event: &str, expected: u16, prepare: impl FnOnce() -> Deed<'s>) {
    server.refuse_events(event);
    let deed = prepare();
    server.advance(1);
    let (before, recorded) = (rows(server), server.count_events(event));
    assert_eq!(deed(), 503, "{event}: it is refused");
    let after = rows(server);
    for (table, rows) in &before {
        assert_eq!(&after[table], rows, "{event}: {table} has changed without it");
    }
    assert_eq!(server.count_events(event), recorded, "{event}");
    server.refuse_events("none");
    assert_eq!(deed(), expected, "{event}: it succeeds at the second attempt");
    assert!(server.count_events(event) > recorded, "{event}: it is recorded");
    assert_eq!(rows(server) == before, REFUSALS.contains(&event), "{event}: whether something has changed");
}

#[test]
fn nothing_is_changed_without_its_event() {
    let server = Server::with(unlimited(vec![("refresh_reuse_grace", "10m".into())]));
    let world = World { server: &server, root: server.user_with("root", &["admin"], &[]) };
    assert!(DEEDS.len() <= PEOPLE);
    for (at, (event, prepare, expected)) in DEEDS.iter().enumerate() {
        let user = server.user(&format!("user{at}"));
        check(&server, event, *expected, || prepare(&world, user));
    }
}

#[test]
fn a_refusal_without_its_event_is_a_failure() {
    let settings = vec![("max_devices_per_user", 1.into()), ("device_limit_policy", "reject".into())];
    let server = Server::with(unlimited(settings));
    let ada = server.user("ada");
    ada.login();
    check(&server, "device_limit_reached", 403, || Box::new(|| ada.try_login(json!({})).status));
    let server = Server::with(vec![("register_rate_per_ip", "1/1h".into())]);
    let register = || server.post("/auth/register", json!({"username": "ada", "password": PASSWORD})).status;
    assert_eq!(register(), 201);
    check(&server, "limit_reached", 429, || Box::new(register));
}

#[test]
fn every_kind_of_event_is_refused_in_a_test() {
    let here: BTreeSet<&str> = DEEDS.iter().map(|(event, ..)| *event).chain(REFUSALS).collect();
    let kinds: BTreeSet<&str> = here.iter().copied().chain(OF_COMMANDS.map(|(event, _)| event)).collect();
    assert_eq!(kinds, Event::WORDS.iter().copied().collect());
    for (event, file) in OF_COMMANDS {
        assert!(std::fs::read_to_string(file).is_ok_and(|text| text.contains(event)), "{file} does not name {event}");
    }
}
