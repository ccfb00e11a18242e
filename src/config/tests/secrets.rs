//! Tests of secrets: their sources, the weak secrets that are refused, and that no secret is ever printed.

use super::{SourceDirectory, config, loaded, problem, problems, serve};
use crate::{config::Profile, domain::jwt::Algorithm};

/// A secret of 32 bytes that passes the checks.
const GOOD: &str = "q7Wd0ZkT5vYxN2mB8rLcHs4JgPfE1uAo";

#[test]
fn a_secret_key_makes_hs256_the_algorithm() {
    let keys = config(&serve().set("secret_key", GOOD)).keys;
    assert_eq!(keys.algorithm, Algorithm::Hs256);
    assert_eq!(keys.secret_key().map(|key| key.expose().to_vec()), Some(GOOD.as_bytes().to_vec()));
    config(&serve().set("secret_key", GOOD).set("algorithm", "HS256"));
    let sources = serve().set("secret_key", GOOD).set("algorithm", "ES256");
    assert!(problem(&sources).contains("can't sign with secret_key"));
}

#[test]
fn a_secret_key_is_at_least_as_long_as_the_hash_of_its_algorithm() {
    let long = format!("{GOOD}-kX4vT9bQw2ZsLm7RnYc5HpJd8Fg3Ae6U");
    for (algorithm, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let with = |length: usize| serve().set("secret_key", &long[..length]).set("algorithm", algorithm);
        assert_eq!(config(&with(least)).keys.algorithm.as_str(), algorithm);
        assert!(problem(&with(least - 1)).contains(&format!("at least {least} bytes, and has {}", least - 1)));
    }
}

#[test]
fn a_secret_key_is_refused_with_an_algorithm_of_key_pairs() {
    for algorithm in ["ES256", "ES384", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let sources = serve().set("secret_key", GOOD).set("algorithm", algorithm);
        assert!(problem(&sources).contains("can't sign with secret_key"), "{algorithm}");
        assert_eq!(config(&serve().set("algorithm", algorithm)).keys.algorithm.as_str(), algorithm);
    }
    // Both problems are reported together.
    assert_eq!(problems(&serve().set("secret_key", "short").set("algorithm", "ES384")).len(), 2);
}

#[test]
fn a_short_or_guessable_secret_is_refused() {
    let repeated = |text: &str| text.repeat(8);
    let weak = [
        "short".to_owned(),
        GOOD[..31].to_owned(),
        "a".repeat(64),
        repeated("abcd"),
        repeated("supersecretkey"),
        repeated("your-256-bit-secret"),
        repeated("changeme!"),
        "supersecretkeysupersecretkey12345".to_owned(),
        "your-256-bit-secret-your-256-bit-".to_owned(),
        "default_secret__________________".to_owned(),
        "secret00000000000000000000000000".to_owned(),
        "my-super-secret-jwt-key-change-me-in-production".to_owned(),
        "a-string-secret-at-least-256-bits-long".to_owned(),
        "SuperSecretKey0123456789012345678".to_owned(),
        "abcdefghijklmnopqrstuvwxyz012345".to_owned(),
        // The key in FastAPI's tutorial.
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7".to_owned(),
    ];
    for secret in weak {
        for key in ["secret_key", "root_secret"] {
            let problem = problem(&serve().set(key, secret.as_str()));
            assert!(problem.starts_with(&format!("{key} = [redacted] (set by the program): ")), "{secret}: {problem}");
            assert!(!problem.contains(&secret));
        }
    }
}

#[test]
fn a_good_secret_is_accepted() {
    let good = [
        GOOD,
        "3f1c9a7be02d4856a1f0c3d97e5b2846",
        "key-9fK2pQx7Lw4ZtR8vYb3NcJ6hMd1s",
        "W7!x_9$Lq@2#Zr%8^Tn&4*Kp(5)Vb-3+",
        "der Mond scheint über Gärten, Kühe und 7 Öfen",
    ];
    for secret in good {
        config(&serve().set("secret_key", secret));
    }
}

#[test]
fn the_line_end_of_a_secret_file_is_removed_only_from_text() {
    // This file is not UTF-8 text, so its final line feed belongs to the secret (34 bytes).
    let bytes = [b"\xff", GOOD.as_bytes(), b"\n"].concat();
    let sources_dir = SourceDirectory::new(Profile::Serve).file("text", format!("{GOOD}\r\n")).file("bytes", bytes);
    let path = |name: &str| sources_dir.directory.path().join(name).to_str().unwrap().to_owned();
    let keys = config(&serve().set("secret_key_file", path("text")).set("root_secret_file", path("bytes"))).keys;
    assert_eq!(keys.secret_key().map(|key| key.expose().to_vec()), Some(GOOD.as_bytes().to_vec()));
    assert_eq!(keys.root_secret().map(|key| key.expose().len()), Some(34));
    assert_eq!(keys.algorithm, Algorithm::Hs256);
}

#[test]
fn the_error_for_a_bad_secret_file_contains_its_path() {
    let sources_dir =
        SourceDirectory::new(Profile::Serve).file("short", "hunter2hunter2").file("long", vec![b'x'; 5000]);
    let path = |name: &str| sources_dir.directory.path().join(name).to_str().unwrap().to_owned();
    for (name, why) in [("none", "can't be read"), ("short", "at least 32 bytes"), ("long", "at most 4096 bytes")] {
        let problem = problem(&serve().set("root_secret_file", path(name)));
        assert!(problem.contains(why) && problem.contains(&path(name)), "{problem}");
        assert!(!problem.contains("hunter2"));
    }
}

#[test]
fn a_secret_and_its_file_are_not_both_allowed() {
    let sources_dir = SourceDirectory::new(Profile::Serve).file("secret", GOOD);
    let file = sources_dir.directory.path().join("secret").to_str().unwrap().to_owned();
    let sources = serve().set("root_secret", GOOD).set("root_secret_file", file.clone());
    let problem = problem(&sources);
    assert!(problem.contains("can't be given together with root_secret = [redacted]"), "{problem}");
    assert_eq!(problems(&sources.clone().set("secret_key", GOOD).set("secret_key_file", file)).len(), 2);
    // A file that can't be read is told too.
    let both = problems(&sources.set("root_secret_file", "/nowhere"));
    assert!(both[0].contains("can't be read") && both[1].contains("can't be given together"), "{both:?}");
}

#[test]
fn no_secret_is_ever_printed() {
    let sources = serve().set("root_secret", GOOD).set("secret_key", GOOD);
    let loaded = loaded(&sources);
    let shown = format!("{loaded:?} {:?} {:?}", loaded.config, loaded.config.entries);
    assert!(!shown.contains(GOOD));
    assert!(shown.contains("root_secret: Some(Secret)") && shown.contains("[redacted]"));
    let sources_dir = SourceDirectory::new(Profile::Serve).file("secret", GOOD);
    let file = sources_dir.directory.path().join("secret").to_str().unwrap().to_owned();
    let loaded = super::loaded(&serve().set("root_secret_file", file.clone()).set("secret_key_file", file));
    assert!(!format!("{loaded:?} {:?}", loaded.config.entries).contains(GOOD));
    // The secret is also not quoted in the error for a misspelled setting, nor in the error for a value of the wrong type.
    assert!(!problem(&serve().set("secret_kei", GOOD)).contains(GOOD));
    assert!(!problem(&serve().set("secret_key", vec![GOOD])).contains(GOOD));
}

#[test]
fn a_syntax_error_does_not_quote_a_secret() {
    let sources_dir =
        SourceDirectory::new(Profile::Serve).file("Rocket.toml", format!("[default.auth]\nsecret_key = \"{GOOD}\n"));
    let problem = sources_dir.problem();
    assert!(problem.starts_with("line 2 (Rocket.toml): not TOML: "), "{problem}");
    assert!(!problem.contains(GOOD));
    let sources_dir =
        SourceDirectory::new(Profile::Serve).file(".env", format!("A=1\nVESTIBULE_SECRET_KEY=\"{GOOD}\n"));
    assert!(!sources_dir.problems().concat().contains(GOOD));
    let sources_dir = SourceDirectory::new(Profile::Serve).file("Rocket.toml", format!("secret_key = \"{GOOD}\""));
    assert!(!sources_dir.problem().contains(GOOD));
}
