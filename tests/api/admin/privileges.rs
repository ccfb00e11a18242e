//! The privilege table: each call of the administration by nobody, a user, the holder of each single permission and an admin,
//! and with tokens that are stale, revoked, or for another service.

use serde_json::json;

use super::targets::{CALLS, PERMISSIONS, send};
use crate::support::{PASSWORD, Server, Session, unlimited};

fn server() -> Server {
    Server::with(unlimited(vec![
        ("audience", json!("https://auth.example.com")),
        ("clients.foreign.audience", json!("https://api.example.com")),
    ]))
}

#[test]
fn every_path_of_the_administration_is_in_the_table() {
    let server = server();
    let mounted: std::collections::BTreeSet<String> = server
        .routes()
        .iter()
        .filter(|route| {
            // The pages, at `/admin` and below `/admin/ui`, have a table of their own.
            let is_api = route.path.starts_with("/admin/") && !route.path.starts_with("/admin/ui");
            is_api && !matches!(route.method.as_str(), "HEAD" | "OPTIONS" | "CONNECT")
        })
        .filter(|route| server.call(&route.method, &route.path.replace(['<', '>'], "")).send().status != 405)
        .map(|route| format!("{} {}", route.method, route.path.replace(['<', '>'], "")))
        .collect();
    let named = |path: &str| {
        path.replace("/users/USER", "/users/id")
            .replace("SESSION", "session")
            .replace("DEVICE", "device")
            .replace("KEY", "kid")
            .replace("/roles/admin", "/roles/name")
            .replace("/clients/default", "/clients/id")
            .replace("CLIENT", "id")
            .replace("/roles/NEW", "/roles/name")
    };
    let tested: std::collections::BTreeSet<String> =
        CALLS.iter().map(|call| format!("{} {}", call.method, named(call.path))).collect();
    let untested: Vec<_> = mounted.iter().filter(|route| !tested.contains(*route)).collect();
    assert_eq!(untested, ["DELETE /admin/roles/name"], "all but `REMOVE_ROLE`");
}

#[test]
fn each_call_asks_for_its_permission_and_for_no_other() {
    let server = server();
    let user = server.user("nobody-special").login();
    let admin = server.user_with("root", &["admin"], &[]);
    let holders: Vec<(&str, Session<'_>)> = PERMISSIONS
        .iter()
        .map(|permission| (*permission, server.user_with(&permission.replace(':', "-"), &[], &[permission]).login()))
        .collect();
    let mut number = 0;
    for call in CALLS {
        let place = format!("{} {}", call.method, call.path);
        send(&server, call, None, &mut number).expect_error(401, "missing_token");
        let refused = send(&server, call, Some(&user), &mut number).expect_error(403, "insufficient_scope");
        let challenge = refused.header("www-authenticate").unwrap_or_default().to_owned();
        assert!(challenge.contains(&format!("scope=\"{}\"", call.permission)), "{place}: {challenge}");
        for (permission, holder) in &holders {
            let answer = send(&server, call, Some(holder), &mut number);
            let expected = if *permission == call.permission { call.status } else { 403 };
            assert_eq!(answer.status, expected, "{place} by the holder of {permission}: {}", answer.text);
        }
        assert_eq!(send(&server, call, Some(&admin.login()), &mut number).status, call.status, "{place} by an admin");
    }
}

#[test]
fn a_role_is_removed_by_its_holder_with_the_permission_and_by_an_admin() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    let new_role = || root.call("PUT", "/admin/roles/editor").json(json!({"permissions": []})).send().expect(200);
    let remove = |session: &Session<'_>| session.call("DELETE", "/admin/roles/editor").send();
    new_role();
    server.call("DELETE", "/admin/roles/editor").send().expect_error(401, "missing_token");
    for permission in PERMISSIONS {
        let name = permission.replace(':', "-");
        remove(&server.user_with(&name, &[], &[permission]).login()).expect_error(403, "insufficient_scope");
        let holder = server.user_with(&format!("{name}-editor"), &["editor"], &[permission]).login();
        if permission == "roles:write" {
            remove(&holder.refreshed()).expect_error(401, "fresh_token_required");
            remove(&holder).expect(204);
            new_role();
        } else {
            remove(&holder).expect_error(403, "insufficient_scope");
        }
    }
    remove(&root).expect(204);
    remove(&root).expect_error(404, "not_found");
}

#[test]
fn stale_revoked_and_foreign_tokens_change_nothing() {
    let server = server();
    let admin = server.user_with("root", &["admin"], &[]);
    let stale = admin.login().refreshed();
    let ended = admin.login();
    ended.post("/auth/logout", json!({"refresh_token": ended.refresh})).expect(200);
    let body = json!({"username": "root", "password": PASSWORD, "client_id": "foreign"});
    let foreign = Session::from(&server, &server.post("/auth/login", body).expect(200));
    let mut number = 0;
    for call in CALLS {
        let answer = send(&server, call, Some(&stale), &mut number);
        if call.changes {
            answer.expect_error(401, "fresh_token_required");
        } else {
            answer.expect(call.status);
        }
        send(&server, call, Some(&ended), &mut number).expect_error(401, "token_revoked");
        send(&server, call, Some(&foreign), &mut number).expect_error(401, "invalid_token");
    }
}

#[test]
fn a_wrong_body_precedes_a_missing_permission_and_a_stale_token_precedes_both() {
    let server = server();
    let user = server.user("ada").login();
    user.post("/admin/users", json!({"username": 7})).expect_error(422, "invalid_request");
    user.refreshed().post("/admin/users", json!({"username": 7})).expect_error(401, "fresh_token_required");
    user.post("/admin/users", json!({"username": "eve"})).expect_error(403, "insufficient_scope");
}

#[test]
fn a_right_that_was_taken_meanwhile_counts_at_once() {
    let server = server();
    let helper = server.user_with("helper", &[], &["users:write"]);
    let session = helper.login();
    let root = server.user_with("root", &["admin"], &[]).login();
    root.call("PATCH", &format!("/admin/users/{}", helper.id)).json(json!({"permissions": []})).send().expect(200);
    session.post("/admin/users", json!({"username": "eve"})).expect_error(401, "token_revoked");
}
