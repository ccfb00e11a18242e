//! The command `keys`, with and without a running server.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Place, Server};

const NAMES: [&str; 7] = ["algorithm", "created_at", "kid", "retires_at", "signs_from", "source", "status"];

/// Returns a place whose tokens survive a restart on another port, because the issuer is configured.
fn place() -> Place {
    let place = Place::new().set("VESTIBULE_ISSUER", "http://auth.test");
    place.add_user(&["ada"]);
    for name in ["rsa", "rsa-1024", "ec-p256-sec1", "ed25519", "encrypted", "public"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");
        let text = std::fs::read_to_string(format!("{folder}/{name}.pem")).expect("a key");
        place.write(&format!("{name}.pem"), &text);
    }
    place
}

/// Returns the private key of a PEM file as bytes.
fn private_half(name: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let path = format!("{}/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a key");
    let (_, block) = text.split_once("PRIVATE KEY-----").expect("a private key");
    let body: String = block.lines().take_while(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).expect("base64")
}

#[test]
fn the_files_contain_no_private_half_of_a_key() {
    let place = place();
    // The bytes of the private half within the file: the second half of an RSA key has the primes, and the other files have
    // the secret number at this place.
    for (name, secret) in [("rsa", 700..1000), ("ec-p256-sec1", 7..39), ("ed25519", 16..48)] {
        let secret = private_half(name)[secret].to_vec();
        place.succeed(&["keys", "import", &format!("{name}.pem"), "--now"]);
        assert_eq!(place.start(&["serve"]).login("ada", PASSWORD).0, 200, "the server signs with {name}");
        place.run(&["backup", "copy.db"]);
        for file in ["data/vestibule.db", "data/vestibule.db-wal", "copy.db"] {
            let Ok(bytes) = std::fs::read(place.path(file)) else { continue };
            let found = secret.chunks_exact(16).any(|part| bytes.windows(16).any(|window| window == part));
            assert!(!found, "{file} contains the private half of {name}");
        }
        std::fs::remove_file(place.path("copy.db")).expect("a copy was made");
    }
}

/// Returns what `keys list` prints.
fn keys(place: &Place) -> Vec<Value> {
    place.json(&["keys", "list"]).as_array().expect("an array").clone()
}

/// Returns the status of each key, and its algorithm.
fn statuses(place: &Place) -> Vec<(String, String)> {
    let text = |key: &Value, name: &str| key[name].as_str().expect("text").to_owned();
    keys(place).iter().map(|key| (text(key, "status"), text(key, "algorithm"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(status, algorithm)| ((*status).to_owned(), (*algorithm).to_owned())).collect()
}

/// Returns the `kid` in the header of a token.
fn kid_of(token: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a part")).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a name").to_owned()
}

/// Returns the published key set.
fn published(server: &Server) -> Value {
    server.get("/.well-known/jwks.json", "").1
}

#[test]
fn before_the_first_start_there_is_no_key_and_a_key_can_be_imported() {
    let place = place();
    assert_eq!(place.json(&["keys", "list"]), json!([]));
    assert_eq!(serde_json::from_str::<Value>(&place.succeed(&["keys", "jwks"])).expect("JSON"), json!({"keys": []}));
    let said = place.succeed(&["keys", "import", "rsa.pem"]);
    assert!(said.contains("(RS256) signs from now on"), "{said}");
    let server = place.start(&["serve"]);
    assert_eq!(statuses(&place), pairs(&[("current", "RS256")]), "the default of the setting takes nothing back");
    assert!(server.me(&server.token("ada", PASSWORD)).is_ok());
}

#[test]
fn a_rotation_is_active_in_the_running_server_when_the_command_returns() {
    let place = place();
    let server = place.start(&["serve"]);
    let token = server.token("ada", PASSWORD);
    let [first] = &keys(&place)[..] else { panic!("one key") };
    let mut names: Vec<&String> = first.as_object().expect("an object").keys().collect();
    names.sort_unstable();
    assert_eq!(names, NAMES);
    assert_eq!(kid_of(&token), first["kid"].as_str().expect("a name"));

    let said = place.succeed(&["keys", "rotate", "--algorithm", "ES384"]);
    assert!(said.contains("(ES384) is published and signs from "), "{said}");
    assert_eq!(statuses(&place), pairs(&[("next", "ES384"), ("current", "ES256")]));
    assert_eq!(published(&server)["keys"].as_array().map(Vec::len), Some(2));
    let printed: Value = serde_json::from_str(&place.succeed(&["keys", "jwks"])).expect("JSON");
    assert_eq!(printed, published(&server));
    assert_eq!(kid_of(&server.token("ada", PASSWORD)), first["kid"]);

    for algorithm in ["EdDSA", "PS512", "HS384", "ES256"] {
        let said = place.succeed(&["keys", "rotate", "--now", "--algorithm", algorithm]);
        assert!(said.contains(&format!("({algorithm}) signs from now on")), "{said}");
        assert!(said.contains(" verifies its tokens until "), "{said}");
        let newer = server.token("ada", PASSWORD);
        assert!(said.starts_with(&kid_of(&newer)), "{said}");
        assert!(server.me(&newer).is_ok() && server.me(&token).is_ok());
    }
    assert_eq!(published(&server)["keys"].as_array().map(Vec::len), Some(4), "a shared secret is not published");
    let table = place.succeed(&["keys", "list"]);
    assert!(table.starts_with("KID ") && table.contains(" retiring "), "{table}");
    assert!(place.run(&["keys", "rotate", "--algorithm", "none"]).stderr.contains("one of ES256, "));
}

#[test]
fn a_retired_key_is_refused_when_the_command_returns() {
    let place = place();
    let server = place.start(&["serve"]);
    let token = server.token("ada", PASSWORD);
    let kid = kid_of(&token);
    let refused = place.run(&["keys", "retire", &kid]).failed();
    assert!(refused.contains("is the current key") && refused.contains("vestibule keys rotate --now"), "{refused}");
    place.succeed(&["keys", "rotate", "--now"]);
    assert!(server.me(&token).is_ok());
    let said = place.succeed(&["keys", "retire", &kid]);
    assert!(said.contains("no longer accepted"), "{said}");
    assert_eq!(server.me(&token), Err("invalid_token".to_owned()));
    assert!(place.run(&["keys", "retire", &kid]).failed().contains("there is no key"));

    place.succeed(&["keys", "rotate"]);
    let next = keys(&place)[0]["kid"].as_str().expect("a name").to_owned();
    assert!(place.succeed(&["keys", "retire", &next]).contains("it had not signed any token"));
    assert_eq!(statuses(&place), pairs(&[("current", "ES256")]));
}

#[test]
fn keys_are_imported_and_unsuitable_keys_are_refused() {
    let place = place();
    let server = place.start(&["serve"]);
    for (file, more, algorithm) in [
        ("ec-p256-sec1.pem", &[][..], "ES256"),
        ("ed25519.pem", &[], "EdDSA"),
        ("rsa.pem", &["--algorithm", "PS384"], "PS384"),
    ] {
        let said = place.succeed(&[&["keys", "import", file, "--now"], more].concat());
        assert!(said.contains(&format!("({algorithm}) signs from now on")), "{said}");
        assert!(server.me(&server.token("ada", PASSWORD)).is_ok());
    }
    for (file, reason) in [
        ("rsa.pem", "is in the database already"),
        ("rsa-1024.pem", "has 1024 bits; at least 2048"),
        ("encrypted.pem", "it is encrypted; decrypt it first"),
        ("public.pem", "it holds a public key; the private key is needed"),
        ("data/secret.key", "it is not a PEM file"),
        ("nowhere.pem", "No such file"),
    ] {
        let refused = place.run(&["keys", "import", file]).failed();
        assert!(refused.contains(reason), "{refused}");
    }
    for database in ["data/vestibule.db", "link.db"] {
        if database == "link.db" {
            std::os::unix::fs::symlink("data/vestibule.db", place.path(database)).expect("a link");
        }
        let refused = place.run(&["keys", "import", database]).failed();
        assert!(refused.contains("it is the database"), "{refused}");
    }
    place.write("label.pem", "-----BEGIN \u{1b}[31mKEY-----\nAA==\n-----END \u{1b}[31mKEY-----\n");
    let refused = place.run(&["keys", "import", "label.pem"]).failed();
    assert!(!refused.contains('\u{1b}'), "{refused:?}");
    let other = place.run(&["keys", "import", "ed25519.pem", "--algorithm", "ES256"]).failed();
    assert!(other.contains("signs with EdDSA, not with ES256"), "{other}");
}

#[test]
fn a_configured_secret_is_listed_as_the_signing_key() {
    let place = place().set("VESTIBULE_SECRET_KEY", "zeWoLGCbZsm8DHykEqdjLC4tpd5CjDsT-unguessable");
    let server = place.start(&["serve"]);
    let [key] = &keys(&place)[..] else { panic!("one key") };
    assert_eq!(
        (&key["status"], &key["source"], &key["algorithm"]),
        (&json!("current"), &json!("secret_key"), &json!("HS256"))
    );
    assert_eq!(kid_of(&server.token("ada", PASSWORD)), key["kid"].as_str().expect("a name"));
    for command in [&["keys", "rotate"][..], &["keys", "import", "rsa.pem"]] {
        let refused = place.run(command).failed();
        assert!(refused.contains("signed with secret_key of the configuration"), "{refused}");
    }
    assert!(!format!("{:?}", place.run(&["keys", "list"])).contains("zeWoLGCb"));
}

#[test]
fn a_setting_that_follows_a_command_makes_no_further_key() {
    let place = place();
    drop(place.start(&["serve"]));
    place.succeed(&["keys", "rotate", "--algorithm", "EdDSA", "--now"]);
    let before = keys(&place);
    drop(place.start_with(&[("VESTIBULE_ALGORITHM", "EdDSA")], &["serve"]));
    assert_eq!(keys(&place), before, "the current key has the algorithm already");
    drop(place.start(&["serve"]));
    assert_ne!(keys(&place), before, "a setting that has changed since the last start counts");
}
