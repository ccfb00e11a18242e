//! `POST /auth/register`: who may register, and under which names and passwords.

use std::collections::BTreeSet;

use serde_json::json;

use super::{USER, fields, register};
use crate::support::{PASSWORD, Server, Session};

#[test]
fn a_registration_creates_an_account_that_can_sign_in() {
    let server = Server::start();
    let body = json!({"username": " Ada ", "email": " Ada@Example.com ", "password": PASSWORD});
    let user = register(&server, body).expect(201);
    assert_eq!(fields(&user), BTreeSet::from(USER));
    let mut expected = json!({
        "username": "Ada", "email": "Ada@Example.com", "email_verified": false, "disabled": false, "roles": [],
        "permissions": [], "claims": {}, "created_at": "2027-01-15T08:00:00Z",
    });
    expected["id"] = user.body["id"].clone();
    assert_eq!(user.body, expected);
    assert_eq!(user.text_at("id").len(), 36);
    assert!(user.headers.iter().all(|(name, _)| name != "set-cookie"));
    for name in ["Ada", "ada", "ADA", " ada ", "ada@example.com", "ADA@EXAMPLE.COM"] {
        let answer = server.try_login(name, PASSWORD).expect(200);
        let session = Session::from(&server, &answer);
        assert_eq!(session.get("/users/me").expect(200).body, expected, "{name}");
    }
}

#[test]
fn username_field_decides_which_names_an_account_must_have() {
    let (name, email) = (json!({"username": "ada"}), json!({"email": "ada@example.com"}));
    let both = json!({"username": "ada", "email": "ada@example.com"});
    let rows = [
        ("either", &name, Ok(())),
        ("either", &email, Ok(())),
        ("either", &both, Ok(())),
        ("either", &json!({}), Err("username")),
        ("username", &name, Ok(())),
        ("username", &both, Ok(())),
        ("username", &email, Err("username")),
        ("email", &email, Ok(())),
        ("email", &both, Ok(())),
        ("email", &name, Err("email")),
        ("email", &json!({"email": null, "username": "ada"}), Err("email")),
    ];
    for (setting, names, expected) in rows {
        let server = Server::with(vec![("username_field", setting.into())]);
        let mut body = names.clone();
        body["password"] = json!(PASSWORD);
        let answer = register(&server, body);
        match expected {
            Ok(()) => assert_eq!(answer.status, 201, "{setting} {names}"),
            Err(field) => {
                assert_eq!(answer.expect_error(422, "invalid_request").bad_fields(), [field], "{setting} {names}")
            }
        }
    }
}

#[test]
fn only_the_invalid_field_is_reported() {
    let server = Server::start();
    let answer =
        register(&server, json!({"email": "nobody", "password": PASSWORD})).expect_error(422, "invalid_request");
    assert_eq!(answer.bad_fields(), ["email"]);
}

#[test]
fn closed_registration_creates_no_account() {
    let server = Server::with(vec![("registration", "closed".into())]);
    server.user("ada");
    for name in ["bob", "ada"] {
        register(&server, json!({"username": name, "password": PASSWORD})).expect_error(403, "registration_closed");
    }
    assert_eq!(server.count_users(), 1);
}

#[test]
fn a_name_is_taken_in_every_spelling() {
    let server = Server::with(vec![("register_rate_per_ip", "0".into())]);
    for (username, email) in [
        ("ada", "ada@example.com"),
        ("Jos\u{e9}", "jos\u{e9}@example.com"),
        ("Stra\u{df}e", "s@example.com"),
        ("ΣΟΦΟΣ", "g@example.com"),
    ] {
        register(&server, json!({"username": username, "email": email, "password": PASSWORD})).expect(201);
    }
    let taken = [
        json!({"username": "ADA"}),
        json!({"username": " aDa\t"}),
        json!({"username": "jose\u{301}"}),
        json!({"username": "JOSE\u{301}"}),
        json!({"username": "STRASSE"}),
        json!({"username": "stra\u{1e9e}e"}),
        json!({"username": "σοφος"}),
        json!({"username": "σοφοσ"}),
        json!({"email": "ADA@EXAMPLE.COM"}),
        json!({"email": "Ada@example.COM ", "username": "somebody"}),
        json!({"email": "JOSE\u{301}@example.com"}),
        json!({"username": "ada", "email": "new@example.com"}),
    ];
    for names in taken {
        let mut body = names.clone();
        body["password"] = json!(PASSWORD);
        let answer = register(&server, body);
        assert_eq!(answer.status, 409, "{names}: {}", answer.text);
        answer.expect_error(409, "already_exists");
    }
    assert_eq!(server.count_users(), 4);
    // The refused registration did not take the new email address.
    register(&server, json!({"email": "new@example.com", "password": PASSWORD})).expect(201);
}

#[test]
fn of_concurrent_registrations_of_one_name_one_succeeds() {
    let server = Server::with(vec![("register_rate_per_ip", "0".into())]);
    let names = ["ada", "Ada", "ADA", "aDa", "adA", "AdA"];
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads = names.map(|name| {
            let server = &server;
            scope.spawn(move || register(server, json!({"username": name, "password": PASSWORD})).status)
        });
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 5, "{statuses:?}");
}

#[test]
fn an_invalid_name_or_email_address_is_refused() {
    let server = Server::start();
    let long_name = "n".repeat(65);
    for name in ["", "   ", "a@b", "@", &long_name, "a\u{0}b", "a\nb", "\u{200b}\u{0}"] {
        let answer = register(&server, json!({"username": name, "password": PASSWORD}));
        assert_eq!(answer.expect_error(422, "invalid_request").bad_fields(), ["username"], "{name:?}");
    }
    let (long_local, long_domain) = (format!("{}@x.org", "a".repeat(65)), format!("a@{}.org", "d".repeat(250)));
    let bad = [
        "", "ada", "@", "ada@", "@x.org", "a b@x.org", "a@b@x.org", "a@x..org", "a@-x.org", "a@x-.org", "a@.org",
        "a@x.org.", "<a@x.org>", "a@x.org,b@x.org", "a\"b@x.org", "a@x.org\u{0}", "a@x\n.org", &long_local,
        &long_domain,
    ];
    for email in bad {
        let answer = register(&server, json!({"username": "ada", "email": email, "password": PASSWORD}));
        assert_eq!(answer.expect_error(422, "invalid_request").bad_fields(), ["email"], "{email:?}");
    }
    assert_eq!(server.count_users(), 0);
}

#[test]
fn a_password_that_is_easy_to_guess_is_refused() {
    let server = Server::with(vec![("password_min_length", json!(10))]);
    let (long, names) = ("x1".repeat(129), json!({"username": "ada-lovelace", "email": "countess@example.com"}));
    let weak = [
        "", "short", "123456789", "password123", "1234567890", "qwertyuiop", "aaaaaaaaaaaaaaa", "ada-lovelace",
        "ADALOVELACE", "lovelace2026", "countess@example.com", "countess12", "vestibule123", &long, "          ",
    ];
    for password in weak {
        let mut body = names.clone();
        body["password"] = json!(password);
        let answer = register(&server, body);
        assert_eq!((answer.status, answer.bad_fields()), (422, vec!["password"]), "{password:?}");
        assert!(password.len() < 5 || !answer.text.contains(password), "{password} is repeated");
    }
    assert_eq!(server.count_users(), 0);
}

#[test]
fn a_password_is_the_same_composed_and_decomposed_and_is_never_trimmed() {
    let server = Server::start();
    let composed = " caf\u{e9} au lait \u{1f600} ";
    let decomposed = " cafe\u{301} au lait \u{1f600} ";
    register(&server, json!({"username": "ren\u{e9}", "password": composed})).expect(201);
    server.try_login("ren\u{e9}", composed).expect(200);
    server.try_login("rene\u{301}", decomposed).expect(200);
    for other in [composed.trim(), "caf\u{e9} au lait \u{1f600} ", &composed.to_uppercase(), " cafe au lait \u{1f600} "]
    {
        server.try_login("ren\u{e9}", other).expect_error(401, "invalid_credentials");
    }
}
