//! `POST /auth/register` and `/users/me`: a person and their own account.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Server, Session, wait_for};

const OTHER: &str = "seven lighthouses in the fog";

fn register(server: &Server, body: Value) -> Answer {
    server.post("/auth/register", body)
}

fn login(server: &Server, name: &str, password: &str) -> Answer {
    server.post("/auth/login", json!({"username": name, "password": password}))
}

#[track_caller]
fn fields(answer: &Answer) -> BTreeSet<&str> {
    answer.body.as_object().expect("an object").keys().map(String::as_str).collect()
}

const USER: [&str; 9] =
    ["id", "username", "email", "email_verified", "disabled", "roles", "permissions", "claims", "created_at"];

#[test]
fn a_registration_makes_an_account_that_can_sign_in() {
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
        let answer = login(&server, name, PASSWORD).expect(200);
        let session = Session::from(&server, &answer);
        assert_eq!(session.get("/users/me").expect(200).body, expected, "{name}");
    }
}

#[test]
fn the_setting_says_which_names_an_account_must_have() {
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
fn only_the_field_that_is_bad_is_named() {
    let server = Server::start();
    let answer =
        register(&server, json!({"email": "nobody", "password": PASSWORD})).expect_error(422, "invalid_request");
    assert_eq!(answer.bad_fields(), ["email"]);
}

#[test]
fn closed_registration_makes_no_account() {
    let server = Server::with(vec![("registration", "closed".into())]);
    server.user("ada");
    for name in ["bob", "ada"] {
        register(&server, json!({"username": name, "password": PASSWORD})).expect_error(403, "registration_closed");
    }
    assert_eq!(server.count("select count(*) from users"), 1);
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
    assert_eq!(server.count("select count(*) from users"), 4);
    // A name that fails takes nothing with it.
    register(&server, json!({"email": "new@example.com", "password": PASSWORD})).expect(201);
}

#[test]
fn of_many_registrations_of_one_name_one_succeeds() {
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
fn what_can_be_no_name_or_address_is_refused() {
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
    assert_eq!(server.count("select count(*) from users"), 0);
}

#[test]
fn a_password_that_anybody_would_guess_is_refused() {
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
    assert_eq!(server.count("select count(*) from users"), 0);
}

#[test]
fn a_password_is_the_same_composed_and_decomposed_and_is_never_trimmed() {
    let server = Server::start();
    let composed = " caf\u{e9} au lait \u{1f600} ";
    let decomposed = " cafe\u{301} au lait \u{1f600} ";
    register(&server, json!({"username": "ren\u{e9}", "password": composed})).expect(201);
    login(&server, "ren\u{e9}", composed).expect(200);
    login(&server, "rene\u{301}", decomposed).expect(200);
    for other in [composed.trim(), "caf\u{e9} au lait \u{1f600} ", &composed.to_uppercase(), " cafe au lait \u{1f600} "]
    {
        login(&server, "ren\u{e9}", other).expect_error(401, "invalid_credentials");
    }
}

#[test]
fn renaming_needs_a_fresh_token() {
    let server = Server::start();
    let stale = server.user("ada").login().refreshed();
    let patch = |session: &Session<'_>, body: Value| session.call("PATCH", "/users/me").json(body).send();
    let refused = patch(&stale, json!({"username": "eve"})).expect_error(401, "fresh_token_required");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with(r#"Bearer realm="vestibule", error="insufficient_user_authentication""#),
        "{challenge}"
    );
    let fresh = stale.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    let rename = server.call("PATCH", "/users/me").bearer(fresh.text_at("access_token"));
    assert_eq!(rename.json(json!({"username": "eve"})).send().expect(200).body["username"], "eve");
}

#[test]
fn names_are_changed_kept_and_removed() {
    let server = Server::start();
    let (ada, _) = (server.user("ada"), server.user("bob"));
    let session = ada.login();
    let patch = |body: Value| session.call("PATCH", "/users/me").json(body).send();
    let user = patch(json!({})).expect(200);
    assert_eq!((fields(&user), user.text_at("username")), (BTreeSet::from(USER), "ada"));
    assert_eq!(patch(json!({"username": "ADA"})).expect(200).body["username"], "ADA");
    let user = patch(json!({"email": null})).expect(200);
    assert_eq!((&user.body["username"], &user.body["email"]), (&json!("ADA"), &Value::Null));
    for last in [json!({"username": null}), json!({"username": null, "email": null})] {
        patch(last).expect_error(422, "invalid_request");
    }
    let user = patch(json!({"username": null, "email": "lovelace@example.com"})).expect(200);
    assert_eq!((&user.body["username"], &user.body["email"]), (&Value::Null, &json!("lovelace@example.com")));
    patch(json!({"email": null})).expect_error(422, "invalid_request");
    for taken in
        [json!({"username": "BOB"}), json!({"email": "Bob@example.com"}), json!({"username": "bob", "email": "x@y.z"})]
    {
        patch(taken).expect_error(409, "already_exists");
    }
    assert_eq!(session.get("/users/me").expect(200).body, user.body);
    login(&server, "ada", PASSWORD).expect_error(401, "invalid_credentials");
    login(&server, "lovelace@example.com", PASSWORD).expect(200);
    // What was given up can be had by others.
    register(&server, json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD})).expect(201);
}

#[test]
fn a_name_that_must_be_there_can_not_be_removed() {
    for (setting, other, name) in [("username", "email", "ada"), ("email", "username", "ada@example.com")] {
        let server = Server::with(vec![("username_field", setting.into())]);
        let session = server.user("ada").login_with(json!({"username": name}));
        let patch = |field: &str| session.call("PATCH", "/users/me").json(json!({field: null})).send();
        assert_eq!(patch(setting).expect_error(422, "invalid_request").bad_fields(), [setting]);
        assert_eq!(patch(other).expect(200).body[other], Value::Null);
    }
}

#[test]
fn another_address_is_not_a_verified_one() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.write("update users set email_verified_at = 1");
    let patch = |body: Value| session.call("PATCH", "/users/me").json(body).send().expect(200);
    assert_eq!(patch(json!({"username": "ada2"})).body["email_verified"], true);
    assert_eq!(patch(json!({"email": "ada@example.com"})).body["email_verified"], true);
    assert_eq!(patch(json!({"email": "eve@example.com"})).body["email_verified"], false);
    assert_eq!(patch(json!({"email": "ada@example.com"})).body["email_verified"], false);
}

fn change_password(session: &Session<'_>, current: &str, new: &str) -> Answer {
    session.post("/users/me/password", json!({"current_password": current, "new_password": new}))
}

#[test]
fn a_new_password_ends_every_other_session_and_older_token_at_once() {
    let server = Server::start();
    let ada = server.user("ada");
    let (session, other) = (ada.login(), ada.login());
    let answer = change_password(&session, PASSWORD, OTHER).expect(200);
    let shape =
        ["access_token", "refresh_token", "token_type", "expires_in", "refresh_expires_in", "session_id", "device_id"];
    assert_eq!(fields(&answer), BTreeSet::from(shape));
    let next = Session::from(&server, &answer);
    assert_eq!((&next.id, &next.device_id), (&session.id, &session.device_id));
    session.get("/users/me").expect_error(401, "token_revoked");
    other.get("/users/me").expect_error(401, "token_revoked");
    other.try_refresh().expect_error(401, "token_revoked");
    assert!(next.is_accepted() && next.refreshed().is_accepted());
    assert_eq!(next.get("/auth/active_sessions").expect(200).body.as_array().map(Vec::len), Some(1));
    login(&server, "ada", PASSWORD).expect_error(401, "invalid_credentials");
    login(&server, "ada", OTHER).expect(200);
    let server = server.restart();
    login(&server, "ada", PASSWORD).expect_error(401, "invalid_credentials");
    login(&server, "ada", OTHER).expect(200);
}

#[test]
fn the_refresh_token_from_before_a_new_password_gives_nothing_and_ends_nothing() {
    let server = Server::start();
    let session = server.user("ada").login();
    let next = Session::from(&server, &change_password(&session, PASSWORD, OTHER).expect(200));
    for seconds in [0, 31] {
        server.advance(seconds);
        let refused = session.try_refresh().expect_error(401, "token_revoked");
        assert_eq!(refused.text_at("reason"), "password_changed");
    }
    // Nothing is revoked by it: another tab of whoever changed the password may have sent it.
    assert!(next.refreshed().is_accepted());
}

#[test]
fn a_refused_password_change_changes_nothing() {
    let server = Server::start();
    let ada = server.user("ada");
    let (session, other) = (ada.login(), ada.login());
    change_password(&session, OTHER, "an entirely new one 77").expect_error(401, "invalid_credentials");
    for weak in ["short", "password123", "ada@example.com", "a\u{0}bcdefghijk"] {
        let answer = change_password(&session, PASSWORD, weak).expect_error(422, "invalid_request");
        assert_eq!(answer.bad_fields(), ["new_password"], "{weak:?}");
    }
    session.post("/users/me/password", json!({"new_password": OTHER})).expect_error(422, "invalid_request");
    server.call("POST", "/users/me/password").json(json!({})).send().expect_error(401, "missing_token");
    assert!(session.is_accepted() && other.is_accepted());
    login(&server, "ada", PASSWORD).expect(200);
    login(&server, "ada", OTHER).expect_error(401, "invalid_credentials");
}

#[test]
fn a_deleted_account_is_gone_with_all_that_it_held() {
    let server = Server::start();
    let ada = server.user("ada");
    let bob = server.user("bob").login();
    let (session, other) = (ada.login(), ada.login());
    let delete = |session: &Session<'_>, password: &str| {
        session.call("DELETE", "/users/me").json(json!({"password": password})).send()
    };
    delete(&session, OTHER).expect_error(401, "invalid_credentials");
    delete(&session.refreshed(), PASSWORD).expect_error(401, "fresh_token_required");
    assert!(session.is_accepted() && other.is_accepted());
    let gone = delete(&session, PASSWORD).expect(204);
    assert_eq!(gone.text, "");
    for session in [&session, &other] {
        for (method, path) in [
            ("GET", "/users/me"),
            ("GET", "/users/me/export"),
            ("GET", "/auth/active_sessions"),
            ("POST", "/auth/logout_all"),
            ("DELETE", "/users/me"),
            ("PATCH", "/users/me"),
        ] {
            session.call(method, path).json(json!({})).send().expect_error(401, "token_revoked");
        }
        session.post("/auth/fresh", json!({"password": PASSWORD})).expect_error(401, "token_revoked");
        session.try_refresh().expect_error(401, "token_revoked");
    }
    for name in ["ada", "ada@example.com"] {
        login(&server, name, PASSWORD).expect_error(401, "invalid_credentials");
    }
    assert!(bob.is_accepted());
    let (access, refresh) = (session.access.clone(), session.refresh.clone());
    let server = server.restart();
    server.call("GET", "/users/me").bearer(&access).send().expect_error(401, "token_revoked");
    server.post("/auth/refresh", json!({"refresh_token": refresh})).expect_error(401, "token_revoked");
    // The name is free again, and nothing of the old account comes with it.
    let again =
        register(&server, json!({"username": "ada", "email": "ada@example.com", "password": OTHER})).expect(201);
    assert_ne!(again.text_at("id"), ada_id(&access));
    login(&server, "ada", PASSWORD).expect_error(401, "invalid_credentials");
}

fn ada_id(access: &str) -> String {
    crate::support::claims(access)["sub"].as_str().expect("a sub").to_owned()
}

#[test]
fn the_last_admin_stays() {
    let server = Server::start();
    let (first, second) = (server.user_with("root", &["admin"], &[]), server.user_with("toor", &["admin"], &[]));
    let (one, other) = (first.login(), second.login());
    let delete = |session: &Session<'_>, password: &str| {
        session.call("DELETE", "/users/me").json(json!({"password": password})).send()
    };
    delete(&one, PASSWORD).expect(204);
    delete(&other, OTHER).expect_error(401, "invalid_credentials");
    delete(&other, PASSWORD).expect_error(409, "last_admin");
    assert!(other.is_accepted());
}

#[test]
fn two_admins_who_leave_at_once_leave_one_behind() {
    let server = Server::start();
    let (first, second) = (server.user_with("root", &["admin"], &[]), server.user_with("toor", &["admin"], &[]));
    let sessions = [first.login(), second.login()];
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads = sessions.each_ref().map(|session| {
            scope.spawn(|| session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().status)
        });
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

#[test]
fn an_export_has_everything_about_its_owner_and_nobody_else() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let session = ada.login_with(json!({"device_name": "the red laptop"}));
    bob.login_with(json!({"device_name": "the green phone"}));
    login(&server, "ada", OTHER).expect_error(401, "invalid_credentials");
    let answer = session.get("/users/me/export").expect(200);
    assert_eq!(fields(&answer), BTreeSet::from(["user", "sessions", "devices", "audit_events"]));
    assert_eq!(answer.body["user"], session.get("/users/me").expect(200).body);
    let listed = session.get("/auth/active_sessions").expect(200).body;
    for (field, value) in listed[0].as_object().expect("an object") {
        assert_eq!(&answer.body["sessions"][0][field], value, "{field}");
    }
    assert_eq!(answer.body["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer.body["sessions"][0]["device_name"], "the red laptop");
    assert_eq!(answer.body["devices"].as_array().map(Vec::len), Some(1));
    let events = answer.body["audit_events"].as_array().expect("an array");
    let events: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(events.len(), 3, "{events:?}");
    for foreign in ["bob", "green phone", &bob.id] {
        assert!(!answer.text.contains(foreign), "{foreign}");
    }
    for secret in ["$argon2", &session.device_id, &session.refresh, &session.access, "secret"] {
        assert!(!answer.text.contains(secret), "{secret}");
    }
    // An ended session is stored a while longer, so it is shown as well.
    ada.login().post("/auth/logout", json!({})).expect(200);
    let answer = session.get("/users/me/export").expect(200);
    assert_eq!(answer.body["sessions"].as_array().map(Vec::len), Some(2));
    server.call("GET", "/users/me/export").send().expect_error(401, "missing_token");
}

/// Everything that a server keeps about somebody.
fn traces(server: &Server) -> Vec<(&'static str, Vec<u8>)> {
    let device = server.value("select secret_hash from devices order by created_at, id limit 1", &[]);
    let mut traces: Vec<(&str, Vec<u8>)> =
        vec![("the name", b"ada-of-the-engine".to_vec()), ("the device", b"the red laptop".to_vec())];
    traces.push(("the user agent", b"TracesBrowser/7".to_vec()));
    traces.push(("the address", b"198.51.100.77".to_vec()));
    traces.push(("the device's hash", device));
    traces
}

/// Of a user who signed in, refreshed, failed, was renamed and then left.
fn a_life_and_its_end(server: &Server) -> Vec<(&'static str, Vec<u8>)> {
    let ada = server.user("ada-of-the-engine");
    let call = |path: &str, body: Value| {
        let call = server.call("POST", path).header("User-Agent", "TracesBrowser/7");
        call.header("X-Forwarded-For", "198.51.100.77").json(body).send()
    };
    let fingerprint = json!({"platform": "Linux x86_64", "canvas": "a".repeat(64), "fonts": ["One", "Two"]});
    let body = json!({"username": ada.name, "password": PASSWORD, "device_name": "the red laptop", "fingerprint": fingerprint});
    let session = Session::from(server, &call("/auth/login", body).expect(200));
    call("/auth/login", json!({"username": ada.name, "password": OTHER})).expect_error(401, "invalid_credentials");
    call("/auth/refresh", json!({"refresh_token": session.refresh, "fingerprint": fingerprint})).expect(200);
    session.call("PATCH", "/users/me").json(json!({"username": "ada-of-the-engine-2"})).send().expect(200);
    let mut traces = traces(server);
    traces.push(("the user's id", ada.id.as_bytes().to_vec()));
    traces.push(("the session's id", session.id.as_bytes().to_vec()));
    let leave = session.call("DELETE", "/users/me").header("X-Forwarded-For", "198.51.100.77");
    leave.json(json!({"password": PASSWORD})).send().expect(204);
    traces
}

/// Every value of every table, as text.
fn all_rows(server: &Server) -> String {
    let tables = server.everything();
    assert!(tables.len() >= 10, "{:?}", tables.keys());
    let named = |(table, rows): (String, Vec<String>)| {
        rows.into_iter().map(move |row| format!("{table} {row}\n")).collect::<String>()
    };
    tables.into_iter().map(named).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn no_row_speaks_of_somebody_who_left() {
    let server = Server::start();
    let traces = a_life_and_its_end(&server);
    // What denies their last access tokens stays as long as those could be shown, and a day for clocks that step.
    let rows = all_rows(&server);
    for (what, trace) in &traces {
        let text = String::from_utf8_lossy(trace);
        let left: Vec<&str> = rows.lines().filter(|row| row.contains(&*text) || row.contains(&hex(trace))).collect();
        let denies = |row: &&str| row.starts_with("changes ") && what.ends_with("id");
        assert!(left.iter().all(denies), "{what}: {left:?}");
    }
    server.advance(2 * 24 * 3600);
    wait_for(vestibule::flows::sweep::sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
    let rows = all_rows(&server);
    for (what, trace) in &traces {
        let text = String::from_utf8_lossy(trace);
        let left: Vec<&str> = rows.lines().filter(|row| row.contains(&*text) || row.contains(&hex(trace))).collect();
        assert_eq!(left, Vec::<&str>::new(), "{what}");
    }
    assert!(rows.contains("audit_events "), "the log itself stays");
}

#[test]
fn no_byte_of_the_file_speaks_of_somebody_who_left() {
    let server = Server::start();
    let traces = a_life_and_its_end(&server);
    server.advance(2 * 24 * 3600);
    wait_for(vestibule::flows::sweep::sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
    let server = server.restart();
    let mut bytes = fs::read(server.directory().join("vestibule.db")).expect("the database");
    bytes.extend(fs::read(server.directory().join("vestibule.db-wal")).unwrap_or_default());
    let left: Vec<&str> = traces
        .iter()
        .filter(|(_, trace)| bytes.windows(trace.len()).any(|window| window == trace.as_slice()))
        .map(|(what, _)| *what)
        .collect();
    assert_eq!(left, Vec::<&str>::new());
}
