//! The last admin who can sign in is neither deleted, disabled nor stripped of the role: by no route, and not by two at once.

use std::thread;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Server, Session, unlimited};

fn patch(session: &Session<'_>, id: &str, body: Value) -> crate::support::Answer {
    session.call("PATCH", &format!("/admin/users/{id}")).json(body).send()
}

#[test]
fn no_route_ends_the_last_admin() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]);
    let session = root.login();
    // An admin who was invited and has no password yet, and one who is disabled, can't take over.
    let invited = session.post("/admin/users", json!({"username": "invited", "roles": ["admin"]})).expect(201);
    let disabled = server.user_with("disabled", &["admin"], &[]);
    disabled.disable();
    let at = format!("/admin/users/{}", root.id);
    patch(&session, &root.id, json!({"disabled": true})).expect_error(409, "last_admin");
    patch(&session, &root.id, json!({"roles": []})).expect_error(409, "last_admin");
    session.call("DELETE", &at).send().expect_error(409, "last_admin");
    session.call("DELETE", "/admin/roles/admin").send().expect_error(409, "last_admin");
    session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect_error(409, "last_admin");
    assert!(session.is_accepted());
    // The others can be deleted, and with a second admin the first one can go.
    session.call("DELETE", &format!("/admin/users/{}", invited.text_at("id"))).send().expect(204);
    session.call("DELETE", &format!("/admin/users/{}", disabled.id)).send().expect(204);
    server.user_with("second", &["admin"], &[]);
    session.call("DELETE", &at).send().expect(204);
}

#[test]
fn two_admins_who_end_each_other_at_once_leave_one() {
    for kind in ["delete", "disable", "strip", "leave"] {
        let server = Server::with(unlimited(vec![]));
        let admins = ["one", "other"].map(|name| server.user_with(name, &["admin"], &[]));
        let sessions = admins.each_ref().map(|admin| admin.login());
        let statuses: Vec<u16> = thread::scope(|scope| {
            let calls: Vec<_> = [(0, 1), (1, 0)]
                .map(|(actor, target)| {
                    let (session, id) = (&sessions[actor], admins[target].id.clone());
                    scope.spawn(move || {
                        let at = format!("/admin/users/{id}");
                        match kind {
                            "delete" => session.call("DELETE", &at).send(),
                            "disable" => patch(session, &id, json!({"disabled": true})),
                            "strip" => patch(session, &id, json!({"roles": []})),
                            _ => session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send(),
                        }
                        .status
                    })
                })
                .into_iter()
                .collect();
            calls.into_iter().map(|call| call.join().expect("no panic")).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status < 300).count(), 1, "{kind}: {statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 204 | 401 | 409)), "{kind}: {statuses:?}");
    }
}
