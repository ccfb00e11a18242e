//! Signing key rotation under load. The key is rotated three times while clients log in, refresh and call the API. No request
//! fails. No service rejects a token, even with a copy of the key set that is up to ten minutes old.
//!
//! By default each test lasts about 4 seconds. To run each for 30 seconds:
//! `VESTIBULE_ROTATION_SECONDS=30 cargo test --test rotation`.

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
    domain::jwt::Algorithm,
    flows::{
        keys::rotate_keys::{When, rotate_keys},
        steps::acting::Acting,
        steps::signing::generate,
    },
};

use support::{Answer, PASSWORD, Server, Session, part, unlimited, wait_for};

/// The number of requests per second of all clients together.
const REQUESTS_PER_SECOND: u32 = 200;
const CLIENTS: u32 = 8;
/// How long a service keeps its copy of the key set, in seconds. A new key is published for exactly this time before it signs.
const COPY_LIFETIME: i64 = 600;
/// Steps of the test clock: the seconds to advance, and the real milliseconds to wait afterwards. The clients send requests
/// during the wait. The copies thus reach every age up to 600 seconds. The longest wait is at 599 seconds, the last second
/// before the new key may sign.
const STEPS: [(i64, u64); 4] = [(300, 50), (240, 50), (59, 700), (1, 50)];

/// The behaviour of a service when a token names a key that is not in its copy of the key set.
#[derive(Clone, Copy, PartialEq)]
enum OnUnknownKid {
    /// Refuses the token.
    Refuse,
    /// Downloads the key set again, as most libraries do.
    Refetch,
}

/// A service that verifies tokens with a cached key set. It downloads the key set again when the copy is [`COPY_LIFETIME`]
/// seconds old.
struct Verifier<'s> {
    server: &'s Server,
    on_unknown_kid: OnUnknownKid,
    /// The time of the download (Unix seconds of the test clock), and the key set.
    copy: Mutex<(i64, JwkSet)>,
    /// The number of downloads.
    fetched: AtomicUsize,
}

impl<'s> Verifier<'s> {
    fn new(server: &'s Server, on_unknown_kid: OnUnknownKid) -> Self {
        let copy = Mutex::new((server.clock.now().seconds(), Self::fetch(server)));
        Self { server, on_unknown_kid, copy, fetched: AtomicUsize::new(1) }
    }

    /// Downloads the key set.
    fn fetch(server: &Server) -> JwkSet {
        let answer = server.call("GET", "/.well-known/jwks.json").send();
        assert_eq!(answer.status, 200, "{}", answer.text);
        serde_json::from_value(answer.body).expect("a key set")
    }

    /// Verifies a token. Returns the reason if the service rejects the token.
    fn check(&self, token: &str) -> Result<(), String> {
        let now = self.server.clock.now().seconds();
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        let kid = header.kid.ok_or("no kid")?;
        let mut copy = self.copy.lock().expect("nobody panicked");
        let must_refetch = self.on_unknown_kid == OnUnknownKid::Refetch && copy.1.find(&kid).is_none();
        if now - copy.0 >= COPY_LIFETIME || must_refetch {
            *copy = (now, Self::fetch(self.server));
            self.fetched.fetch_add(1, Ordering::Relaxed);
        }
        let key = copy.1.find(&kid).ok_or_else(|| format!("{kid} is not in a copy of {} s", now - copy.0))?;
        let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        let mut validation = Validation::new(header.alg);
        // The tokens are issued by the test clock; `jsonwebtoken` would compare `exp` with the system clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode::<Value>(token, &key, &validation).map(drop).map_err(|error| error.to_string())
    }
}

/// The state that the clients share.
struct Load<'s> {
    server: &'s Server,
    verifier: Verifier<'s>,
    /// Whether the clients must stop.
    stop: AtomicBool,
    requests: AtomicUsize,
    /// The ids of the keys that signed tokens.
    kids: Mutex<BTreeSet<String>>,
    failures: Mutex<Vec<String>>,
}

impl Load<'_> {
    /// Counts a response, and records a failure if its status is not 200. Returns whether the status is 200.
    fn count(&self, what: &str, answer: &Answer) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if answer.status != 200 {
            self.fail(format!("{what}: {} {}", answer.status, answer.text));
        }
        answer.status == 200
    }

    /// Records a failure. The test fails at the end of the load.
    fn fail(&self, what: String) {
        self.failures.lock().expect("nobody panicked").push(what);
    }

    /// Lets the service verify a new access token, and records the token's `kid`.
    fn verify_and_record(&self, token: &str) {
        if let Err(why) = self.verifier.check(token) {
            self.fail(format!("a service: {why}"));
        }
        self.kids.lock().expect("nobody panicked").insert(part(token, 0)["kid"].as_str().expect("a name").to_owned());
    }

    /// Runs one client until the load stops. Of 50 requests one is a login, four are refreshes, and the others are calls with
    /// the access token.
    fn run(&self, name: &str) {
        let login = || self.server.post("/auth/login", json!({"username": name, "password": PASSWORD}));
        let pause = Duration::from_secs(1) * CLIENTS / REQUESTS_PER_SECOND;
        let (mut session, mut due) = (None::<Session<'_>>, Instant::now());
        for turn in 0_u32.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let outcome = match &session {
                Some(session) if turn % 50 != 0 => match turn % 10 {
                    0 => Some(("refresh", session.try_refresh())),
                    _ => {
                        self.count("call", &session.get("/users/me"));
                        None
                    }
                },
                _ => Some(("login", login())),
            };
            if let Some((what, answer)) = outcome
                && self.count(what, &answer)
            {
                self.verify_and_record(answer.text_at("access_token"));
                session = Some(Session::from(self.server, &answer));
            }
            due += pause;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}

/// Returns the length of each test, in seconds.
fn seconds() -> u64 {
    std::env::var("VESTIBULE_ROTATION_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

fn settings() -> support::Settings {
    // The clock advances by half an hour during a test. Access tokens are valid for one hour, so none expires.
    unlimited(vec![("access_token_lifetime", json!("1h")), ("max_devices_per_user", json!(0))])
}

/// Runs the load and calls `change` three times at equal intervals. Returns the number of requests, the `kid`s that signed
/// tokens, and the number of downloads of the key set. Panics if a request or a check failed.
fn under_load(server: &Server, on_unknown_kid: OnUnknownKid, change: impl Fn(u32)) -> (usize, BTreeSet<String>, usize) {
    let names: Vec<String> = (0..CLIENTS).map(|number| format!("client{number}")).collect();
    names.iter().for_each(|name| drop(server.user(name)));
    let load = Load {
        server,
        verifier: Verifier::new(server, on_unknown_kid),
        stop: AtomicBool::new(false),
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
        load.stop.store(true, Ordering::Relaxed);
    });
    let failures = load.failures.into_inner().expect("nobody panicked");
    assert!(failures.is_empty(), "{} failures, the first: {:?}", failures.len(), &failures[..failures.len().min(5)]);
    (load.requests.into_inner(), load.kids.into_inner().expect("nobody panicked"), load.verifier.fetched.into_inner())
}

const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Es384];

/// Rotates to a key of the algorithm with this number. Returns the new key's `kid`.
fn rotate(server: &Server, number: u32, when: When) -> String {
    let context = Acting::operator(server.clock.now());
    let algorithm = ALGORITHMS[number as usize];
    let rotated = wait_for(async { rotate_keys(&server.vestibule, generate(algorithm).await, when, &context).await });
    rotated.expect("it rotates").kid
}

#[test]
fn rotations_under_load_fail_no_request_and_no_service_rejects_a_token() {
    let server = Server::with(settings());
    let (requests, kids, fetched) = under_load(&server, OnUnknownKid::Refuse, |number| {
        let kid = rotate(&server, number, When::Published);
        for (seconds, milliseconds) in STEPS {
            server.advance(seconds);
            thread::sleep(Duration::from_millis(milliseconds));
        }
        // The server activates the new key in a background task. Wait up to about 10 seconds for it.
        let mut remaining_polls = 1_000;
        while server.count_signing_keys_that_are("next") > 0 {
            remaining_polls -= 1;
            assert!(remaining_polls > 0, "{kid} never signed");
            thread::sleep(Duration::from_millis(10));
        }
    });
    assert_eq!(kids.len(), 4, "each key signed");
    assert!((2..=5).contains(&fetched), "the copies were old: {fetched}");
    println!("{requests} requests in {} s, {} keys, {fetched} copies of the key set", seconds(), kids.len());
}

#[test]
fn immediate_rotations_under_load_fail_no_request() {
    let server = Server::with(settings());
    let (requests, kids, fetched) = under_load(&server, OnUnknownKid::Refetch, |number| {
        rotate(&server, number, When::Now);
    });
    assert_eq!((kids.len(), fetched), (4, 4), "each key signed");
    println!("{requests} requests in {} s, {} keys, {fetched} copies of the key set", seconds(), kids.len());
}
