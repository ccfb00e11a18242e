//! Password hashes of other systems: accepted at a login, replaced there, and refused where the setting or their cost says so.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{PASSWORD, Server, unlimited};

/// Hashes of [`PASSWORD`] with the least cost, one for each scheme of another system.
const IMPORTED: [(&str, &str); 4] = [
    ("bcrypt", "$2b$04$TOHW0atfA1XyQ3iD33qlb.HBLIeoi12OpAqUaKlVvAhWKTnwW6ZZO"),
    ("pbkdf2_sha256", "$pbkdf2-sha256$1000$MobwHsPYWwthjFEKAYDw3g$5C2gO6dBPIkv2gWK0ejPASZkWLSM5e/1UwCJSx8GTro"),
    ("scrypt", "$scrypt$ln=10,r=8,p=1$yTmH8N77H4OQ0novpXQOgQ$0lgplxdYDZoHkv8i8Sw892TaZNjGNegJszaTry5dpjs"),
    ("argon2id", "$argon2i$v=19$m=256,t=3,p=4$K+X8vxdi7L13bo3RGuN8Lw$cugiC0+Y38ImC6HwHIeQS3hXONaHE4E+ly02McLQyxk"),
];

#[test]
fn an_imported_hash_is_replaced_at_the_first_login_with_the_right_password() {
    let server = Server::start();
    for (scheme, hash) in IMPORTED {
        let user = server.user(&format!("user-{scheme}"));
        user.set_stored_hash(hash);
        user.try_login(json!({"password": "a long walk to the se"})).expect_error(401, "invalid_credentials");
        assert_eq!(user.stored_hash(), hash, "a wrong password proves nothing");
        let session = user.login();
        assert!(user.stored_hash().starts_with("$argon2id$v=19$"), "{scheme}: {}", user.stored_hash());
        session.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
        user.login();
    }
}

#[test]
fn an_imported_hash_proves_the_password_wherever_a_password_is_proved() {
    let server = Server::start();
    for (path, body, status) in [
        ("/auth/fresh", json!({"password": PASSWORD}), 200),
        ("/users/me/password", json!({"current_password": PASSWORD, "new_password": "another walk to the sea"}), 200),
    ] {
        let user = server.user(&format!("user{}", path.len()));
        let session = user.login();
        user.set_stored_hash(IMPORTED[0].1);
        let wrong = body.to_string().replace(PASSWORD, "a long walk to the se");
        session.post(path, serde_json::from_str(&wrong).expect("JSON")).expect(401);
        session.post(path, body).expect(status);
    }
}

#[test]
fn a_hash_whose_scheme_is_not_accepted_is_kept_and_signs_nobody_in() {
    let server = Server::with(unlimited(vec![("password_schemes", json!(["argon2id"]))]));
    for (scheme, hash) in &IMPORTED[..3] {
        let user = server.user(&format!("user-{scheme}"));
        user.set_stored_hash(hash);
        user.try_login(json!({})).expect_error(401, "invalid_credentials");
        assert_eq!(user.stored_hash(), *hash);
    }
}

#[test]
fn the_first_scheme_is_that_of_new_hashes_and_all_others_are_replaced_by_it() {
    for (first, begins) in [
        ("bcrypt", "$bcrypt-sha256$v=2,t=2b,r=12$"),
        ("pbkdf2_sha256", "$pbkdf2-sha256$600000$"),
        ("scrypt", "$scrypt$ln=14,r=8,p=5$"),
    ] {
        let server = Server::with(unlimited(vec![("password_schemes", json!([first, "argon2id"]))]));
        let ada = server.user("ada");
        assert!(ada.stored_hash().starts_with(begins), "{first}: {}", ada.stored_hash());
        ada.login();
        ada.set_stored_hash(IMPORTED[3].1);
        ada.login();
        assert!(ada.stored_hash().starts_with(begins), "{first}: {}", ada.stored_hash());
    }
}

#[test]
fn a_stored_hash_with_an_absurd_cost_costs_nothing_at_a_login() {
    let server = Server::with(unlimited(vec![]));
    let tail = "c2FsdHNhbHRzYWx0c2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
    let ada = server.user("ada");
    let began = Instant::now();
    for hash in [
        "$2b$31$TOHW0atfA1XyQ3iD33qlb.HBLIeoi12OpAqUaKlVvAhWKTnwW6ZZO".to_owned(),
        format!("$pbkdf2-sha512$4294967295${tail}"),
        format!("$scrypt$ln=30,r=8,p=1${tail}"),
        format!("$argon2id$v=19$m=4194304,t=100,p=1${tail}"),
        format!("$argon2i$v=19$m=1048576,t=100,p=1${tail}"),
        format!("$scrypt$ln=1,r=4,p=2097152${tail}"),
        "$not a hash".to_owned(),
    ] {
        ada.set_stored_hash(&hash);
        ada.try_login(json!({})).expect_error(401, "invalid_credentials");
    }
    // Each of these would take at least minutes.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn the_hashes_of_this_server_are_accepted_whatever_the_settings_permit() {
    // An imported hash may take less.
    let costly = vec![("argon2_memory_kib", json!(300_000)), ("argon2_iterations", json!(1))];
    let server = Server::with(costly);
    server.user("ada").login();
    let server = server.restart_with(vec![]);
    assert_eq!(server.try_login("ada", PASSWORD).status, 200);
}

#[test]
fn simultaneous_logins_with_an_imported_hash_all_succeed() {
    let server = Server::with(unlimited(vec![("max_devices_per_user", json!(0))]));
    let ada = server.user("ada");
    for (_, hash) in IMPORTED {
        ada.set_stored_hash(hash);
        let statuses: Vec<u16> = thread::scope(|scope| {
            let logins: Vec<_> = (0..12).map(|_| scope.spawn(|| ada.try_login(json!({})).status)).collect();
            logins.into_iter().map(|login| login.join().expect("no panic")).collect()
        });
        assert_eq!(statuses, [200; 12]);
    }
}
