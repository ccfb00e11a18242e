//! The command `session`, and how soon a running server applies a revocation.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Place, Server};

/// Starts a server with two users.
fn with_two_users() -> (Place, Server) {
    let place = Place::new();
    place.add_user(&["ada"]);
    place.add_user(&["eve"]);
    let server = place.start(&["serve"]);
    (place, server)
}

#[test]
fn live_sessions_are_listed() {
    let (place, server) = with_two_users();
    let body = json!({ "username": "ada", "password": PASSWORD, "device_name": "a laptop" });
    let (_, login) = server.post("/auth/login", &body);
    server.token("eve", PASSWORD);

    let of_ada = place.json(&["session", "list", "ada"]);
    let [session] = &of_ada.as_array().expect("an array")[..] else { panic!("{of_ada}") };
    let keys: Vec<&String> = session.as_object().expect("an object").keys().collect();
    let mut expected = [
        "id", "user_id", "device_name", "created_at", "last_used_at", "expires_at", "ip", "user_agent", "client_id",
        "device_bound",
    ];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(session["id"], login["session_id"]);
    assert_eq!(session["user_id"], place.json(&["user", "show", "ada"])["id"]);
    assert_eq!((&session["device_name"], &session["ip"]), (&json!("a laptop"), &json!("127.0.0.1")));
    assert_eq!((&session["client_id"], &session["device_bound"]), (&json!("default"), &json!(false)));

    assert_eq!(place.json(&["session", "list"]).as_array().expect("an array").len(), 2);
    let table = place.succeed(&["session", "list"]);
    assert!(table.starts_with("ID ") && table.contains(" ada ") && table.contains(" a laptop "), "{table}");
    assert!(place.run(&["session", "list", "nobody"]).failed().contains("there is no user"));
}

#[test]
fn one_session_is_revoked_within_a_second() {
    let (place, server) = with_two_users();
    let tokens = [server.token("ada", PASSWORD), server.token("ada", PASSWORD)];
    let sessions = place.json(&["session", "list", "ada"]);
    let current = server.get("/auth/active_sessions", &tokens[0]).1;
    let is_current = |session: &&Value| session["current"] == json!(true);
    let id = current.as_array().expect("an array").iter().find(is_current).expect("one")["id"].clone();
    assert!(sessions.as_array().expect("an array").iter().any(|session| session["id"] == id));

    let revoke = ["session", "revoke", id.as_str().expect("an id")];
    assert_eq!(place.succeed(&revoke), "1 session revoked\n");
    server.expect_revoked(&tokens[0]);
    assert!(server.me(&tokens[1]).is_ok());
    assert_eq!(place.succeed(&revoke), "0 sessions revoked\n");
    let unknown = place.run(&["session", "revoke", "01890a5d-ac96-774b-bcce-b302099a8057"]).failed();
    assert!(unknown.contains("there is no session 01890a5d-"), "{unknown}");
}

#[test]
fn the_sessions_of_a_user_are_revoked_within_a_second() {
    let (place, server) = with_two_users();
    let tokens = [server.token("ada", PASSWORD), server.token("ada", PASSWORD)];
    let other = server.token("eve", PASSWORD);
    assert_eq!(place.succeed(&["session", "revoke", "--user", "ada"]), "2 sessions revoked\n");
    tokens.iter().for_each(|token| server.expect_revoked(token));
    assert!(server.me(&other).is_ok());
    assert_eq!(place.json(&["session", "list", "ada"]), json!([]));
}

#[test]
fn all_sessions_are_revoked_within_a_second() {
    let (place, server) = with_two_users();
    let tokens = [server.token("ada", PASSWORD), server.token("eve", PASSWORD)];
    let unconfirmed = place.run(&["session", "revoke", "--all"]).failed();
    assert!(unconfirmed.contains("nothing was changed. Use --yes"), "{unconfirmed}");
    assert_eq!(place.succeed(&["session", "revoke", "--all", "--yes"]), "2 sessions revoked\n");
    tokens.iter().for_each(|token| server.expect_revoked(token));
    assert_eq!(place.json(&["session", "list"]), json!([]));
    // The users can still sign in.
    assert_eq!(server.login("ada", PASSWORD).0, 200);
}
