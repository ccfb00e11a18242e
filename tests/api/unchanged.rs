//! Calls that change nothing: they write no row and no audit event, and commit nothing.

use serde_json::{Value, json};

use crate::support::{
    Answer, Server, Session,
    browser::{Browser, form, forms},
    oauth::clients,
    unlimited,
};

/// A call that changes nothing, with the status of its answer.
type Call<'a> = (&'a str, u16, Box<dyn Fn() -> Answer + 'a>);

/// Checks that none of the calls changes a row of any table, also if it is repeated.
#[track_caller]
fn expect_unchanged(server: &Server, calls: &[Call<'_>]) {
    for (name, status, call) in calls {
        let (before, last_write) = (server.everything(), server.last_write());
        for _ in 0..2 {
            let answer = call();
            assert_eq!(answer.status, *status, "{name}: {}", answer.text);
        }
        for (table, rows) in server.everything() {
            assert!(rows == before[&table], "{name} changed {table}: {:?}", rows.last());
        }
        assert_eq!(server.last_write(), last_write, "{name} committed");
    }
}

fn server() -> Server {
    Server::with(unlimited(vec![]))
}

/// Begins a request with a JSON body, as a boxed call.
fn sent<'a>(session: &'a Session<'_>, method: &'a str, path: String, body: Value) -> Box<dyn Fn() -> Answer + 'a> {
    Box::new(move || session.call(method, &path).json(body.clone()).send())
}

#[test]
fn ending_a_session_that_has_ended_writes_nothing() {
    let server = server();
    let ada = server.user("ada");
    let (ended, current) = (ada.login(), ada.login());
    ended.call("POST", "/auth/logout").send().expect(200);
    let revoke = |token: &str| server.form("/auth/revoke", &[("token", token)]);
    let by_refresh_token = || server.post("/auth/logout", json!({"refresh_token": ended.refresh}));
    let (none, to_end) = (|| json!({}), json!({"session_id": ended.id}));
    expect_unchanged(
        &server,
        &[
            ("a logout by the access token", 200, sent(&ended, "POST", "/auth/logout".to_owned(), none())),
            ("a logout by the refresh token", 200, Box::new(by_refresh_token)),
            ("a revocation of the access token", 200, Box::new(|| revoke(&ended.access))),
            ("a revocation of the refresh token", 200, Box::new(|| revoke(&ended.refresh))),
            ("its end by its id", 404, sent(&current, "DELETE", format!("/auth/sessions/{}", ended.id), none())),
            ("its end as a device", 404, sent(&current, "POST", "/auth/logout/device".to_owned(), to_end)),
            ("the end of the others", 200, sent(&current, "POST", "/auth/revoke_other_session".to_owned(), none())),
            ("a refresh", 401, Box::new(|| ended.try_refresh())),
        ],
    );
}

#[test]
fn revoking_an_access_token_again_writes_nothing() {
    let server = Server::with(unlimited(clients()));
    let session = server.user("ada").login();
    let revoke = || server.form("/auth/revoke", &[("token", &session.access)]);
    revoke().expect(200);
    assert_eq!((server.count_events("token_revoked"), server.count_live_sessions()), (1, 1));
    expect_unchanged(
        &server,
        &[
            ("the same revocation", 200, Box::new(revoke)),
            ("no token", 200, Box::new(|| server.form("/auth/revoke", &[("token", "x")]))),
        ],
    );
}

#[test]
fn an_administration_that_sets_what_is_set_writes_nothing() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]);
    let session = root.login();
    let admin = |method: &str, path: &str, body: Value| session.call(method, path).json(body).send();
    admin("PUT", "/admin/roles/editor", json!({"permissions": ["posts:write", "posts:read"]})).expect(200);
    let session = root.login();
    let admin = |method: &str, path: &str, body: Value| session.call(method, path).json(body).send();
    let user = json!({
        "username": "ada", "email": "ada@example.com", "email_verified": true, "disabled": false,
        "roles": ["admin", "editor"], "permissions": ["a:b", "c:d"], "claims": {"team": "engines"}
    });
    let ada = admin("POST", "/admin/users", user.clone()).expect(201).text_at("id").to_owned();
    let client = json!({
        "name": "Web", "audience": ["https://web.test"], "scopes": ["posts:read", "posts:write"], "grants": ["password"]
    });
    let mut new = client.clone();
    new["id"] = json!("web");
    new["public"] = json!(true);
    admin("POST", "/admin/clients", new).expect(201);
    let path = format!("/admin/users/{ada}");
    let mut reordered = user.clone();
    reordered["roles"] = json!(["editor", "admin", "editor"]);
    reordered["permissions"] = json!(["c:d", "a:b"]);
    let permissions = json!({"permissions": ["posts:read", "posts:write", "posts:read"]});
    let nobody = "01a3185c-0000-7000-8000-000000000000";
    expect_unchanged(
        &server,
        &[
            ("a user", 200, sent(&session, "PATCH", path.clone(), user)),
            ("a user in another order", 200, sent(&session, "PATCH", path.clone(), reordered)),
            ("a user without fields", 200, sent(&session, "PATCH", path.clone(), json!({}))),
            ("a role", 200, sent(&session, "PUT", "/admin/roles/editor".to_owned(), permissions)),
            ("a client", 200, sent(&session, "PATCH", "/admin/clients/web".to_owned(), client)),
            ("a client without fields", 200, sent(&session, "PATCH", "/admin/clients/web".to_owned(), json!({}))),
            ("no sessions", 200, sent(&session, "DELETE", format!("{path}/sessions"), json!({}))),
            ("no session", 404, sent(&session, "DELETE", format!("{path}/sessions/{nobody}"), json!({}))),
            ("no device", 404, sent(&session, "DELETE", format!("{path}/devices/{nobody}"), json!({}))),
            ("no user", 404, sent(&session, "DELETE", format!("/admin/users/{nobody}"), json!({}))),
            ("no role", 404, sent(&session, "DELETE", "/admin/roles/none".to_owned(), json!({}))),
            ("no client", 404, sent(&session, "DELETE", "/admin/clients/none".to_owned(), json!({}))),
        ],
    );
}

#[test]
fn a_form_of_the_account_that_has_nothing_to_end_writes_nothing() {
    let server = server();
    server.user("ada");
    let (browser, other) = (Browser::signed_in(&server, "ada"), Browser::signed_in(&server, "ada"));
    let page = browser.open("/account").expect(200);
    let revoke_other = forms(&page).into_iter().find(|form| form.action.ends_with("/revoke")).expect("a form");
    let revoke_others = form(&page, "/account/sessions/revoke-others");
    let sign_out = other.account_form("/account/sign-out");
    other.submit(&sign_out, &[]).expect(303);
    expect_unchanged(
        &server,
        &[
            ("the end of the other session", 303, Box::new(|| browser.submit(&revoke_other, &[]))),
            ("the end of all others", 303, Box::new(|| browser.submit(&revoke_others, &[]))),
            ("a second sign-out", 303, Box::new(|| other.submit(&sign_out, &[]))),
        ],
    );
}
