//! Rotation under load: keys change three times while clients log in, refresh and call, and not one of them notices; nor does
//! a service that checks tokens with a copy of the key set that is up to ten minutes old.
//!
//! Short as it stands. `VESTIBULE_ROTATION_SECONDS=30 cargo test --test rotation` is the whole of it.

#[expect(dead_code, unused_imports, reason = "shared with the tests of the API, which use more of it")]
#[path = "api/support/mod.rs"]
mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use vestibule::{
    domain::{audit_event::RequestContext, jwt::Algorithm},
    flows::{
        keys::rotate_keys::{When, rotate_keys},
        steps::signing::generate,
    },
};

use support::{Answer, PASSWORD, Server, Session, part, unlimited, wait_for};

/// Requests in a second, all clients together.
const RATE: u32 = 200;
const CLIENTS: u32 = 8;
/// Seconds for which a copy of the key set is kept: all that a key is published before it signs.
const KEPT: i64 = 600;
/// The steps by which the clock moves, in seconds, each with the milliseconds for which clients continue at that second: copies
/// of every age are used, and long enough in the last second before the new key may sign.
const STEPS: [(i64, u64); 4] = [(300, 50), (240, 50), (59, 700), (1, 50)];

/// The behaviour of a service when a token names a key that its copy of the key set lacks.
#[derive(Clone, Copy, PartialEq)]
enum Unknown {
    /// Refuses the token.
    Refuse,
    /// Gets the key set again, as most libraries do.
    AskAgain,
}

/// A service with a copy of the key set, which it gets again when that is too old.
struct Verifier<'s> {
    server: &'s Server,
    unknown: Unknown,
    copy: Mutex<(i64, JwkSet)>,
    fetched: AtomicUsize,
}

impl<'s> Verifier<'s> {
    fn new(server: &'s Server, unknown: Unknown) -> Self {
        let copy = Mutex::new((server.clock.now().seconds(), Self::fetch(server)));
        Self { server, unknown, copy, fetched: AtomicUsize::new(1) }
    }

    fn fetch(server: &Server) -> JwkSet {
        let answer = server.call("GET", "/.well-known/jwks.json").send();
        assert_eq!(answer.status, 200, "{}", answer.text);
        serde_json::from_value(answer.body).expect("a key set")
    }

    fn check(&self, token: &str) -> Result<(), String> {
        let now = self.server.clock.now().seconds();
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        let kid = header.kid.ok_or("no kid")?;
        let mut copy = self.copy.lock().expect("nobody panicked");
        let asks_again = self.unknown == Unknown::AskAgain && copy.1.find(&kid).is_none();
        if now - copy.0 >= KEPT || asks_again {
            *copy = (now, Self::fetch(self.server));
            self.fetched.fetch_add(1, Ordering::Relaxed);
        }
        let key = copy.1.find(&kid).ok_or_else(|| format!("{kid} is not in a copy of {} s", now - copy.0))?;
        let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        let mut validation = Validation::new(header.alg);
        // The clock of the test stands elsewhere.
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode::<Value>(token, &key, &validation).map(drop).map_err(|error| error.to_string())
    }
}

/// The state that the clients share.
struct Load<'s> {
    server: &'s Server,
    verifier: Verifier<'s>,
    over: AtomicBool,
    requests: AtomicUsize,
    kids: Mutex<BTreeSet<String>>,
    failures: Mutex<Vec<String>>,
}

impl Load<'_> {
    fn count(&self, what: &str, answer: &Answer) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if answer.status != 200 {
            self.fail(format!("{what}: {} {}", answer.status, answer.text));
        }
        answer.status == 200
    }

    fn fail(&self, what: String) {
        self.failures.lock().expect("nobody panicked").push(what);
    }

    /// Checks a token that was just issued with the service, and notes its key.
    fn give_out(&self, token: &str) {
        if let Err(why) = self.verifier.check(token) {
            self.fail(format!("a service: {why}"));
        }
        self.kids.lock().expect("nobody panicked").insert(part(token, 0)["kid"].as_str().expect("a name").to_owned());
    }

    /// Runs one client: it logs in now and then, refreshes in between, and mostly calls with its token.
    fn run(&self, name: &str) {
        let login = || self.server.post("/auth/login", json!({"username": name, "password": PASSWORD}));
        let pause = Duration::from_secs(1) * CLIENTS / RATE;
        let (mut session, mut due) = (None::<Session<'_>>, Instant::now());
        for turn in 0_u32.. {
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            let given = match &session {
                Some(session) if turn % 50 != 0 => match turn % 10 {
                    0 => Some(("refresh", session.try_refresh())),
                    _ => {
                        self.count("call", &session.get("/users/me"));
                        None
                    }
                },
                _ => Some(("login", login())),
            };
            if let Some((what, answer)) = given
                && self.count(what, &answer)
            {
                self.give_out(answer.text_at("access_token"));
                session = Some(Session::from(self.server, &answer));
            }
            due += pause;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}

fn seconds() -> u64 {
    std::env::var("VESTIBULE_ROTATION_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

fn settings() -> support::Settings {
    // Time moves by half an hour while they run: tokens are valid for an hour.
    unlimited(vec![("access_token_lifetime", json!("1h")), ("max_devices_per_user", json!(0))])
}

/// Runs the load while `change` is done three times, evenly over the time; what it came to.
fn under_load(server: &Server, unknown: Unknown, change: impl Fn(u32)) -> (usize, BTreeSet<String>, usize) {
    let names: Vec<String> = (0..CLIENTS).map(|number| format!("client{number}")).collect();
    names.iter().for_each(|name| drop(server.user(name)));
    let load = Load {
        server,
        verifier: Verifier::new(server, unknown),
        over: AtomicBool::new(false),
        requests: AtomicUsize::new(0),
        kids: Mutex::default(),
        failures: Mutex::default(),
    };
    let part = Duration::from_secs(seconds()) / 4;
    thread::scope(|scope| {
        for name in &names {
            scope.spawn(|| load.run(name));
        }
        for number in 0..3 {
            thread::sleep(part);
            change(number);
        }
        thread::sleep(part);
        load.over.store(true, Ordering::Relaxed);
    });
    let failures = load.failures.into_inner().expect("nobody panicked");
    assert!(failures.is_empty(), "{} failures, the first: {:?}", failures.len(), &failures[..failures.len().min(5)]);
    (load.requests.into_inner(), load.kids.into_inner().expect("nobody panicked"), load.verifier.fetched.into_inner())
}

const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Es384];

fn rotate(server: &Server, number: u32, when: When) -> String {
    let origin = RequestContext::command_line(server.clock.now());
    let algorithm = ALGORITHMS[number as usize];
    let rotated = wait_for(async { rotate_keys(&server.vestibule, generate(algorithm).await, when, &origin).await });
    rotated.expect("it rotates").kid
}

#[test]
fn three_rotations_under_load_fail_no_request_and_no_service_with_an_old_copy() {
    let server = Server::with(settings());
    let (requests, kids, fetched) = under_load(&server, Unknown::Refuse, |number| {
        let kid = rotate(&server, number, When::Published);
        for (seconds, milliseconds) in STEPS {
            server.advance(seconds);
            thread::sleep(Duration::from_millis(milliseconds));
        }
        // By itself, once the server has looked.
        let mut patience = 1_000;
        while server.count_signing_keys_that_are("next") > 0 {
            patience -= 1;
            assert!(patience > 0, "{kid} never signed");
            thread::sleep(Duration::from_millis(10));
        }
    });
    assert_eq!(kids.len(), 4, "each key signed");
    assert!((2..=5).contains(&fetched), "the copies were old: {fetched}");
    println!("{requests} requests in {} s, {} keys, {fetched} copies of the key set", seconds(), kids.len());
}

#[test]
fn three_rotations_at_once_under_load_fail_no_request() {
    let server = Server::with(settings());
    let (requests, kids, fetched) = under_load(&server, Unknown::AskAgain, |number| {
        rotate(&server, number, When::Now);
    });
    assert_eq!((kids.len(), fetched), (4, 4), "each key signed");
    println!("{requests} requests in {} s, {} keys, {fetched} copies of the key set", seconds(), kids.len());
}
