//! The page `/register` without script.

use serde_json::json;

use crate::support::{
    Answer, PASSWORD, Server,
    browser::{Browser, error_of, form},
};

fn register(browser: &Browser<'_>, fields: &[(&str, &str)]) -> Answer {
    let register = form(&browser.get("/register").expect(200), "/register");
    browser.submit(&register, fields)
}

#[test]
fn an_account_is_created_and_signed_in() {
    let server = Server::start();
    let browser = Browser::new(&server);
    let fields = [("username", "Ada"), ("email", "ada@example.com"), ("password", PASSWORD)];
    assert_eq!(register(&browser, &fields).expect(303).header("location"), Some("/account"));
    assert!(browser.open("/account").expect(200).text.contains("<strong><bdi>Ada</bdi></strong>"));
    assert_eq!(browser.get("/register").expect(303).header("location"), Some("/account"), "signed in already");
}

#[test]
fn an_email_address_alone_is_enough() {
    let server = Server::start();
    let browser = Browser::new(&server);
    register(&browser, &[("username", ""), ("email", "ada@example.com"), ("password", PASSWORD)]).expect(303);
    assert!(browser.is_signed_in());
}

#[test]
fn a_taken_name_is_reported_at_its_field() {
    let server = Server::start();
    server.user("ada");
    let page = register(&Browser::new(&server), &[("username", "ADA"), ("password", PASSWORD)]).expect(409);
    assert!(page.text.contains("id=\"username-problem\">Username is taken."), "{}", page.text);
    assert!(page.text.contains("value=\"ADA\""));
    let page = register(&Browser::new(&server), &[("email", "ada@example.com"), ("password", PASSWORD)]).expect(409);
    assert!(page.text.contains("id=\"email-problem\">Email is taken."), "{}", page.text);
}

#[test]
fn a_weak_password_and_a_missing_name_are_reported_at_their_fields() {
    let server = Server::start();
    let browser = Browser::new(&server);
    let page = register(&browser, &[("username", "ada"), ("password", "password1")]).expect(422);
    assert!(page.text.contains("id=\"password-problem\">Password is too easy to guess"), "{}", page.text);
    assert!(!page.text.contains("password1"));
    let page = register(&browser, &[("username", ""), ("email", "no address"), ("password", "short")]).expect(422);
    assert!(page.text.contains("id=\"email-problem\">Email must be an email address"), "{}", page.text);
    assert!(page.text.contains("id=\"password-problem\">Password must have at least 8 characters."), "{}", page.text);
    let page = register(&browser, &[("password", PASSWORD)]).expect(422);
    assert!(page.text.contains("id=\"username-problem\">Username is required, or an email."), "{}", page.text);
}

#[test]
fn after_too_many_accounts_from_one_address_the_page_says_how_long_to_wait() {
    let server = Server::with(vec![("register_rate_per_ip", json!("1/1h"))]);
    register(&Browser::new(&server), &[("username", "ada"), ("password", PASSWORD)]).expect(303);
    let page = register(&Browser::new(&server), &[("username", "bob"), ("password", PASSWORD)]).expect(429);
    assert_eq!(page.header("retry-after"), Some("3600"));
    assert_eq!(error_of(&page).as_deref(), Some("Too many attempts. Try again in 60 minutes."));
}

#[test]
fn an_account_is_created_even_if_its_login_is_refused() {
    let server = Server::with(vec![("login_rate_per_ip", json!("1/1m"))]);
    Browser::new(&server).sign_in("nobody", PASSWORD).expect(401);
    let browser = Browser::new(&server);
    let made = register(&browser, &[("username", "ada"), ("password", PASSWORD)]).expect(303);
    assert_eq!(made.header("location"), Some("/login?next=%2Faccount&notice=registered"));
    assert!(browser.follow(made).text.contains("Your account is ready."));
    server.advance(60);
    assert_eq!(browser.sign_in("ada", PASSWORD).status, 303);
}

#[test]
fn if_registration_is_closed_there_is_no_form_and_a_posted_form_is_refused() {
    let server = Server::with(vec![("registration", json!("closed"))]);
    let browser = Browser::new(&server);
    assert!(!browser.get("/login").expect(200).text.contains("/register"));
    let page = browser.get("/register").expect(403);
    assert!(page.text.contains("Only the operator of this server creates accounts."));
    browser.post("/register", &[("username", "ada"), ("password", PASSWORD)]).expect(403);
    assert_eq!(server.count_users(), 0);
}

#[test]
fn the_form_has_the_fields_that_username_field_allows() {
    for (field, username, email) in [("username", true, false), ("email", false, true), ("either", true, true)] {
        let server = Server::with(vec![("username_field", json!(field))]);
        let page = Browser::new(&server).get("/register").expect(200);
        assert_eq!((page.text.contains("id=\"username\""), page.text.contains("id=\"email\"")), (username, email));
        assert!(page.text.contains("autocomplete=\"username\"") && page.text.contains("autocomplete=\"new-password\""));
    }
}
