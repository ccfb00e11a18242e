//! The lists of users and of audit events: prefixes, filters, pages and cursors.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Server, Session, unlimited};

/// Reads all pages of a list. Returns the values of `field`, in order.
fn all(session: &Session<'_>, path: &str, list: &str, field: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let more = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = session.get(&format!("{path}{more}")).expect(200).body;
        let items = page[list].as_array().expect("a list");
        found.extend(items.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return found,
        }
    }
}

#[test]
fn users_are_found_by_the_beginning_of_a_name_or_an_address() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]).login();
    let add = |body| root.post("/admin/users", body).expect(201);
    for name in ["Ada", "adam", "ADAMINA", "bob", "stra\u{df}e"] {
        add(json!({"username": name}));
    }
    add(json!({"email": "adel@b\u{fc}cher.example"}));
    add(json!({"username": "zoe", "email": "adam@example.com"}));
    let names = |query: &str| all(&root, &format!("/admin/users?limit=2&q={query}"), "users", "username");
    assert_eq!(names("AD"), ["Ada", "adam", "ADAMINA", "zoe", ""], "names first, then addresses, each once");
    assert_eq!(names("adam"), ["adam", "ADAMINA", "zoe"]);
    assert_eq!(names("adam@"), ["zoe"]);
    assert_eq!(names("adel@b%C3%BCcher.example"), [""]);
    assert_eq!(names("STRASSE"), ["stra\u{df}e"]);
    assert_eq!(names("nobody"), [""; 0]);
    assert_eq!(names("%25"), [""; 0], "no pattern");
    assert_eq!(all(&root, "/admin/users?limit=3", "users", "id").len(), 8);
    assert!(all(&root, "/admin/users?limit=200", "users", "username").contains(&"root".to_owned()));
}

#[test]
fn users_are_filtered_by_role_and_by_state() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]).login();
    root.call("PUT", "/admin/roles/editor").json(json!({"permissions": []})).send().expect(200);
    for number in 0..6 {
        let role = if number % 2 == 0 { vec!["editor"] } else { vec![] };
        let body = json!({"username": format!("u{number}"), "roles": role, "disabled": number % 3 == 0});
        root.post("/admin/users", body).expect(201);
    }
    let names = |query: &str| all(&root, &format!("/admin/users?limit=1&{query}"), "users", "username");
    let set = |query: &str| names(query).into_iter().collect::<BTreeSet<_>>();
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(set("role=editor"), of(&["u0", "u2", "u4"]));
    assert_eq!(set("disabled=true"), of(&["u0", "u3"]));
    assert_eq!(set("disabled=false"), of(&["root", "u1", "u2", "u4", "u5"]));
    assert_eq!(set("role=editor&disabled=true"), of(&["u0"]));
    assert_eq!(set("q=u&role=editor&disabled=false"), of(&["u2", "u4"]));
    assert_eq!(set("role=nothing"), of(&[]));
}

#[test]
fn the_log_tells_who_did_what_newest_first() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]);
    let session = root.login();
    server.advance(100);
    let eve = session.post("/admin/users", json!({"username": "eve"})).expect(201).text_at("id").to_owned();
    server.advance(100);
    session.call("PATCH", &format!("/admin/users/{eve}")).json(json!({"disabled": true})).send().expect(200);
    session.call("PUT", "/admin/roles/editor").json(json!({"permissions": ["a:b"]})).send().expect(200);
    let events = session.get("/admin/audit").expect(200).body["events"].clone();
    let kinds: Vec<&str> =
        events.as_array().expect("a list").iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(kinds[..3], ["role_changed", "user_disabled", "user_added"]);
    let disabled = &events[1];
    assert_eq!((disabled["user"].as_str(), disabled["actor"].as_str()), (Some(&*eve), Some(&*root.id)));
    assert_eq!(disabled["detail"]["changed"], json!(["disabled"]));
    assert_eq!(disabled["ip"], "127.0.0.1");
    let added = events.as_array().expect("a list").iter().find(|event| event["user"] == *root.id).expect("root");
    assert_eq!(added["event"], "login_succeeded");
    let by_user = all(&session, &format!("/admin/audit?limit=1&user={eve}"), "events", "event");
    assert_eq!(by_user, ["user_disabled", "user_added"]);
    assert_eq!(
        all(&session, &format!("/admin/audit?limit=1&user={eve}&event=user_added"), "events", "event"),
        ["user_added"]
    );
    assert_eq!(
        all(&session, "/admin/audit?limit=1&event=user_added", "events", "actor"),
        [root.id.as_str(), "command_line"]
    );
    let since = added["at"].as_str().expect("a time");
    let later = all(&session, &format!("/admin/audit?since={since}&limit=2"), "events", "event");
    assert!(later.contains(&"login_succeeded".to_owned()) && later.contains(&"user_disabled".to_owned()));
    let whole = all(&session, "/admin/audit?limit=3", "events", "event");
    assert_eq!(whole.len(), server.count_audit_events());
    // Who is deleted is not named any longer, as the user and as the actor.
    server.user_with("second", &["admin"], &[]);
    let second = server.try_login("second", crate::support::PASSWORD).expect(200);
    let second = Session::from(&server, &second);
    second.call("DELETE", &format!("/admin/users/{}", root.id)).send().expect(204);
    let text = second.get("/admin/audit?limit=200").expect(200).text;
    assert!(!text.contains(&root.id), "{text}");
    assert!(text.contains("user_disabled"));
    // The event does not read as an act of its user.
    let disabled = second.get("/admin/audit?event=user_disabled").expect(200).body["events"][0].clone();
    assert_eq!((&disabled["user"], &disabled["actor"]), (&json!(eve), &json!("deleted_user")));
}

#[test]
fn wrong_queries_are_422_and_name_each_parameter() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]).login();
    let cursor = {
        server.user("a1");
        server.user("a2");
        root.get("/admin/users?limit=1").body["next_cursor"].as_str().expect("a cursor").to_owned()
    };
    for (path, bad) in [
        ("/admin/users?limit=0".to_owned(), "limit"),
        ("/admin/users?limit=201".to_owned(), "limit"),
        ("/admin/users?limit=x".to_owned(), "limit"),
        ("/admin/users?limit=-1".to_owned(), "limit"),
        ("/admin/users?disabled=yes".to_owned(), "disabled"),
        ("/admin/users?cursor=x".to_owned(), "cursor"),
        (format!("/admin/users?q=a&cursor={cursor}"), "cursor"),
        (format!("/admin/audit?cursor={cursor}"), "cursor"),
        ("/admin/users?q=a&q=b".to_owned(), "q"),
        ("/admin/audit?user=ada".to_owned(), "user"),
        ("/admin/audit?since=yesterday".to_owned(), "since"),
        ("/admin/audit?limit=1000".to_owned(), "limit"),
    ] {
        let answer = root.get(&path).expect_error(422, "invalid_request");
        assert_eq!(answer.bad_fields(), [bad], "{path}");
    }
    for id in ["x", "01a3185c-5000-7000-8000-000000000000", "%00", "..%2f"] {
        root.get(&format!("/admin/users/{id}")).expect_error(404, "not_found");
        root.get(&format!("/admin/users/{id}/sessions")).expect_error(404, "not_found");
        root.get(&format!("/admin/users/{id}/devices")).expect_error(404, "not_found");
        root.get(&format!("/admin/roles/{id}")).expect_error(404, "not_found");
        let own = root.get("/users/me").body["id"].as_str().expect("an id").to_owned();
        root.call("DELETE", &format!("/admin/users/{own}/sessions/{id}")).send().expect_error(404, "not_found");
        root.call("DELETE", &format!("/admin/users/{own}/devices/{id}")).send().expect_error(404, "not_found");
        root.call("DELETE", &format!("/admin/roles/{id}")).send().expect_error(404, "not_found");
        root.call("POST", &format!("/admin/keys/{id}/retire")).send().expect_error(404, "not_found");
    }
}

#[test]
fn the_keys_are_listed_rotated_and_retired() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]).login();
    let keys = |answer: crate::support::Answer| answer.expect(200).body["keys"].as_array().expect("a list").clone();
    let first = keys(root.get("/admin/keys"));
    assert_eq!((first.len(), &first[0]["status"]), (1, &json!("current")));
    let current = first[0]["kid"].as_str().expect("a kid").to_owned();
    root.call("POST", &format!("/admin/keys/{current}/retire")).send().expect_error(422, "invalid_request");
    root.post("/admin/keys/rotate", json!({"algorithm": "none"})).expect_error(422, "invalid_request");
    let next = keys(root.post("/admin/keys/rotate", json!({"algorithm": "EdDSA"})));
    assert_eq!((&next[0]["status"], &next[0]["algorithm"]), (&json!("next"), &json!("EdDSA")));
    let at_once = keys(root.post("/admin/keys/rotate", json!({"now": true})));
    assert_eq!(
        at_once.iter().map(|key| key["status"].as_str().unwrap_or_default()).collect::<Vec<_>>(),
        ["current", "retiring"]
    );
    assert!(root.is_accepted(), "the retiring key verifies");
    root.call("POST", &format!("/admin/keys/{current}/retire")).send().expect(204);
    root.get("/users/me").expect_error(401, "invalid_token");
    let text = server.call("GET", "/.well-known/jwks.json").send().text;
    assert!(!text.contains(&current));
    let of_file = Server::with(vec![
        ("secret_key", json!("x3Jq9-Lw2_Zk7vTn5RbYc8PdHf1Gm4SuEa6Q")),
        ("algorithm", json!("HS256")),
    ]);
    let root = of_file.user_with("root", &["admin"], &[]).login();
    assert_eq!(keys(root.get("/admin/keys"))[0]["source"], "secret_key");
    root.post("/admin/keys/rotate", json!({})).expect_error(409, "configured_in_file");
}
