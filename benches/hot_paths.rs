//! Benchmarks of the functions that use CPU time in every request or every refresh: `cargo bench --bench hot_paths`.
//!
//! Times of different machines can't be compared. So the table at the end also has each time as a multiple of the time for one
//! HMAC-SHA-256 over 600 bytes, which is about the size of an access token. The HMAC is measured in the same run.
#![expect(clippy::print_stdout, reason = "the table at the end is what the run is for")]

use std::{hint::black_box, path::PathBuf, time::Duration};

use criterion::{BatchSize, BenchmarkGroup, Criterion, measurement::WallTime};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use vestibule::{
    Vestibule,
    clock::Clock,
    config::{self, Profile, Sources},
    domain::{
        AccessClaims, Identifier, Purpose, RootSecret, UnixTime, Username,
        audit_event::RequestContext,
        jwt::{self, Algorithm},
        password::Password,
        refresh_token::RefreshTokens,
        rotation::{DeviceMatch, Presented, RotationPolicy, decide},
        session::Session,
        signing_key::SigningKey,
    },
    flows::{
        Tokens,
        open::{Role, open},
        sessions::{
            login::{Login, login},
            refresh::{Refresh, refresh},
        },
        steps::acting::Acting,
        steps::{authenticate::authenticate, client},
        users::add_user::{NewAccount, add_user},
    },
    memory::keyring::KeySet,
    store::sessions,
};

/// The name of the group, under which Criterion stores the results.
const GROUP: &str = "hot_paths";
/// The row to which the other rows are compared.
const REFERENCE: &str = "hmac_sha256_600_bytes";
/// The rows that do not depend on an algorithm, except the reference.
const OWN_ROWS: [&str; 6] = [
    "token_check_remembered",
    "token_check_first_sight",
    "token_issue",
    "rotation_decision",
    "refresh_token_issue",
    "refresh_token_check",
];
const PASSWORD: &str = "a long walk to the sea";
/// The number of access tokens in `token_check_remembered`. Each was verified before the measurement.
const KNOWN_TOKENS: usize = 1_000;

/// A server without HTTP, with one session, in a directory of its own. Its clock does not advance.
struct Bench {
    runtime: Runtime,
    vestibule: Vestibule,
    now: UnixTime,
    tokens: Tokens,
    /// A superseded refresh token. It stays within the grace, because the clock does not advance. Each refresh with it
    /// returns a new access token and writes nothing.
    superseded: String,
    _directory: TempDir,
}

impl Bench {
    /// Creates the server and a session whose first refresh token is superseded.
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let sources = Sources::isolated(Profile::Dev)
            .set("data_dir", directory.path().display().to_string())
            .set("argon2_memory_kib", 8)
            .set("argon2_iterations", 1);
        let config = config::load(&sources).expect("the settings are valid").config;
        let now = UnixTime::from_seconds(1_800_000_000);
        let (vestibule, superseded, tokens) = runtime.block_on(async {
            let vestibule = open(config, Clock::manual(now), Role::Server).await.expect("it opens");
            let origin = RequestContext::command_line(now);
            let name = Username::parse("person").expect("a name");
            let password = || Password::parse(PASSWORD).expect("a password");
            let account = NewAccount {
                username: Some(name),
                email_verified: false,
                email: None,
                roles: vec![],
                permissions: vec![],
                claims: serde_json::Map::new(),
                password: Some(password()),
                disabled: false,
            };
            add_user(&vestibule, account, &Acting::operator(now)).await.expect("the user is new");
            let request = Login {
                audience: None,
                identifier: Identifier::parse("person").expect("a name"),
                password: password(),
                fingerprint: None,
                device_ids: Vec::new(),
                device_name: None,
                client: client::public_client(&vestibule, "default").expect("it is always there"),
                scope: None,
                end_session: None,
                only_asks: false,
            };
            let first = login(&vestibule, request, None, &origin).await.expect("it logs in").refresh_token;
            let tokens = refresh(&vestibule, Refresh::of(&first), &origin).await.expect("it refreshes");
            (vestibule, first, tokens)
        });
        Self { runtime, vestibule, now, tokens, superseded, _directory: directory }
    }

    /// Returns a new access token of the session. The server has not verified it yet.
    fn access_token(&self) -> String {
        let origin = RequestContext::command_line(self.now);
        let refreshed = self.runtime.block_on(refresh(&self.vestibule, Refresh::of(&self.superseded), &origin));
        refreshed.expect("it is within the grace").access_token
    }

    /// Returns the row of the session.
    fn session(&self) -> Session {
        self.runtime.block_on(async {
            let mut reader = self.vestibule.store.read().await.expect("a reader");
            sessions::find(&mut reader, self.tokens.session_id).await.expect("the database answers").expect("a session")
        })
    }

    /// Verifies an access token and returns its claims.
    fn check(&self, token: &str) -> AccessClaims {
        authenticate(&self.vestibule, token, self.now).expect("the token holds").as_ref().clone()
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let bench = Bench::new();
    // Results of an earlier run would appear in the table if this run measures only some rows.
    let rows = rows();
    let old = std::iter::once(REFERENCE).chain(rows.iter().map(String::as_str));
    old.for_each(|name| drop(std::fs::remove_file(estimates(name))));
    measure(&mut criterion, &bench);
    criterion.final_summary();
    print_ratios();
}

/// Measures all rows.
fn measure(criterion: &mut Criterion, bench: &Bench) {
    let [check_remembered, check_first_sight, issue, decision, refresh_issue, refresh_check] = OWN_ROWS;
    let mut group = criterion.benchmark_group(GROUP);

    let mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).expect("HMAC takes a key of any length");
    group.bench_function(REFERENCE, |b| b.iter(|| mac.clone().chain_update(black_box([7; 600])).finalize()));

    let known: Vec<String> = (0..KNOWN_TOKENS).map(|_| bench.access_token()).collect();
    let claims = bench.check(&known[0]);
    known.iter().for_each(|token| drop(bench.check(token)));
    group.bench_function(check_remembered, |b| {
        let mut turn = known.iter().cycle();
        b.iter(|| authenticate(&bench.vestibule, turn.next().expect("it has no end"), bench.now));
    });
    group.bench_function(check_first_sight, |b| {
        b.iter_batched(
            || bench.access_token(),
            |token| authenticate(&bench.vestibule, &token, bench.now),
            BatchSize::SmallInput,
        );
    });
    let keys = KeySet::new(vec![], Some(SigningKey::generate(Algorithm::Es256)), vec![]);
    group.bench_function(issue, |b| b.iter(|| keys.sign(black_box(&claims))));
    measure_algorithms(&mut group, &claims);

    let session = bench.session();
    let rules = RotationPolicy { rotate: true, grace: 30 };
    let generation = session.generations.current();
    group.bench_function(decision, |b| {
        let presented = Presented { generation, binding: DeviceMatch::Matches, with_device: false };
        b.iter(|| decide(black_box(&session), true, black_box(presented), bench.now, rules));
    });
    let issuer = &bench.vestibule.config.tokens.issuer;
    let refresh_tokens = RefreshTokens::new(RootSecret::new(&[7; 32]).derive(Purpose::RefreshTokens), issuer);
    group.bench_function(refresh_issue, |b| b.iter(|| refresh_tokens.current(black_box(&session))));
    let refresh_token = refresh_tokens.current(&session);
    group.bench_function(refresh_check, |b| {
        b.iter(|| refresh_tokens.verify(black_box(&refresh_token), bench.now));
    });
    group.finish();
}

/// Measures for each algorithm the time to sign a token, and the time to verify a token whose signature is not remembered.
fn measure_algorithms(group: &mut BenchmarkGroup<'_, WallTime>, claims: &AccessClaims) {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(*algorithm);
        let sign = || key.signer.sign(jwt::ACCESS_TYP, Some(&key.kid), black_box(claims));
        let [check, issue] = rows_of(*algorithm);
        group.bench_function(&issue, |b| b.iter(sign));
        let token = sign();
        group.bench_function(&check, |b| b.iter(|| key.verifier.verify::<AccessClaims>(black_box(&token))));
    }
}

/// Returns the names of the two rows of an algorithm: to verify a token, and to sign a token.
fn rows_of(algorithm: Algorithm) -> [String; 2] {
    ["check", "issue"].map(|what| format!("{what}_{}", algorithm.as_str()))
}

/// Returns the names of all rows except the reference, in the order of the table.
fn rows() -> Vec<String> {
    let own = OWN_ROWS.iter().map(|name| (*name).to_owned());
    own.chain(Algorithm::ALL.iter().flat_map(|algorithm| rows_of(*algorithm))).collect()
}

/// Returns the path of the file in which Criterion writes its estimates.
fn estimates(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let home = std::env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from);
    home.join(GROUP).join(name).join("new/estimates.json")
}

/// Prints the medians of this run, in microseconds and as multiples of the reference. Prints nothing if the reference was not
/// measured, as with the option `--test`.
fn print_ratios() {
    let median = |name: &str| {
        let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(estimates(name)).ok()?).ok()?;
        estimates["median"]["point_estimate"].as_f64()
    };
    let Some(reference) = median(REFERENCE) else { return };
    println!("\n{:<26}{:>12}{:>12}", "median", "µs", "× reference");
    for name in std::iter::once(REFERENCE.to_owned()).chain(rows()) {
        if let Some(nanoseconds) = median(&name) {
            println!("{name:<26}{:>12.3}{:>12.3}", nanoseconds / 1_000.0, nanoseconds / reference);
        }
    }
}
