//! Tests of processes that open one database at the same time. Of two simultaneous first starts, the decision that commits
//! first is final. The second start adopts the decision or is refused.
//!
//! With SQLite a lock lets only one process at a time open the database. The decisions of a first start must be right without
//! this lock, so their tests do not take it.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    OpenError, Role, check_profile, choose_signing_key, data_paths::lock_opening, open, rewrap::rewrap,
    secret::RootSecretLookup,
};
use crate::{
    clock::Clock,
    config::{self, Config, Profile, Sources},
    domain::{RootSecret, UnixTime, audit_event::RequestContext},
    store::{Store, signing_keys, sql},
};

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// Opens one database twice, as two processes would do.
async fn open_twice(directory: &Path) -> (Store, Store) {
    let file = directory.join("vestibule.db");
    let open = async || Store::open(&file, Arc::new(|_| {}), Arc::new(|_| {})).await.expect("the database opens");
    (open().await, open().await)
}

/// Returns a configuration with this root secret.
fn with_secret(secret: &str) -> Config {
    config::load(&Sources::isolated(Profile::Serve).set("root_secret", secret)).expect("the settings are valid").config
}

/// Two different root secrets.
const ONE: &str = "Wq3zT8uY5rE1oP6iK9jH2gF7dS4aL0mN";
const OTHER: &str = "k3Jx9-mQ2w_Zr7Tn5Vb8Yc1Ld4Hf6Gs0";

/// The number of repetitions of each test, each with a new database.
const ROUNDS: usize = 20;

#[test]
fn of_two_first_starts_with_different_profiles_one_is_refused() {
    for _ in 0..ROUNDS {
        let directory = tempfile::tempdir().expect("a directory");
        wait_for(async {
            let (one, other) = open_twice(directory.path()).await;
            let (serve, dev) = tokio::join!(
                check_profile(&one, Profile::Serve, Role::Server, directory.path()),
                check_profile(&other, Profile::Dev, Role::Server, directory.path()),
            );
            assert!(serve.is_ok() != dev.is_ok(), "{serve:?} {dev:?}");
            let refused = serve.and(dev);
            assert!(matches!(refused, Err(OpenError::Profile { .. })), "{refused:?}");
        });
    }
}

#[test]
fn of_two_first_starts_with_different_root_secrets_one_is_refused() {
    for _ in 0..ROUNDS {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("secret.key");
        wait_for(async {
            let (one, other) = open_twice(directory.path()).await;
            let configs = [with_secret(ONE), with_secret(OTHER)];
            let [lookup_one, lookup_other] = [0, 1].map(|at: usize| RootSecretLookup {
                config: &configs[at],
                file: &file,
                database: directory.path(),
            });
            let secret =
                |lookup: &RootSecretLookup<'_>| lookup.find_or_create(false).expect("the root secret is configured");
            let (first, second) = (secret(&lookup_one), secret(&lookup_other));
            let (a, b) = tokio::join!(lookup_one.recognise(&one, first), lookup_other.recognise(&other, second));
            assert!(a.is_ok() != b.is_ok());
            assert!(matches!(a.and(b), Err(OpenError::SecretForeign(_))));
        });
    }
}

#[test]
fn two_first_starts_create_one_signing_key() {
    for _ in 0..ROUNDS {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("secret.key");
        let config = with_secret(ONE);
        wait_for(async {
            let (one, other) = open_twice(directory.path()).await;
            let lookup = RootSecretLookup { config: &config, file: &file, database: directory.path() };
            let root = RootSecret::new(ONE.as_bytes());
            let root = lookup.recognise(&one, root).await.expect("the first root secret is accepted");
            let starts = tokio::join!(
                choose_signing_key(&one, &config, &root, NOW),
                choose_signing_key(&other, &config, &root, NOW),
            );
            assert!(starts.0.is_ok() && starts.1.is_ok(), "{starts:?}");
            let mut reader = one.read().await.expect("a reader");
            assert_eq!(signing_keys::list(&mut reader).await.expect("keys").len(), 1);
            let events_of_keys = sql("select count(*) from audit_events where event like 'signing_key%'");
            assert_eq!(events_of_keys.value::<i64>(&mut reader).await.expect("a count"), 1, "nothing was replaced");
        });
    }
}

#[test]
fn the_root_secret_is_not_replaced_while_a_process_opens_the_database() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().canonicalize().expect("it exists");
    let sources = Sources::isolated(Profile::Serve).set("data_dir", path.to_str().expect("UTF-8"));
    let config = config::load(&sources).expect("the settings are valid").config;
    wait_for(async {
        let vestibule = open(config, Clock::system(), Role::Server).await.expect("it opens");
        let opening = lock_opening(&path.join("vestibule.db")).await.expect("the lock");
        let context = RequestContext::command_line(vestibule.clock.now());
        let mut replacing = std::pin::pin!(rewrap(&vestibule, None, &context));
        let early = tokio::time::timeout(Duration::from_millis(100), &mut replacing).await;
        assert!(early.is_err(), "the secret was replaced");
        drop(opening);
        replacing.await.expect("the secret is replaced");
    });
}
