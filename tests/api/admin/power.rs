//! The rule on power: nobody gives what they don't hold, by any route, and nobody acts on somebody who holds more.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Server, Session, unlimited};

/// The permissions with which a helper administers, but is no admin.
const HELPER: [&str; 5] = ["users:read", "users:write", "roles:write", "sessions:revoke", "posts:read"];

fn patch(session: &Session<'_>, id: &str, body: Value) -> Answer {
    session.call("PATCH", &format!("/admin/users/{id}")).json(body).send()
}

fn put_role(session: &Session<'_>, name: &str, permissions: &[&str]) -> Answer {
    session.call("PUT", &format!("/admin/roles/{name}")).json(json!({"permissions": permissions})).send()
}

fn server() -> Server {
    let server = Server::with(unlimited(vec![("clients.narrow.scopes", json!("users:write,roles:write"))]));
    let root = server.user_with("root", &["admin"], &[]).login();
    put_role(&root, "editor", &["posts:read"]).expect(200);
    put_role(&root, "publisher", &["posts:read", "posts:write"]).expect(200);
    put_role(&root, "trusted", &[]).expect(200);
    put_role(&root, "auditor", &["audit:read"]).expect(200);
    server
}

#[test]
fn nobody_gives_more_than_they_hold_by_any_route() {
    let server = server();
    let helper = server.user_with("helper", &["editor", "auditor"], &HELPER);
    let session = helper.login();
    let eve = server.user("eve");
    for target in [&eve.id, &helper.id] {
        for (body, is_given) in [
            (json!({"permissions": ["posts:read"]}), true),
            (json!({"permissions": ["posts:write"]}), false),
            (json!({"permissions": ["users:vouch"]}), false),
            (json!({"permissions": ["audit:read"]}), false),
            (json!({"permissions": ["clients:write"]}), false),
            (json!({"permissions": ["keys:write"]}), false),
            (json!({"roles": ["admin"]}), false),
            (json!({"roles": ["publisher"]}), false),
            (json!({"roles": ["trusted"]}), false),
            (json!({"claims": {"level": 9}}), false),
            (json!({"email_verified": true}), false),
        ] {
            if target == &helper.id && is_given {
                continue;
            }
            // What the target has stays, so that only the addition is judged.
            let mut body = body;
            if target == &helper.id {
                for (list, held) in [("permissions", &HELPER[..]), ("roles", &["editor", "auditor"])] {
                    if let Some(items) = body[list].as_array_mut() {
                        items.extend(held.iter().map(|item| json!(item)));
                    }
                }
            }
            let answer = patch(&session, target, body.clone());
            assert_eq!(answer.status, if is_given { 200 } else { 403 }, "{body}: {}", answer.text);
        }
    }
    // A role that they have is given, but not one with a permission that only admins give.
    patch(&session, &eve.id, json!({"roles": ["editor"]})).expect(200);
    patch(&session, &eve.id, json!({"roles": ["editor", "auditor"]})).expect_error(403, "insufficient_scope");
    // The same at the creation of an account.
    for (number, (more, is_given)) in [
        (json!({"permissions": ["posts:read"], "roles": ["editor"]}), true),
        (json!({"permissions": ["posts:write"]}), false),
        (json!({"roles": ["admin"]}), false),
        (json!({"roles": ["trusted"]}), false),
        (json!({"claims": {"a": 1}}), false),
        (json!({"email": "x@example.com", "email_verified": true}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = json!({"username": format!("n{number}")});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let answer = session.post("/admin/users", body);
        assert_eq!(answer.status, if is_given { 201 } else { 403 }, "{more}: {}", answer.text);
    }
    assert_eq!(helper.login().get("/users/me").body["permissions"].as_array().map(Vec::len), Some(6));
}

#[test]
fn a_role_is_changed_and_taken_only_by_its_holders_and_admins() {
    let server = server();
    let session = server.user_with("helper", &["editor"], &HELPER).login();
    let eve = server.user_with("eve", &["trusted", "editor"], &["posts:read", "posts:write"]);
    put_role(&session, "editor", &["posts:read", "users:read"]).expect(200);
    put_role(&session, "editor", &["posts:write"]).expect_error(403, "insufficient_scope");
    put_role(&session, "editor", &["posts:read", "audit:read"]).expect_error(403, "insufficient_scope");
    put_role(&session, "trusted", &[]).expect_error(403, "insufficient_scope");
    put_role(&session, "new", &["posts:read"]).expect(200);
    put_role(&session, "newer", &["posts:write"]).expect_error(403, "insufficient_scope");
    // A role that they made is nobody's, and so not theirs to give.
    patch(&session, &eve.id, json!({"roles": ["trusted", "editor", "new"]})).expect_error(403, "insufficient_scope");
    session.call("DELETE", "/admin/roles/trusted").send().expect_error(403, "insufficient_scope");
    session.call("DELETE", "/admin/roles/nothing").send().expect_error(404, "not_found");
    patch(&session, &eve.id, json!({"roles": ["editor"]})).expect_error(403, "insufficient_scope");
    patch(&session, &eve.id, json!({"permissions": []})).expect_error(403, "insufficient_scope");
    patch(&session, &eve.id, json!({"roles": ["trusted"]})).expect(200);
    patch(&session, &eve.id, json!({"permissions": ["posts:write"]})).expect(200);
    put_role(&session, "admin", &["posts:read"]).expect_error(422, "invalid_request");
    session.call("DELETE", "/admin/roles/editor").send().expect(204);
}

#[test]
fn a_change_of_nothing_reads_no_account() {
    let server = server();
    let root = server.user_with("second-root", &["admin"], &[]);
    let eve = server.user("eve");
    let writer = server.user_with("writer", &[], &["users:write"]).login();
    let reader = server.user_with("reader", &[], &["users:write", "users:read"]).login();
    for nothing in
        [json!({}), json!({"disabled": false}), json!({"roles": ["admin"]}), json!({"username": "second-root"})]
    {
        patch(&writer, &root.id, nothing.clone()).expect_error(403, "insufficient_scope");
        patch(&reader, &root.id, nothing).expect(200);
    }
    // Somebody on whose account they may act is no secret.
    patch(&writer, &eve.id, json!({})).expect(200);
}

#[test]
fn a_role_is_not_emptied_by_a_misspelt_field() {
    let server = server();
    let root = server.user_with("root-too", &["admin"], &[]).login();
    for body in [json!({}), json!({"permission": ["posts:read"]}), json!({"permissions": null})] {
        root.call("PUT", "/admin/roles/editor").json(body).send().expect_error(422, "invalid_request");
    }
    assert_eq!(root.get("/admin/roles/editor").expect(200).body["permissions"], json!(["posts:read"]));
}

#[test]
fn nobody_acts_on_somebody_who_holds_more() {
    let server = server();
    let session = server.user_with("helper", &["editor"], &HELPER).login();
    let root = server.user_with("second-root", &["admin"], &[]);
    let more = server.user_with("more", &[], &["posts:write"]);
    let trusted = server.user_with("trusted", &["trusted"], &[]);
    let claimed = server.user("claimed");
    let admin = root.login();
    patch(&admin, &claimed.id, json!({"claims": {"tenant": "acme"}})).expect(200);
    for target in [&root, &more, &trusted, &claimed] {
        let login = target.login();
        let at = format!("/admin/users/{}", target.id);
        let device = server.device_of(&target.id);
        for (method, path, body) in [
            ("PATCH", at.clone(), json!({"password": "another walk to the sea"})),
            ("PATCH", at.clone(), json!({"disabled": true})),
            ("DELETE", at.clone(), Value::Null),
            ("DELETE", format!("{at}/sessions"), Value::Null),
            ("DELETE", format!("{at}/sessions/{}", login.id), Value::Null),
            ("DELETE", format!("{at}/devices/{device}"), Value::Null),
        ] {
            let call = session.call(method, &path);
            let call = if body.is_null() { call } else { call.json(body.clone()) };
            call.send().expect_error(403, "insufficient_scope");
        }
        patch(&session, &target.id, json!({"username": "renamed"})).expect_error(403, "insufficient_scope");
        assert!(login.is_accepted(), "{}", target.name);
    }
    // Enabling is power too.
    patch(&admin, &more.id, json!({"disabled": true})).expect(200);
    patch(&session, &more.id, json!({"disabled": false})).expect_error(403, "insufficient_scope");
    // Somebody who holds no more is theirs to administer.
    let eve = server.user("eve");
    let login = eve.login();
    patch(&session, &eve.id, json!({"password": "another walk to the sea"})).expect(200);
    login.expect_revoked();
}

#[test]
fn a_narrowed_token_of_an_admin_is_worth_what_it_holds() {
    let server = server();
    let root = server.user_with("second-root", &["admin"], &[]);
    let narrow = root.login_with(json!({"client_id": "narrow"}));
    let eve = server.user("eve");
    for body in [
        json!({"roles": ["admin"]}),
        json!({"roles": ["publisher"]}),
        json!({"permissions": ["posts:read"]}),
        json!({"claims": {"a": 1}}),
    ] {
        patch(&narrow, &eve.id, body).expect_error(403, "insufficient_scope");
    }
    // With a new password of the admin, the token would be worth all of the account.
    let password = json!({"password": "another walk to the sea"});
    patch(&narrow, &root.id, password).expect_error(403, "insufficient_scope");
    put_role(&narrow, "admin2", &["keys:write"]).expect_error(403, "insufficient_scope");
    patch(&narrow, &eve.id, json!({"permissions": ["users:write"]})).expect(200);
    patch(&narrow, &eve.id, json!({"disabled": true})).expect(200);
}

#[test]
fn a_voucher_changes_what_applications_trust_and_a_person_their_own_name() {
    let server = server();
    let voucher = server.user_with("voucher", &[], &["users:write", "users:vouch"]).login();
    let helper = server.user_with("helper", &[], &["users:write"]);
    let eve = server.user("eve");
    let changed = patch(
        &voucher,
        &eve.id,
        json!({"username": "mallory", "email": "m@example.com", "email_verified": true, "claims": {"level": 3}}),
    );
    let body = changed.expect(200).body;
    assert_eq!((&body["username"], &body["email_verified"]), (&json!("mallory"), &json!(true)));
    assert_eq!(body["claims"], json!({"level": 3}));
    patch(&voucher, &eve.id, json!({"email": null})).expect(200);
    patch(&voucher, &eve.id, json!({"username": null})).expect_error(422, "invalid_request");
    patch(&voucher, &eve.id, json!({"email_verified": true})).expect_error(422, "invalid_request");
    patch(&voucher, &eve.id, json!({"username": "helper"})).expect_error(409, "already_exists");
    patch(&voucher, &eve.id, json!({"claims": {"sub": "x"}})).expect_error(422, "invalid_request");
    let session = helper.login();
    patch(&session, &helper.id, json!({"username": "helped"})).expect(200);
    patch(&session, &eve.id, json!({"username": "eve"})).expect_error(403, "insufficient_scope");
}

#[test]
fn what_changes_nothing_is_permitted_and_writes_nothing() {
    let server = server();
    let session = server.user_with("helper", &[], &["users:read", "users:write", "roles:write"]).login();
    let root = server.user_with("second-root", &["admin"], &[]);
    let before = server.count_audit_events();
    let same = json!({"roles": ["admin"], "permissions": [], "claims": {}, "disabled": false, "email_verified": false});
    patch(&session, &root.id, same).expect(200);
    patch(&session, &root.id, json!({"username": "second-root"})).expect(200);
    assert_eq!(server.count_audit_events(), before);
}

#[test]
fn a_narrowed_token_takes_no_role_whose_permissions_it_lacks() {
    let server = server();
    let by = |name: &str, client: &str| {
        let body = json!({"username": name, "password": PASSWORD, "client_id": client});
        Session::from(&server, &server.post("/auth/login", body).expect(200))
    };
    let root = by("root", "default");
    let boss = server.user_with("boss", &["admin"], &[]);
    let editor = server.user_with("member", &["editor"], &[]);
    let of_root = by("root", "narrow");
    let own = root.get("/users/me").text_at("id").to_owned();
    for (id, roles) in [(&boss.id, json!([])), (&editor.id, json!([])), (&own, json!([]))] {
        patch(&of_root, id, json!({"roles": roles})).expect_error(403, "insufficient_scope");
    }
    let mut permissions = HELPER.to_vec();
    permissions.push("posts:write");
    put_role(&root, "staff", &permissions).expect(200);
    server.user_with("manager", &["staff"], &[]);
    let of_manager = by("manager", "narrow");
    for permissions in [&[][..], &["users:write"]] {
        put_role(&of_manager, "staff", permissions).expect_error(403, "insufficient_scope");
    }
    of_manager.call("DELETE", "/admin/roles/staff").send().expect_error(403, "insufficient_scope");
    // With the whole token the manager may.
    put_role(&by("manager", "default"), "staff", &["users:write", "roles:write"]).expect(200);
}

#[test]
fn nobody_widens_a_client_beyond_what_they_hold() {
    let server = server();
    let root = Session::from(&server, &server.try_login("root", PASSWORD).expect(200));
    let scopes = json!(["clients:write", "posts:read"]);
    root.post("/admin/clients", json!({"id": "ci", "public": true, "scopes": scopes})).expect(201);
    let body = json!({"username": "root", "password": PASSWORD, "client_id": "ci"});
    let narrow = Session::from(&server, &server.post("/auth/login", body).expect(200));
    let operator = server.user_with("operator", &[], &["clients:write", "posts:write"]).login();
    let change = |session: &Session<'_>, scopes: Value| {
        session.call("PATCH", "/admin/clients/ci").json(json!({"scopes": scopes})).send()
    };
    for session in [&narrow, &operator] {
        for scopes in [json!([]), json!(["clients:write", "posts:read", "users:read"])] {
            change(session, scopes).expect_error(403, "insufficient_scope");
        }
    }
    change(&operator, json!(["clients:write", "posts:read", "posts:write"])).expect(200);
    change(&operator, json!(["posts:read"])).expect(200);
    // The permission itself is given by admins only.
    change(&operator, json!(["clients:write", "posts:read"])).expect_error(403, "insufficient_scope");
    change(&root, json!([])).expect(200);
}

#[test]
fn a_refused_change_tells_nothing_about_the_account_or_the_roles() {
    let server = server();
    let writer = server.user_with("writer", &[], &["users:write"]).login();
    let target = server.user_with("lighthouse-keeper", &["admin"], &[]);
    // The first password would be refused because it is common, the second because it is the name of the account.
    for password in ["password1234", "lighthouse-keeper", "seven lighthouses in the fog"] {
        patch(&writer, &target.id, json!({"password": password})).expect_error(403, "insufficient_scope");
    }
    let unknown = patch(&writer, &target.id, json!({"roles": ["unknown"]})).expect_error(422, "invalid_request");
    let created = writer.post("/admin/users", json!({"username": "eve", "roles": ["unknown"]}));
    for answer in [unknown, created.expect_error(422, "invalid_request")] {
        assert!(answer.text.contains("unknown") && !answer.text.contains("editor"), "{}", answer.text);
    }
}

#[test]
fn a_replaced_claim_ends_older_tokens_as_a_removed_one_does() {
    let server = server();
    let root = Session::from(&server, &server.try_login("root", PASSWORD).expect(200));
    let ada = server.user("ada");
    let mut claims = json!({"tenant": "acme"});
    patch(&root, &ada.id, json!({"claims": claims})).expect(200);
    for (name, value, ends) in [
        ("level", json!(1), false),
        ("level", json!(1), false),
        ("level", json!(2), true),
        ("tenant", json!("other"), true),
    ] {
        let session = ada.login();
        claims[name] = value;
        patch(&root, &ada.id, json!({"claims": claims})).expect(200);
        assert_eq!(session.is_accepted(), !ends, "{claims}");
        assert_eq!(session.refreshed().get("/users/me").expect(200).body["claims"], claims);
    }
}
