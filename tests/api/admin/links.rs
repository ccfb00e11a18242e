//! Links that work once: with which a user chooses a password, and with which the first admin is made.

use std::thread;

use serde_json::json;
use vestibule::flows::links::set_up::{create_setup_link, needs_admin};

use crate::support::{
    Answer, PASSWORD, Server, Session,
    browser::{Browser, form},
    unlimited, wait_for,
};

const NEW: &str = "seven lighthouses in the fog";

/// Creates a link for a user. Returns its path with the query.
fn link(session: &Session<'_>, user: &str, purpose: &str) -> String {
    let answer = session.post(&format!("/admin/users/{user}/link"), json!({"purpose": purpose})).expect(201);
    let url = answer.text_at("url").to_owned();
    url.strip_prefix("http://auth.test").expect("the public URL").to_owned()
}

/// Opens a link in a new browser and sends the form with a password.
fn choose(server: &Server, path: &str, password: &str) -> Answer {
    let browser = Browser::new(server);
    let page = browser.get(path);
    if page.status != 200 {
        return page;
    }
    browser.submit(&form(&page, "/link"), &[("password", password)])
}

fn server() -> Server {
    Server::with(unlimited(vec![]))
}

#[test]
fn an_invited_user_chooses_a_password_once() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    let grace = root.post("/admin/users", json!({"username": "grace"})).expect(201);
    assert_eq!(grace.body["has_password"], false);
    server.try_login("grace", PASSWORD).expect_error(401, "invalid_credentials");
    let path = link(&root, grace.text_at("id"), "invite");
    // A program that follows the link, such as a scanner of mail, uses nothing up.
    for method in ["GET", "GET", "HEAD"] {
        server.call(method, &path).send().expect(200);
    }
    let short = choose(&server, &path, "short").expect(422);
    assert!(short.text.contains("grace"));
    choose(&server, &path, "password1234").expect(422);
    let done = choose(&server, &path, NEW).expect(303);
    assert_eq!(done.header("location"), Some("/login?notice=password_chosen"));
    let session = server.try_login("grace", NEW).expect(200);
    choose(&server, &path, "another walk to the sea").expect(404);
    assert_eq!(server.try_login("grace", "another walk to the sea").status, 401);
    // The account says that a link was used.
    let browser = Browser::new(&server);
    browser.sign_in("grace", NEW).expect(303);
    assert!(browser.get("/account").expect(200).text.contains("by means of a link"));
    assert_eq!((server.count_events("link_created"), server.count_events("link_used")), (1, 1));
    assert!(Session::from(&server, &session).is_accepted());
    assert_eq!(root.get(&format!("/admin/users/{}", grace.text_at("id"))).body["has_password"], true);
}

#[test]
fn a_reset_ends_every_session_and_the_old_password_works_until_then() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    let ada = server.user("ada");
    let session = ada.login();
    let path = link(&root, &ada.id, "reset");
    assert!(session.is_accepted());
    ada.login();
    choose(&server, &path, NEW).expect(303);
    session.expect_revoked();
    server.try_login("ada", PASSWORD).expect_error(401, "invalid_credentials");
    server.try_login("ada", NEW).expect(200);
}

#[test]
fn a_link_is_void_after_its_time_a_newer_one_and_a_change_of_the_account() {
    let at = |id: &str| format!("/admin/users/{id}");
    type Change = fn(&Server, &Session<'_>, &str, &str);
    let changes: [(&str, Change); 9] = [
        ("an hour", |server, _, _, _| server.advance(3600)),
        ("a newer link", |_, root, id, _| drop(link(root, id, "reset"))),
        ("a new password by an admin", |_, root, _, at| {
            root.call("PATCH", at).json(json!({"password": "another walk to the sea"})).send().expect(200);
        }),
        ("a new password by the user", |server, _, _, _| {
            let ada = Session::from(server, &server.try_login("ada", PASSWORD).expect(200));
            let body = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
            ada.post("/users/me/password", body).expect(200);
        }),
        ("another address by an admin", |_, root, _, at| {
            root.call("PATCH", at).json(json!({"email": "new@example.com"})).send().expect(200);
        }),
        ("another address by the user", |server, _, _, _| {
            let ada = Session::from(server, &server.try_login("ada", PASSWORD).expect(200));
            ada.call("PATCH", "/users/me").json(json!({"email": "new@example.com"})).send().expect(200);
        }),
        ("disabled", |_, root, _, at| {
            root.call("PATCH", at).json(json!({"disabled": true})).send().expect(200);
        }),
        ("disabled and enabled", |_, root, _, at| {
            root.call("PATCH", at).json(json!({"disabled": true})).send().expect(200);
            root.call("PATCH", at).json(json!({"disabled": false})).send().expect(200);
        }),
        ("deleted", |_, root, _, at| drop(root.call("DELETE", at).send().expect(204))),
    ];
    for (name, change) in changes {
        let server = server();
        let root = server.user_with("root", &["admin"], &[]).login();
        let ada = server.user("ada");
        let path = link(&root, &ada.id, "reset");
        server.call("GET", &path).send().expect(200);
        change(&server, &root, &ada.id, &at(&ada.id));
        server.call("GET", &path).send().expect(404);
        choose(&server, &path, NEW).expect(404);
        assert_eq!(server.count_events("link_used"), 0, "{name}");
    }
    // What does not concern the password, the address or the state leaves it.
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    let ada = server.user("ada");
    let path = link(&root, &ada.id, "reset");
    root.call("PATCH", &at(&ada.id)).json(json!({"claims": {"a": 1}, "username": "ada2"})).send().expect(200);
    server.try_login("ada2", PASSWORD).expect(200);
    server.advance(3599);
    choose(&server, &path, NEW).expect(303);
}

#[test]
fn of_two_uses_at_once_one_succeeds() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    let ada = server.user("ada");
    let path = link(&root, &ada.id, "reset");
    let passwords = ["seven lighthouses in the fog", "eight lighthouses in the fog", "nine lighthouses in the fog"];
    let statuses: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = passwords
            .iter()
            .map(|password| {
                let (server, path) = (&server, &path);
                scope.spawn(move || choose(server, path, password).status)
            })
            .collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    let works = passwords.iter().filter(|password| server.try_login("ada", password).status == 200).count();
    assert_eq!(works, 1);
}

#[test]
fn wrong_links_and_forms_are_refused() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    let ada = server.user("ada");
    let helper = server.user_with("helper", &[], &["users:write"]).login();
    let post = |session: &Session<'_>, id: &str, purpose: &str| {
        session.post(&format!("/admin/users/{id}/link"), json!({"purpose": purpose}))
    };
    post(&root, &ada.id, "invite").expect_error(422, "invalid_request");
    post(&root, &ada.id, "setup").expect_error(422, "invalid_request");
    post(&root, "01a3185c-5000-7000-8000-000000000000", "reset").expect_error(404, "not_found");
    let own = root.get("/users/me").text_at("id").to_owned();
    post(&helper, &own, "reset").expect_error(403, "insufficient_scope");
    ada.disable();
    post(&root, &ada.id, "reset").expect_error(422, "invalid_request");
    for token in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%00", "../../etc"] {
        for page in ["link", "setup"] {
            server.call("GET", &format!("/{page}?token={token}")).header("Accept", "text/html").send().expect(404);
        }
    }
    server.call("GET", "/link").send().expect(404);
    // A form of another page has no token of this browser.
    let bob = server.user("bob");
    let path = link(&root, &bob.id, "reset");
    let token = path.split_once('=').expect("a token").1.to_owned();
    let body = format!("token={token}&password=seven+lighthouses+in+the+fog&csrf_token=x");
    server.call("POST", "/link").body("application/x-www-form-urlencoded", body.as_str()).send().expect(403);
    bob.login();
}

#[test]
fn the_first_admin_is_made_by_the_link_of_a_start() {
    let server = server();
    let url = wait_for(create_setup_link(&server.vestibule)).expect("a link");
    let older = url.strip_prefix("http://auth.test").expect("the public URL").to_owned();
    let url = wait_for(create_setup_link(&server.vestibule)).expect("a link");
    let path = url.strip_prefix("http://auth.test").expect("the public URL").to_owned();
    server.call("GET", &older).send().expect(404);
    server.user("taken");
    let browser = Browser::new(&server);
    let send = |browser: &Browser<'_>, name: &str, password: &str| {
        let page = browser.get(&path).expect(200);
        browser.submit(&form(&page, "/setup"), &[("username", name), ("password", password)])
    };
    send(&browser, "root", "short").expect(422);
    send(&browser, "taken", NEW).expect(409);
    assert!(wait_for(needs_admin(&server.vestibule)).expect("it reads"));
    let done = send(&browser, "root", NEW).expect(303);
    assert_eq!(done.header("location"), Some("/setup"));
    // The admin is signed in and sees the checks.
    let checks = browser.get("/setup").expect(200);
    assert!(checks.text.contains("secret.key") && checks.text.contains("no copies of its database"), "{}", checks.text);
    let root = Session::from(&server, &server.try_login("root", NEW).expect(200));
    assert_eq!(root.get("/users/me").body["roles"], json!(["admin"]));
    root.get("/admin/users").expect(200);
    server.call("GET", &path).send().expect(404);
    assert!(!wait_for(needs_admin(&server.vestibule)).expect("it reads"));
    // Others don't see the checks, and a link that is made while there is an admin makes none.
    let other = Browser::new(&server);
    other.get("/setup").expect(303);
    other.sign_in("taken", PASSWORD).expect(303);
    other.get("/setup").expect(404);
    let useless = wait_for(create_setup_link(&server.vestibule)).expect("a link");
    server.call("GET", useless.strip_prefix("http://auth.test").expect("the public URL")).send().expect(404);
}

#[test]
fn the_set_up_races_to_one_winner_and_expires() {
    let server = server();
    let url = wait_for(create_setup_link(&server.vestibule)).expect("a link");
    let path = url.strip_prefix("http://auth.test").expect("the public URL").to_owned();
    let statuses: Vec<(u16, Option<String>)> = thread::scope(|scope| {
        let calls: Vec<_> = (0..6)
            .map(|number| {
                let (server, path) = (&server, &path);
                scope.spawn(move || {
                    let browser = Browser::new(server);
                    let page = browser.get(path);
                    if page.status != 200 {
                        return (page.status, None);
                    }
                    let name = format!("root{number}");
                    let answer = browser.submit(&form(&page, "/setup"), &[("username", &name), ("password", NEW)]);
                    (answer.status, answer.header("location").map(str::to_owned))
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|(status, _)| *status == 303).count(), 1, "{statuses:?}");
    assert_eq!(server.count_users(), 1);
    let late = Server::with(unlimited(vec![]));
    let url = wait_for(create_setup_link(&late.vestibule)).expect("a link");
    late.advance(3600);
    late.call("GET", url.strip_prefix("http://auth.test").expect("the public URL")).send().expect(404);
}

#[test]
fn a_link_works_only_while_its_creator_could_create_it() {
    type Change = fn(&Server, &Session<'_>, &str, &str);
    fn change(root: &Session<'_>, id: &str, body: serde_json::Value) {
        root.call("PATCH", &format!("/admin/users/{id}")).json(body).send().expect(200);
    }
    let changes: [(&str, bool, Change); 9] = [
        ("nothing", true, |_, _, _, _| ()),
        ("the creator signs out", true, |server, _, _, _| {
            Session::from(server, &server.try_login("helper", PASSWORD).expect(200))
                .post("/auth/logout_all", json!({}));
        }),
        ("the user gains what the creator has", true, |_, root, ada, _| {
            change(root, ada, json!({"permissions": ["posts:read"]}));
        }),
        ("the user becomes an admin", false, |_, root, ada, _| change(root, ada, json!({"roles": ["admin"]}))),
        ("the user gains a permission", false, |_, root, ada, _| {
            change(root, ada, json!({"permissions": ["posts:write"]}))
        }),
        ("the user gains a claim", false, |_, root, ada, _| change(root, ada, json!({"claims": {"level": 9}}))),
        ("the creator is disabled", false, |_, root, _, helper| change(root, helper, json!({"disabled": true}))),
        ("the creator loses the permission", false, |_, root, _, helper| {
            change(root, helper, json!({"permissions": ["posts:read"]}));
        }),
        ("the creator is deleted", false, |_, root, _, helper| {
            root.call("DELETE", &format!("/admin/users/{helper}")).send().expect(204);
        }),
    ];
    for (name, works, change) in changes {
        let server = server();
        let root = server.user_with("root", &["admin"], &[]).login();
        let ada = server.user("ada");
        let helper = server.user_with("helper", &[], &["users:write", "posts:read"]);
        let path = link(&helper.login(), &ada.id, "reset");
        let browser = Browser::new(&server);
        let page = browser.get(&path).expect(200);
        change(&server, &root, &ada.id, &helper.id);
        assert_eq!(server.call("GET", &path).send().status, if works { 200 } else { 404 }, "{name}");
        // The form that was opened before the change is worth no more.
        let sent = browser.submit(&form(&page, "/link"), &[("password", NEW)]);
        assert_eq!(sent.status, if works { 303 } else { 404 }, "{name}");
        assert_eq!(server.count_events("link_used"), usize::from(works), "{name}");
    }
    // An admin may invite first and give the role afterwards; so may the operator.
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    let ada = server.user("ada");
    let path = link(&root, &ada.id, "reset");
    change(&root, &ada.id, json!({"roles": ["admin"]}));
    choose(&server, &path, NEW).expect(303);
}
