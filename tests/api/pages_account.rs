//! The page `/account` without script: its content and its forms.

use serde_json::{Value, json};

use crate::{
    repeats::refresh_from,
    support::{
        PASSWORD, Server,
        browser::{Browser, error_of, form, forms},
    },
};

const NEW: &str = "seven slow ferries north";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";

#[test]
fn the_devices_are_listed_with_the_current_device_first() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    server.advance(60);
    let other = Browser::called(&server, FIREFOX);
    other.sign_in("ada", PASSWORD).expect(303);
    let page = browser.get("/account").expect(200);
    let items: Vec<&str> = page.text.split("<li data-session=").skip(1).collect();
    assert_eq!(items.len(), 2);
    assert!(items[0].contains("Chrome 156 on Linux") && items[0].contains("This device"), "{}", items[0]);
    assert!(items[0].contains("<time data-short datetime=\"2027-01-15T08:00:00Z\">15 January 2027, 08:00 UTC</time>"));
    assert!(!items[0].contains("<form"), "this one has its own button above");
    assert!(items[1].contains("Firefox 153 on Linux") && !items[1].contains("This device"), "{}", items[1]);
    assert!(items[1].contains("aria-label=\"Sign out \u{2068}Firefox 153 on Linux\u{2069}\""));
}

#[test]
fn a_bound_session_is_displayed_as_bound() {
    let server = Server::start();
    let ada = server.user("ada");
    let fingerprint = json!({"os": "Linux", "browser": "Chrome", "fonts": "a", "canvasPrint": "b", "cpu": "c",
        "hardwareConcurrency": 8, "deviceMemory": 8, "gpu": "d", "plugins": "e", "timezone": "UTC"});
    ada.login_with(json!({"fingerprint": fingerprint, "device_name": "Bound one"}));
    let page = Browser::signed_in(&server, "ada").get("/account").expect(200);
    let bound = page.text.split("<li data-session=").find(|item| item.contains("Bound one")).expect("it is listed");
    assert!(bound.contains("Tied to its browser") && !bound.contains("Not tied"), "{bound}");
}

#[test]
fn a_device_that_is_also_used_from_another_place_is_marked_with_the_address() {
    let server = Server::start();
    let ada = server.user("ada");
    let first = ada.login_with(json!({"device_name": "Laptop"}));
    refresh_from(&first, "192.0.2.1", "Laptop/1").expect(200);
    let browser = Browser::signed_in(&server, "ada");
    let marked = || -> Vec<(bool, bool)> {
        let page = browser.get("/account").expect(200);
        let items = page.text.split("<li data-session=").skip(1);
        items.map(|item| (item.contains("Laptop"), item.contains("Also used from another place"))).collect()
    };
    assert_eq!(marked(), [(false, false), (true, false)]);
    refresh_from(&first, "192.0.2.1", "Laptop/1").expect(200);
    assert_eq!(marked(), [(false, false), (true, false)], "a second tab is no other place");
    server.advance(20);
    refresh_from(&first, "203.0.113.66", "Laptop/1").expect(200);
    assert_eq!(marked(), [(false, false), (true, true)]);
    let page = browser.get("/account").expect(200).text;
    let (_, mark) = page.split_once("Also used from another place (203.0.113.66), <time").expect("a mark");
    assert!(mark.starts_with(" data-ago datetime=\"2027-01-15T08:00:20Z\">"), "{mark}");
    assert!(mark.contains("If that was not you, sign this device out and change your password."));
}

#[test]
fn one_device_is_signed_out() {
    let server = Server::start();
    server.user("ada");
    let (browser, other) = (Browser::signed_in(&server, "ada"), Browser::signed_in(&server, "ada"));
    let page = browser.get("/account").expect(200);
    let revoke = forms(&page).into_iter().find(|form| form.action.ends_with("/revoke")).expect("one form");
    let done = browser.submit(&revoke, &[]).expect(303);
    assert_eq!(done.header("location"), Some("/account?notice=device_signed_out"));
    assert!(browser.follow(done).text.contains("That device is signed out."));
    assert!(browser.is_signed_in() && !other.is_signed_in());
    let again = browser.submit(&revoke, &[]).expect(303);
    assert_eq!(again.header("location"), Some("/account?notice=already_signed_out"));
}

#[test]
fn a_user_can_not_sign_out_devices_of_other_users() {
    let server = Server::start();
    server.user("ada");
    let of_bob = server.user("bob").login();
    let browser = Browser::signed_in(&server, "ada");
    let mut revoke = browser.account_form("/account/sign-out");
    for id in [of_bob.id.as_str(), "nothing", "00000000-0000-0000-0000-000000000000"] {
        revoke.action = format!("/account/sessions/{id}/revoke");
        let done = browser.submit(&revoke, &[]).expect(303);
        assert_eq!(done.header("location"), Some("/account?notice=already_signed_out"), "{id}");
    }
    assert!(of_bob.is_accepted());
}

#[test]
fn revoking_the_current_session_by_its_id_signs_out() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let page = browser.get("/account").expect(200);
    let id = page.text.split("data-session=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    let mut revoke = form(&page, "/account/sign-out");
    revoke.action = format!("/account/sessions/{id}/revoke");
    let done = browser.submit(&revoke, &[]).expect(303);
    assert_eq!(done.header("location"), Some("/login?notice=signed_out"));
    assert_eq!(browser.cookie("access_token"), None);
}

#[test]
fn all_other_devices_are_signed_out() {
    let server = Server::start();
    server.user("ada");
    let others: Vec<_> = (0..3).map(|_| Browser::signed_in(&server, "ada")).collect();
    let browser = Browser::signed_in(&server, "ada");
    let done = browser.submit(&browser.account_form("/account/sessions/revoke-others"), &[]).expect(303);
    assert!(browser.follow(done).expect(200).text.contains("All other devices are signed out."));
    assert!(others.iter().all(|other| !other.is_signed_in()));
    let page = browser.get("/account").expect(200);
    assert!(!page.text.contains("revoke-others"), "there is nothing left to sign out");
}

#[test]
fn signing_out_ends_the_session_and_clears_the_cookies() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let kept = browser.copied();
    let done = browser.submit(&browser.account_form("/account/sign-out"), &[]).expect(303);
    assert!(browser.follow(done).expect(200).text.contains("You are signed out."));
    for name in ["access_token", "refresh_token", "csrf_token"] {
        assert_eq!(browser.cookie(name), None, "{name}");
    }
    assert!(browser.cookie("device_id").is_some(), "the device stays known");
    assert!(!kept.is_signed_in());
}

#[test]
fn signing_out_works_after_the_access_token_has_expired() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let sign_out = browser.account_form("/account/sign-out");
    server.advance(3_600);
    let done = browser.submit(&sign_out, &[]).expect(303);
    assert_eq!(done.header("location"), Some("/login?notice=signed_out"));
    assert_eq!(server.count_live_sessions(), 0);
    // The form also works a second time, when the browser has no cookies left.
    assert_eq!(browser.submit(&sign_out, &[]).expect(303).header("location"), Some("/login?notice=signed_out"));
}

#[test]
fn the_password_is_changed_and_every_other_device_signed_out() {
    let server = Server::start();
    server.user("ada");
    let (browser, other) = (Browser::signed_in(&server, "ada"), Browser::signed_in(&server, "ada"));
    let change = browser.account_form("/account/password");
    let before = browser.copied();
    let done = browser.submit(&change, &[("current_password", PASSWORD), ("new_password", NEW)]).expect(303);
    assert_eq!(done.header("location"), Some("/account?notice=password_changed"));
    assert_eq!(browser.get("/account?notice=password_changed").status, 200, "with the new cookies, no detour");
    assert_eq!(before.get("/account").status, 303, "the old access token is over");
    assert!(!other.is_signed_in());
    Browser::new(&server).sign_in("ada", PASSWORD).expect(401);
    Browser::new(&server).sign_in("ada", NEW).expect(303);
}

#[test]
fn a_refused_password_change_is_reported_at_its_field() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let change = browser.account_form("/account/password");
    let try_it =
        |current: &str, new: &str| browser.submit(&change, &[("current_password", current), ("new_password", new)]);
    let wrong = try_it("wrong wrong wrong", NEW).expect(401);
    assert!(wrong.text.contains("id=\"current_password-problem\">Current password is wrong."), "{}", wrong.text);
    assert_eq!(error_of(&wrong).as_deref(), Some("The password is wrong. Nothing was changed."));
    let short = try_it(PASSWORD, "short").expect(422);
    assert!(short.text.contains("id=\"new_password-problem\">New password must have at least 8 characters."));
    let weak = try_it(PASSWORD, "password1").expect(422);
    assert!(weak.text.contains("id=\"new_password-problem\">New password is too easy to guess"), "{}", weak.text);
    try_it("", "").expect(422);
    assert!(browser.is_signed_in());
}

#[test]
fn five_wrong_passwords_end_the_session() {
    let server = Server::with(vec![("login_failures_per_account", json!(0))]);
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let change = browser.account_form("/account/password");
    for _ in 0..5 {
        browser.submit(&change, &[("current_password", "wrong wrong wrong"), ("new_password", NEW)]).expect(401);
    }
    let over = browser.submit(&change, &[("current_password", PASSWORD), ("new_password", NEW)]).expect(303);
    assert!(browser.follow(over).text.contains("id=\"login\""));
}

#[test]
fn five_wrong_passwords_at_both_forms_together_end_the_session() {
    let server = Server::with(vec![("login_failures_per_account", json!(0))]);
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let page = browser.open("/account").expect(200);
    let (change, delete) = (form(&page, "/account/password"), form(&page, "/account/delete"));
    let change = |password: &str| browser.submit(&change, &[("current_password", password), ("new_password", NEW)]);
    let delete = |password: &str| browser.submit(&delete, &[("password", password), ("confirm", "yes")]);
    for attempt in 0..5 {
        assert_eq!(server.count_live_sessions(), 1, "after {attempt} wrong passwords");
        let wrong = if attempt % 2 == 0 { change("wrong wrong wrong") } else { delete("wrong wrong wrong") };
        wrong.expect(401);
    }
    assert_eq!(server.count_live_sessions(), 0);
    for answer in [change(PASSWORD), delete(PASSWORD)] {
        assert!(browser.follow(answer.expect(303)).text.contains("id=\"login\""));
    }
    server.try_login("ada", PASSWORD).expect(200);
}

#[test]
fn after_too_many_wrong_passwords_the_page_says_how_long_to_wait() {
    let server = Server::with(vec![("login_failures_per_account", json!("1/15m"))]);
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let change = browser.account_form("/account/password");
    let fields = [("current_password", "wrong wrong wrong"), ("new_password", NEW)];
    browser.submit(&change, &fields).expect(401);
    let page = browser.submit(&change, &fields).expect(429);
    assert_eq!(page.header("retry-after"), Some("900"));
    assert_eq!(error_of(&page).as_deref(), Some("Too many attempts. Try again in 15 minutes."));
}

#[test]
fn the_export_is_a_file_with_everything() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let file = browser.get("/account/export").expect(200);
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"my-data.json\""));
    assert_eq!(file.header("content-type"), Some("application/json"));
    assert_eq!(file.body["user"]["username"], "ada");
    for part in ["sessions", "devices", "audit_events"] {
        assert!(file.body[part].as_array().is_some_and(|rows| !rows.is_empty()), "{part}");
    }
}

#[test]
fn the_account_is_deleted_with_a_password_and_a_checked_box() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let delete = browser.account_form("/account/delete");
    let page = browser.submit(&delete, &[("password", PASSWORD)]).expect(422);
    assert!(page.text.contains("id=\"confirm-problem\"") && page.text.contains("<details open>"), "{}", page.text);
    let page = browser.submit(&delete, &[("password", "wrong wrong wrong"), ("confirm", "yes")]).expect(401);
    assert!(page.text.contains("id=\"delete-password-problem\">Password is wrong."), "{}", page.text);
    let done = browser.submit(&delete, &[("password", PASSWORD), ("confirm", "yes")]).expect(303);
    assert!(browser.follow(done).text.contains("Your account is deleted"));
    assert_eq!(server.count_users(), 0);
    for name in ["access_token", "refresh_token", "csrf_token", "device_id"] {
        assert_eq!(browser.cookie(name), None, "{name}");
    }
}

#[test]
fn the_last_admin_can_not_delete_their_account() {
    let server = Server::start();
    server.user_with("ada", &["admin"], &[]);
    let browser = Browser::signed_in(&server, "ada");
    let delete = browser.account_form("/account/delete");
    let page = browser.submit(&delete, &[("password", PASSWORD), ("confirm", "yes")]).expect(409);
    assert!(error_of(&page).is_some_and(|error| error.contains("last administrator")));
}

#[test]
fn a_bearer_token_opens_no_page() {
    let server = Server::start();
    let session = server.user("ada").login();
    let answer = session.call("GET", "/account").send().expect(303);
    assert_eq!(answer.header("location"), Some("/auth/continue?next=%2Faccount"));
    assert_eq!(answer.body, Value::Null);
}
