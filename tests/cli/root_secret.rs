//! `keys rewrap` and `keys recover`. The first replaces the root secret, and all users stay signed in. The second starts over
//! without the old root secret, and all users must sign in again.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    database::{count_bound_sessions, count_devices, count_events},
    support::{PASSWORD, Place, Server, mode},
};

/// The file with the root secret.
const SECRET: &str = "data/secret.key";
/// The file to which `keys rewrap` writes the new root secret, before it is renamed to [`SECRET`].
const DRAFT: &str = "data/secret.key.new";

/// Returns a place whose tokens survive a restart on another port, because the issuer is configured.
fn place() -> Place {
    let place = Place::new().set("VESTIBULE_ISSUER", "http://auth.test");
    place.add_user(&["ada"]);
    place
}

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.path(name)).expect("a file")
}

fn fingerprint() -> Value {
    json!({
        "visitorId": "0b4b0000000000000000000000000000", "os": "Linux", "browser": "Chrome", "cpu": "amd64",
        "timezone": "UTC", "language": "en-US", "fonts": "Arial, Bauhaus 93, Courier New",
        "screenPrint": "Current Resolution: 800x600, Available Resolution: 800x600, Color Depth: 24",
        "canvasPrint": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAS", "deviceMemory": 16, "hardwareConcurrency": 2
    })
}

/// A user on a device, with a session that is bound to the user's browser.
struct SignedIn {
    access: String,
    refresh: String,
    device_id: String,
}

impl SignedIn {
    /// Signs the user in.
    fn on(server: &Server) -> Self {
        let login = json!({"username": "ada", "password": PASSWORD, "fingerprint": fingerprint()});
        let (status, body) = server.post("/auth/login", &login);
        assert_eq!(status, 200, "{body}");
        Self::read(&body)
    }

    fn read(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), device_id: text("device_id") }
    }

    fn refresh(&self, server: &Server) -> (u16, Value) {
        server.post("/auth/refresh", &json!({"refresh_token": self.refresh, "fingerprint": fingerprint()}))
    }

    /// Checks that everything that depends on the root secret works as before for the same user on the same device.
    fn expect_unharmed(&mut self, place: &Place, server: &Server) {
        assert!(server.me(&self.access).is_ok());
        let other = json!({"refresh_token": self.refresh, "fingerprint": {"os": "Windows", "browser": "Edge"}});
        assert_eq!(server.post("/auth/refresh", &other).1["error"], "device_mismatch", "the session is still bound");
        let (status, body) = self.refresh(server);
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["device_id"].as_str(), Some(&*self.device_id));
        *self = Self::read(&body);
        let again = json!({
            "username": "ada", "password": PASSWORD, "fingerprint": fingerprint(), "device_id": self.device_id
        });
        let (_, body) = server.post("/auth/login", &again);
        assert_eq!(body["device_id"].as_str(), Some(&*self.device_id), "the device is known");
        *self = Self::read(&body);
        assert_eq!(place.json(&["session", "list", "ada"]).as_array().map(Vec::len), Some(1));
        assert_eq!(place.json(&["session", "list", "ada"])[0]["device_bound"], true);
    }
}

#[test]
fn a_new_root_secret_signs_nobody_out() {
    let place = place();
    let server = place.start(&["serve"]);
    let mut ada = SignedIn::on(&server);
    let mut secrets = vec![read(&place, SECRET)];
    for _ in 0..2 {
        let said = place.succeed(&["keys", "rewrap"]);
        assert!(said.contains("secret.key contains a new root secret, which protects 1 signing key;"), "{said}");
        secrets.push(read(&place, SECRET));
        assert_eq!(mode(&place.path(SECRET)), 0o600);
        assert!(!place.path(DRAFT).exists());
        ada.expect_unharmed(&place, &server);
    }
    secrets.sort();
    secrets.dedup();
    assert_eq!((secrets.len(), count_events(&place, "root_secret_changed")), (3, 2));
    // The running server continues with keys that were sealed after its start.
    place.succeed(&["keys", "rotate", "--now"]);
    ada.expect_unharmed(&place, &server);
    drop(server);
    let server = place.start(&["serve"]);
    ada.expect_unharmed(&place, &server);
}

#[test]
fn the_old_root_secret_is_refused_after_a_rewrap() {
    let place = place();
    drop(place.start(&["serve"]));
    let old = read(&place, SECRET);
    place.succeed(&["keys", "rewrap"]);
    place.write(SECRET, &old);
    assert!(place.run(&["keys", "list"]).failed().contains("does not belong to the database"));
}

#[test]
fn a_crash_between_commit_and_rename_leaves_a_valid_root_secret() {
    let place = place();
    let server = place.start(&["serve"]);
    let mut ada = SignedIn::on(&server);
    drop(server);
    let old = read(&place, SECRET);
    place.succeed(&["keys", "rewrap"]);
    // The state after a crash between the commit and the renaming of the file.
    let new = read(&place, SECRET);
    place.write(DRAFT, &new);
    place.write(SECRET, &old);
    place.succeed(&["keys", "list"]);
    assert_eq!((read(&place, SECRET), place.path(DRAFT).exists()), (new.clone(), false), "the next one finishes it");
    // The same state without the old file. The next command is another rewrap.
    fs::rename(place.path(SECRET), place.path(DRAFT)).expect("it is renamed");
    place.succeed(&["keys", "rewrap"]);
    assert!(!place.path(DRAFT).exists());
    // The state after a crash before the commit: the new file contains a secret that the database has never used.
    for never_taken in ["W7xQ2vLr9ZkT5nYb3JcH6hMd1sPfE8uAo0gKiVtRzX4q", "short"] {
        place.write(DRAFT, never_taken);
        place.succeed(&["keys", "list"]);
        assert_ne!(read(&place, SECRET), never_taken);
    }
    place.succeed(&["keys", "rewrap"]);
    let server = place.start(&["serve"]);
    ada.expect_unharmed(&place, &server);
}

#[test]
fn a_rewrap_that_is_killed_at_any_moment_leaves_a_valid_root_secret() {
    let place = place();
    let server = place.start(&["serve"]);
    let mut ada = SignedIn::on(&server);
    for number in 0..30 {
        place.kill_after(&["keys", "rewrap"], Duration::from_millis(5 + 2 * number));
        place.succeed(&["keys", "list"]);
    }
    ada.expect_unharmed(&place, &server);
    drop(server);
    let server = place.start(&["serve"]);
    ada.expect_unharmed(&place, &server);
    assert!(count_events(&place, "root_secret_changed") < 30, "none was killed in time");
}

#[test]
fn a_configured_root_secret_is_replaced_by_the_given_secret() {
    let place = Place::new().set("VESTIBULE_ISSUER", "http://auth.test").set("VESTIBULE_ROOT_SECRET_FILE", "root");
    place.write("root", "q7Wd0ZkT5vYxN2mB8rLcHs4JgPfE1uAo\n");
    place.write("new", "3f1c9a7be02d4856a1f0c3d97e5b2846\n");
    place.write("weak", "supersecretkeysupersecretkey12345\n");
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let mut ada = SignedIn::on(&server);
    assert!(place.run(&["keys", "rewrap"]).failed().contains("--new-secret-file"));
    assert!(place.run(&["keys", "rewrap", "--new-secret-file", "weak"]).failed().contains("is easy to guess"));
    assert!(place.run(&["keys", "rewrap", "--new-secret-file", "new"]).failed().contains("stop the server first"));
    ada.expect_unharmed(&place, &server);
    drop(server);
    assert!(place.run(&["keys", "rewrap", "--new-secret-file", "root"]).failed().contains("has already"));
    let said = place.succeed(&["keys", "rewrap", "--new-secret-file", "new"]);
    assert!(said.contains("put it into the configuration before the next start"), "{said}");
    assert!(place.run(&["serve", "--port", "0"]).failed().contains("does not belong to the database"));
    place.write("root", &read(&place, "new"));
    let server = place.start(&["serve"]);
    ada.expect_unharmed(&place, &server);
    assert!(!place.path(SECRET).exists());
}

#[test]
fn a_generated_root_secret_is_not_replaced_by_a_given_secret() {
    let place = place();
    place.write("new", "3f1c9a7be02d4856a1f0c3d97e5b2846\n");
    let old = read(&place, SECRET);
    assert!(
        place.run(&["keys", "rewrap", "--new-secret-file", "new"]).failed().contains("leave --new-secret-file out")
    );
    assert_eq!(read(&place, SECRET), old);
}

/// Checks that the user's earlier tokens are refused and their device is unknown, and that the user can sign in.
fn expect_started_over(place: &Place, before: &SignedIn) {
    let server = place.start(&["serve"]);
    assert!(server.me(&before.access).is_err());
    assert_eq!(before.refresh(&server).0, 401);
    assert_eq!(place.json(&["session", "list"]), json!([]));
    let again = json!({"username": "ada", "password": PASSWORD, "device_id": before.device_id});
    let (status, body) = server.post("/auth/login", &again);
    assert_eq!(status, 200, "{body}");
    assert_ne!(body["device_id"].as_str(), Some(&*before.device_id), "the device is forgotten");
    assert!(server.me(body["access_token"].as_str().expect("a token")).is_ok());
}

#[test]
fn recovery_without_the_root_secret_keeps_only_the_users() {
    let place = place();
    let server = place.start(&["serve"]);
    let ada = SignedIn::on(&server);
    assert!(place.run(&["keys", "recover", "--lost-secret", "--yes"]).failed().contains("stop it first"));
    assert!(server.me(&ada.access).is_ok());
    drop(server);
    fs::remove_file(place.path(SECRET)).expect("it was there");
    assert!(place.run(&["serve", "--port", "0"]).failed().contains("secret.key is missing"));
    assert_eq!(place.run(&["keys", "recover"]).code, Some(2), "it has to be said");
    let said = place.succeed(&["keys", "recover", "--lost-secret", "--yes"]);
    assert!(said.starts_with("everybody is signed out: 1 sessions ended, 1 devices forgotten"), "{said}");
    assert!(said.contains("secret.key contains a new root secret") && said.contains(" signs from now on"), "{said}");
    assert_eq!(place.json(&["keys", "list"]).as_array().map(Vec::len), Some(1));
    assert_eq!((count_events(&place, "root_secret_lost"), count_events(&place, "signing_key_removed")), (1, 1));
    assert_eq!(count_events(&place, "session_revoked"), 1);
    assert_eq!(count_devices(&place), 0);
    assert_eq!(count_bound_sessions(&place), 0);
    expect_started_over(&place, &ada);
}

#[test]
fn recovery_renames_the_root_secret_of_another_database() {
    let place = place();
    let ada = SignedIn::on(&place.start(&["serve"]));
    let foreign = "W7xQ2vLr9ZkT5nYb3JcH6hMd1sPfE8uAo0gKiVtRzX4q\n";
    place.write(SECRET, foreign);
    assert!(place.run(&["keys", "list"]).failed().contains("does not belong to the database"));
    let said = place.succeed(&["keys", "recover", "--lost-secret", "--yes"]);
    let (_, aside) = said.split_once("it was renamed to ").expect(&said);
    let aside = aside.split_whitespace().next().expect("a path");
    assert_eq!(read(&place, aside), foreign);
    expect_started_over(&place, &ada);
}

#[test]
fn recovery_replaces_a_leaked_root_secret() {
    let place = place();
    let ada = SignedIn::on(&place.start(&["serve"]));
    // After a rewrap, the new root secret is the one that leaked.
    place.succeed(&["keys", "rewrap"]);
    let leaked = read(&place, SECRET);
    place.succeed(&["keys", "recover", "--lost-secret", "--yes"]);
    assert_ne!(read(&place, SECRET), leaked);
    expect_started_over(&place, &ada);
}

#[test]
fn recovery_needs_a_new_configured_root_secret() {
    let place = Place::new().set("VESTIBULE_ISSUER", "http://auth.test").set("VESTIBULE_ROOT_SECRET_FILE", "root");
    place.write("root", "q7Wd0ZkT5vYxN2mB8rLcHs4JgPfE1uAo\n");
    place.add_user(&["ada"]);
    let ada = SignedIn::on(&place.start(&["serve"]));
    assert!(
        place
            .run(&["keys", "recover", "--lost-secret", "--yes"])
            .failed()
            .contains("configure a new root secret first")
    );
    place.write("root", "3f1c9a7be02d4856a1f0c3d97e5b2846\n");
    place.succeed(&["keys", "recover", "--lost-secret", "--yes"]);
    expect_started_over(&place, &ada);
}

#[test]
fn recovery_without_a_database_is_refused() {
    let place = Place::new();
    assert!(place.run(&["keys", "recover", "--lost-secret", "--yes"]).failed().contains("there is no database"));
    assert!(!place.path(SECRET).exists());
}
