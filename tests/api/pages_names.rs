//! The form of `/account` that changes the username and the email address.

use serde_json::json;

use crate::support::{
    PASSWORD, Server,
    browser::{Browser, error_of},
};

#[test]
fn name_and_address_are_changed_with_the_password() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let form = browser.account_form("/account/names");
    let fields = [("username", "countess"), ("email", "countess@example.com"), ("names_password", PASSWORD)];
    let done = browser.submit(&form, &fields).expect(303);
    assert_eq!(done.header("location"), Some("/account?notice=names_changed"));
    let page = browser.follow(done).expect(200);
    assert!(page.text.contains("<bdi>countess</bdi>") && page.text.contains("countess@example.com"), "{}", page.text);
    assert_eq!(Browser::new(&server).sign_in("ada", PASSWORD).status, 401);
    assert_eq!(Browser::new(&server).sign_in("countess", PASSWORD).status, 303);
}

#[test]
fn an_empty_field_removes_a_name_that_the_account_may_lack() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let form = browser.account_form("/account/names");
    browser.submit(&form, &[("username", "ada"), ("email", ""), ("names_password", PASSWORD)]).expect(303);
    assert!(!browser.get("/account").text.contains("ada@example.com"));
    let page = browser.submit(&form, &[("username", ""), ("email", ""), ("names_password", PASSWORD)]).expect(422);
    assert!(page.text.contains("id=\"username-problem\""), "{}", page.text);
    assert!(browser.is_signed_in());
}

#[test]
fn a_refusal_stands_at_its_field_and_keeps_what_was_typed() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let browser = Browser::signed_in(&server, "ada");
    let form = browser.account_form("/account/names");
    let send = |name: &str, email: &str, password: &str| {
        browser.submit(&form, &[("username", name), ("email", email), ("names_password", password)])
    };
    let wrong = send("countess", "c@example.com", "wrong wrong wrong").expect(401);
    assert!(wrong.text.contains("id=\"names_password-problem\">Password is wrong."), "{}", wrong.text);
    assert!(wrong.text.contains("value=\"countess\"") && wrong.text.contains("value=\"c@example.com\""));
    assert_eq!(error_of(&wrong).as_deref(), Some("The password is wrong. Nothing was changed."));
    let taken = send("BOB", "ada@example.com", PASSWORD).expect(409);
    assert!(taken.text.contains("id=\"username-problem\">Username is taken."), "{}", taken.text);
    assert!(taken.text.contains("<a href=\"#username\">Username is taken.</a>"), "{}", taken.text);
    let bad = send("a@b", "no address", PASSWORD).expect(422);
    for id in ["username-problem", "email-problem"] {
        assert!(bad.text.contains(&format!("id=\"{id}\"")), "{id}: {}", bad.text);
    }
    send("ada", "ada@example.com", "").expect(422);
    assert!(browser.get("/account").text.contains("<bdi>ada</bdi>"));
}

#[test]
fn five_wrong_passwords_end_the_session() {
    let server = Server::with(vec![("login_failures_per_account", json!(0))]);
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let form = browser.account_form("/account/names");
    for _ in 0..5 {
        browser.submit(&form, &[("username", "x"), ("names_password", "wrong wrong wrong")]).expect(401);
    }
    let over = browser.submit(&form, &[("username", "x"), ("names_password", PASSWORD)]).expect(303);
    assert!(browser.follow(over).text.contains("id=\"login\""));
}
