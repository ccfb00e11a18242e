//! Tests of a password change: it ends the access of everybody who does not know the new password, in every transport and
//! session. The user who changed the password keeps their session.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use crate::support::{
    Answer, PASSWORD, Server, Session, browser::Browser as Pages, claims, cookies::Browser, unlimited,
};

/// The number of users who change their passwords at the same time.
const PEOPLE: usize = 4;
/// The number of password changes of each user.
const CHANGES: usize = 250;

/// Starts a server without rate limits and with the compatibility routes.
fn server() -> Server {
    Server::with(unlimited(vec![("compat_routes", json!(true))]))
}

/// Returns the password after this number of changes.
fn password(change: usize) -> String {
    if change == 0 { PASSWORD.to_owned() } else { format!("walk number {change} to the sea") }
}

/// Changes the password for the next time; `from` is the number of changes so far.
fn change(session: &Session<'_>, from: usize) -> Answer {
    let body = json!({"current_password": password(from), "new_password": password(from + 1)});
    session.post("/users/me/password", body)
}

fn generation(refresh_token: &str) -> i64 {
    claims(refresh_token)["gen"].as_i64().expect("a generation")
}

/// Presents a refresh token from before the change to every endpoint that accepts one. Checks that each refuses the token, and
/// that no cookie is set.
#[track_caller]
fn expect_nothing(server: &Server, refresh: &str) {
    let body = json!({"refresh_token": refresh});
    for path in ["/auth/refresh", "/refresh", "/token/refresh"] {
        let refused = server.post(path, body.clone()).expect_error(401, "token_revoked");
        assert_eq!(refused.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 0, "no cookie is touched");
    }
    server.post("/api/token/refresh", json!({"refresh": refresh})).expect_error(401, "token_revoked");
    server.post("/api/token/verify", json!({"token": refresh})).expect_error(401, "token_revoked");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let refused = server.call("POST", "/token").body("application/x-www-form-urlencoded", form).send();
    assert_eq!((refused.status, refused.body["error"].as_str()), (400, Some("invalid_grant")));
}

#[test]
fn a_thousand_changes_during_refreshes_lose_no_session() {
    let server = server();
    let names: Vec<String> = (0..PEOPLE).map(|number| format!("person{number}")).collect();
    let people: Vec<_> = names.iter().map(|name| server.user(name)).collect();
    thread::scope(|scope| {
        for person in &people {
            scope.spawn(|| {
                let mut own = person.login();
                let other = person.login();
                for round in 0..CHANGES {
                    own = one_change(&server, &own, round);
                }
                other.try_refresh().expect_error(401, "token_revoked");
            });
        }
    });
    assert_eq!(server.count_events("refresh_reused"), 0);
    assert_eq!(server.count_events("password_changed"), PEOPLE * CHANGES);
    assert_eq!(server.count_live_sessions(), PEOPLE, "nobody who changed a password is out");
}

/// Changes the password while three tabs refresh with the token from before. Checks that afterwards all earlier tokens are
/// refused, also for a thief who has a copy. Returns the session after the change.
fn one_change<'s>(server: &'s Server, own: &Session<'s>, round: usize) -> Session<'s> {
    let before = own.clone();
    let start = Barrier::new(4);
    let (changed, beside) = thread::scope(|scope| {
        let beside: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    (0..3).map(|_| before.try_refresh()).collect::<Vec<Answer>>()
                })
            })
            .collect();
        start.wait();
        let changed = change(own, round).expect(200);
        (changed, beside.into_iter().flat_map(|tab| tab.join().expect("it answers")).collect::<Vec<_>>())
    });
    let after = Session::from(server, &changed);
    for answer in beside {
        if answer.status != 200 {
            answer.expect_error(401, "token_revoked");
            continue;
        }
        // This refresh succeeded before the change. Its tokens are invalid now.
        let early = Session::from(server, &answer);
        assert!(generation(&early.refresh) < generation(&after.refresh));
        early.try_refresh().expect_error(401, "token_revoked");
        early.get("/users/me").expect_error(401, "token_revoked");
    }
    before.try_refresh().expect_error(401, "token_revoked");
    before.get("/users/me").expect_error(401, "token_revoked");
    // The user continues in several tabs at once, which receive the same refresh token.
    let tabs: Vec<Session<'_>> = thread::scope(|scope| {
        let tabs: Vec<_> = (0..3).map(|_| scope.spawn(|| after.refreshed())).collect();
        tabs.into_iter().map(|tab| tab.join().expect("it answers")).collect()
    });
    assert!(tabs.iter().all(|tab| tab.refresh == tabs[0].refresh && tab.is_accepted()));
    // A thief presents the old token again, within the grace period of this rotation.
    before.try_refresh().expect_error(401, "token_revoked");
    tabs.into_iter().next().expect("a tab")
}

#[test]
fn tokens_from_before_a_change_are_refused_at_every_endpoint() {
    let server = server();
    let ada = server.user("ada");
    let first = ada.login();
    let second = first.refreshed();
    let changed = Session::from(&server, &change(&second, 0).expect(200));
    for seconds in [0, 1, 29, 31, 600] {
        server.advance(seconds);
        for old in [&first, &second] {
            expect_nothing(&server, &old.refresh);
        }
    }
    // None of these requests has revoked the session.
    let next = changed.refreshed();
    assert!(next.is_accepted());
    // The tokens are also refused after a restart. After a second change the tokens from between the changes are refused too.
    let (first, second, changed) = (first.refresh, second.refresh, changed.refresh);
    let (next, access) = (next.refresh.clone(), next.access.clone());
    let server = server.restart();
    for old in [&first, &second] {
        expect_nothing(&server, old);
    }
    let body = json!({"current_password": password(1), "new_password": password(2)});
    let again = server.call("POST", "/users/me/password").bearer(&access).json(body).send().expect(200);
    for old in [&first, &second, &changed, &next] {
        expect_nothing(&server, old);
    }
    Session::from(&server, &again).refreshed();
}

#[test]
fn cookies_from_before_a_change_are_refused_and_the_pages_stay_signed_in() {
    let server = server();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let body = json!({"current_password": PASSWORD, "new_password": password(1)});
    let answer = browser.call("POST", "/users/me/password").json(body).send().expect(200);
    let after = Browser { device: browser.device.clone(), ..Browser::from(&server, &answer) };
    for seconds in [0, 31] {
        server.advance(seconds);
        let refused = browser.refresh().expect_error(401, "token_revoked");
        assert_eq!(refused.text_at("reason"), "password_changed");
        assert!(refused.headers.iter().all(|(name, _)| name != "set-cookie"));
        let sent_on = browser.blind("GET", "/auth/continue?next=/account").send().expect(303);
        assert_eq!(sent_on.header("location"), Some("/login?next=%2Faccount"));
        assert!(sent_on.set_cookie("refresh_token").is_none());
    }
    after.refresh().expect(200);

    // The same with the form of the page. A second browser still has the old cookies.
    let pages = Pages::new(&server);
    pages.sign_in("ada", &password(1)).expect(303);
    let thief = pages.copied();
    let form = pages.account_form("/account/password");
    let typed = [("current_password", &*password(1)), ("new_password", &*password(2))];
    assert_eq!(pages.submit(&form, &typed).expect(303).header("location"), Some("/account?notice=password_changed"));
    assert!(pages.is_signed_in());
    assert!(!thief.is_signed_in());
    server.advance(901);
    assert!(pages.is_signed_in(), "by its refresh cookie");
}

#[test]
fn tokens_from_before_a_change_are_refused_even_with_the_bound_fingerprint() {
    let server = server();
    let ada = server.user("ada");
    let print = json!({"os": "Linux", "browser": "Firefox", "gpu": "a", "canvasPrint": "b", "fonts": "c"});
    let bound = ada.login_with(json!({"fingerprint": print}));
    let others = [ada.login(), ada.login_with(json!({"fingerprint": print}))];
    let changed = Session::from(&server, &change(&bound, 0).expect(200));
    let replay = |token: &str| server.post("/auth/refresh", json!({"refresh_token": token, "fingerprint": print}));
    for old in others.iter().chain([&bound]) {
        replay(&old.refresh).expect_error(401, "token_revoked");
        replay(&old.refresh).expect_error(401, "token_revoked");
    }
    replay(&changed.refresh).expect(200);
}

#[test]
fn tokens_of_the_compatibility_routes_are_revoked_too() {
    let server = server();
    let session = server.user("ada").login();
    let renewed: Value = server
        .call("POST", "/auth/jwt/refresh")
        .bearer(&session.access)
        .json(json!({"padding": "enough"}))
        .send()
        .expect(200)
        .body;
    change(&session, 0).expect(200);
    let access = renewed["access_token"].as_str().expect("a token");
    server.call("GET", "/users/me").bearer(access).send().expect_error(401, "token_revoked");
    server
        .call("POST", "/auth/jwt/refresh")
        .bearer(access)
        .json(json!({"padding": "enough"}))
        .send()
        .expect_error(401, "token_revoked");
}
