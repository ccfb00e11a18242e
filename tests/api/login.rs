//! `POST /auth/login`: the response, the tokens, and the refusals.

use std::{collections::BTreeSet, thread};

use serde_json::json;

use crate::support::{PASSWORD, START, Server, Session, part};

#[test]
fn a_login_returns_the_token_response() {
    let server = Server::start();
    let ada = server.user("ada");
    let answer = ada.try_login(json!({})).expect(200);
    let mut fields: Vec<&String> = answer.body.as_object().expect("an object").keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "access_token", "device_bound", "device_id", "expires_in", "refresh_expires_in", "refresh_token",
            "session_id", "token_type"
        ]
    );
    assert_eq!(answer.body["token_type"], "bearer");
    assert_eq!(answer.body["expires_in"], 900);
    assert_eq!(answer.body["refresh_expires_in"], 7 * 24 * 3600);
    assert_eq!(answer.text_at("device_id").len(), 43, "256 bits in base64url");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn the_access_token_contains_the_claims_of_the_contract() {
    let server = Server::start();
    let ada = server.user_with("ada", &["admin"], &["posts:write"]);
    let answer = ada.try_login(json!({})).expect(200);
    let header = part(answer.text_at("access_token"), 0);
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("at+jwt"), Some("ES256")));
    assert!(header["kid"].is_string());
    let claims = answer.claims();
    assert_eq!(claims["iss"], "http://auth.test");
    assert_eq!(claims["aud"], "http://auth.test");
    assert_eq!(claims["sub"], ada.id.as_str());
    assert_eq!(claims["client_id"], "default");
    assert_eq!((claims["iat"].as_i64(), claims["nbf"].as_i64()), (Some(START), Some(START)));
    assert_eq!(claims["exp"], START + 900);
    assert_eq!(claims["sid"], answer.body["session_id"]);
    assert_eq!((claims["av"].as_i64(), claims["type"].as_str()), (Some(1), Some("access")));
    assert_eq!((claims["fresh"].as_bool(), claims["auth_time"].as_i64()), (Some(true), Some(START)));
    assert_eq!((claims["username"].as_str(), claims.get("email")), (Some("ada"), None));
    assert_eq!(claims["roles"], json!(["admin"]));
    let permissions: Vec<&str> =
        claims["permissions"].as_array().expect("a list").iter().filter_map(|p| p.as_str()).collect();
    assert!(permissions.is_sorted() && permissions.contains(&"posts:write") && permissions.contains(&"users:write"));
    assert_eq!(claims["scope"], permissions.join(" "));
}

#[test]
fn the_refresh_token_contains_the_claims_of_the_contract() {
    let server = Server::start();
    let answer = server.user("ada").try_login(json!({})).expect(200);
    let token = answer.text_at("refresh_token");
    assert_eq!(part(token, 0), json!({"typ": "rt+jwt", "alg": "HS256"}));
    let claims = part(token, 1);
    for name in ["type", "iss", "sub", "client_id", "sid", "jti", "iat", "exp"] {
        assert!(!claims[name].is_null(), "{name} is missing");
    }
    assert_eq!((claims["type"].as_str(), claims["exp"].as_i64()), (Some("refresh"), Some(START + 7 * 24 * 3600)));
}

#[test]
fn a_username_or_email_address_is_accepted_in_either_field_in_any_case() {
    let server = Server::start();
    server.user("ada");
    for (field, name) in [
        ("username", "ada"),
        ("username", "ADA"),
        ("username", " ada "),
        ("username", "ada@example.com"),
        ("email", "Ada@Example.COM"),
        ("email", "ada"),
    ] {
        server.post("/auth/login", json!({field: name, "password": PASSWORD})).expect(200);
    }
}

#[test]
fn the_body_that_the_predecessors_page_script_sends_is_accepted() {
    let server = Server::start();
    server.user("ada");
    let fingerprint = json!({
        "visitorId": "0b4b", "userAgent": "Mozilla/5.0", "os": "Linux", "osVersion": "x86_64", "browser": "Chrome",
        "browserVersion": "156.0.0.0", "screenPrint": "Current Resolution: 800x600", "timezone": "UTC", "language": "en-US",
        "cpu": "amd64", "plugins": "PDF Viewer", "fonts": "Arial, ", "canvasPrint": "data:image/png;base64,AAAA",
        "deviceMemory": 16, "hardwareConcurrency": 2
    });
    let page = json!({"email": "ada@example.com", "password": PASSWORD, "fingerprint": fingerprint});
    server.post("/auth/login", page).expect(200);
    server.advance(1);
    let strings = json!({"os": "Linux", "browser": "Chrome"});
    let library = json!({"username": "ada", "password": PASSWORD, "fingerprint": strings, "device_name": "My laptop"});
    let session = Session::from(&server, &server.post("/auth/login", library).expect(200));
    assert_eq!(session.get("/auth/active_sessions").body[0]["device_name"], "My laptop");
}

#[test]
fn an_unknown_user_and_a_wrong_password_get_the_same_response() {
    let server = Server::start();
    server.user("ada");
    let wrong = server.post("/auth/login", json!({"username": "ada", "password": "not the password"}));
    let unknown = server.post("/auth/login", json!({"username": "eve", "password": "not the password"}));
    let mut bodies = [&wrong, &unknown].map(|answer| {
        let mut body = answer.clone().expect_error(401, "invalid_credentials").body;
        body["request_id"] = json!("[id]");
        body
    });
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(wrong.header("www-authenticate"), unknown.header("www-authenticate"));
    bodies[0]["x"] = json!(null);
}

#[test]
fn a_disabled_account_is_reported_only_after_the_right_password() {
    let server = Server::start();
    let ada = server.user("ada");
    ada.disable();
    ada.try_login(json!({})).expect_error(403, "account_disabled");
    let recorded = json!([ada.id, null, "127.0.0.1", r#"{"reason":"disabled"}"#]);
    assert_eq!(server.event_row("login_failed"), recorded.to_string());
    ada.try_login(json!({"password": "not the password"})).expect_error(401, "invalid_credentials");
    assert_eq!((server.count_events("login_failed"), server.count_sessions()), (2, 0));
}

#[test]
fn an_unknown_client_is_refused() {
    let server = Server::with(vec![("clients.web.audience", "https://web.example".into())]);
    let ada = server.user("ada");
    ada.try_login(json!({"client_id": "nobody"})).expect_error(401, "invalid_client");
    let claims = ada.try_login(json!({"client_id": "web"})).expect(200).claims();
    assert_eq!((claims["client_id"].as_str(), claims["aud"].as_str()), (Some("web"), Some("https://web.example")));
}

#[test]
fn every_invalid_field_is_listed() {
    let server = Server::start();
    let answer = server.post("/auth/login", json!({}));
    assert_eq!(answer.expect_error(422, "invalid_request").bad_fields(), ["username", "password"]);
    let answer = server.post(
        "/auth/login",
        json!({"username": 7, "password": ["x"], "fingerprint": "text", "device_name": 1, "transport": "pigeon"}),
    );
    let mut fields = answer.expect_error(422, "invalid_request").bad_fields().join(" ");
    fields.push(' ');
    for field in ["username", "password", "fingerprint", "device_name", "transport"] {
        assert!(fields.contains(field), "{field} is not in {fields}");
    }
}

#[test]
fn a_hash_with_other_parameters_is_replaced_at_the_next_login() {
    let server = Server::start();
    server.user("ada");
    let outdated = "m=8,t=1,p=1";
    assert_eq!(server.count_passwords_with(outdated), 1);
    let server = server.restart_with(vec![("argon2_iterations", 2.into())]);
    let body = json!({"username": "ada", "password": PASSWORD});
    server.post("/auth/login", json!({"username": "ada", "password": "not the password"})).expect(401);
    assert_eq!(server.count_passwords_with(outdated), 1, "a wrong password proves nothing");
    server.post("/auth/login", body.clone()).expect(200);
    assert_eq!(server.count_passwords_with(outdated), 0);
    server.post("/auth/login", body).expect(200);
}

#[test]
fn every_password_has_a_salt_of_its_own() {
    let server = Server::start();
    let people = [server.user("ada"), server.user("bob"), server.user("cleo")];
    let salt = |hash: String| {
        let parts: Vec<&str> = hash.split('$').collect();
        assert_eq!((parts.len(), parts[1]), (6, "argon2id"), "{hash}");
        // 16 bytes in base64.
        assert_eq!(parts[4].len(), 22, "{hash}");
        parts[4].to_owned()
    };
    let mut salts: BTreeSet<String> = people.iter().map(|user| salt(user.stored_hash())).collect();
    // The same password again, and a hash that replaces one with other parameters.
    let change = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
    people[0].login().post("/users/me/password", change).expect(200);
    salts.insert(salt(people[0].stored_hash()));
    let back = json!({"current_password": "another walk to the sea", "new_password": PASSWORD});
    let session = people[0].login_with(json!({"password": "another walk to the sea"}));
    session.post("/users/me/password", back).expect(200);
    salts.insert(salt(people[0].stored_hash()));
    assert_eq!(salts.len(), 5);
}

#[test]
fn a_login_with_the_old_password_during_a_password_change_leaves_no_live_session() {
    // Logins compare the old password while the new password is written. Whichever is first, no session that the old password
    // opened stays live.
    let server = Server::with(vec![
        ("argon2_memory_kib", 4096.into()),
        ("hash_concurrency", 8.into()),
        ("login_rate_per_ip", "0".into()),
    ]);
    for round in 0..10 {
        let ada = server.user(&format!("ada{round}"));
        let session = ada.login();
        let change = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
        let raced = thread::scope(|scope| {
            let logins: Vec<_> = (0..4).map(|_| scope.spawn(|| ada.try_login(json!({})))).collect();
            session.post("/users/me/password", change).expect(200);
            logins.into_iter().map(|login| login.join().expect("no panic")).collect::<Vec<_>>()
        });
        for answer in raced.iter().filter(|answer| answer.status == 200) {
            let survivor = Session::from(&server, answer);
            assert!(!survivor.is_accepted(), "a session of the old password lives on");
            survivor.try_refresh().expect_error(401, "token_revoked");
        }
    }
}
