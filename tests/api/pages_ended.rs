//! Why a browser was signed out: the sign-in page says it once, and only to a browser with the tokens of the session.

use serde_json::json;

use crate::support::{PASSWORD, Server, browser::Browser};

const NOTE: &str = "class=\"message info\"";

/// Returns the sentence on the page to which `/account` leads; `None` if it says nothing.
#[track_caller]
fn told(browser: &Browser<'_>) -> Option<String> {
    let page = browser.open("/account").expect(200);
    assert!(page.text.contains("id=\"login\""), "{}", page.text);
    let note = page.text.split(NOTE).nth(1)?;
    Some(note.split('>').nth(1)?.split('<').next()?.to_owned())
}

#[test]
fn the_reason_is_told_once() {
    let server = Server::with(vec![("max_devices_per_user", json!(1))]);
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    Browser::signed_in(&server, "ada");
    assert!(told(&browser).is_some_and(|why| why.contains("more devices than this server allows")));
    assert_eq!(browser.cookie("vestibule_ended"), None);
    assert!(!browser.get("/login").text.contains(NOTE), "said once");
}

#[test]
fn each_end_has_its_reason() {
    let server = Server::start();
    let ada = server.user("ada");
    let (browser, other) = (Browser::signed_in(&server, "ada"), Browser::signed_in(&server, "ada"));
    let form = other.account_form("/account/password");
    let new = "seven slow ferries north";
    other.submit(&form, &[("current_password", PASSWORD), ("new_password", new)]).expect(303);
    assert!(told(&browser).is_some_and(|why| why.contains("the password of your account was changed")));

    browser.sign_in("ada", new).expect(303);
    other.submit(&other.account_form("/account/sessions/revoke-others"), &[]).expect(303);
    assert!(told(&browser).is_some_and(|why| why.contains("another device, or the operator")));

    browser.sign_in("ada", new).expect(303);
    ada.disable();
    assert!(told(&browser).is_some_and(|why| why.contains("your account was disabled")));
}

#[test]
fn nothing_is_told_without_the_cookies_of_the_session() {
    let server = Server::with(vec![("max_devices_per_user", json!(1))]);
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    Browser::signed_in(&server, "ada");
    let (without_csrf, without_tokens) = (browser.copied(), browser.copied());
    without_csrf.set_cookie("csrf_token", "another");
    assert_eq!(told(&without_csrf), None);
    without_tokens.forget_cookie("access_token");
    without_tokens.forget_cookie("refresh_token");
    assert_eq!(told(&without_tokens), None);
    assert_eq!(told(&Browser::new(&server)), None);
    // A link says nothing, whatever it contains.
    for path in ["/login?ended=disabled", "/login?reason=disabled", "/login?notice=disabled", "/login?notice=evicted"] {
        assert!(!Browser::new(&server).get(path).text.contains(NOTE), "{path}");
    }
    // An unknown text in the cookie is not displayed.
    let odd = Browser::new(&server);
    odd.set_cookie("vestibule_ended", "title");
    assert!(!odd.get("/login").text.contains(NOTE));
}

#[test]
fn a_live_session_is_continued_and_says_nothing() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    server.advance(3_600);
    assert!(browser.is_signed_in());
    assert_eq!(browser.cookie("vestibule_ended"), None);
}

#[test]
fn after_a_refused_check_a_bound_session_is_not_checked_again() {
    let server = Server::start();
    server.user("ada");
    let fingerprint = json!({"os": "Linux", "browser": "Chrome", "fonts": "a", "canvasPrint": "b", "cpu": "c",
        "hardwareConcurrency": 8, "deviceMemory": 8, "gpu": "d", "plugins": "e", "timezone": "UTC"});
    let browser = Browser::new(&server);
    let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie", "fingerprint": fingerprint});
    browser.keep(server.call("POST", "/auth/login").json(body).send().expect(200));
    server.advance(3_600);
    assert!(browser.get("/auth/continue?next=/account").expect(200).text.contains("id=\"continue\""));
    let on = browser.get("/auth/continue?checked=1&next=/account").expect(303);
    assert_eq!(on.header("location"), Some("/login?next=%2Faccount"));
    assert_eq!(browser.cookie("vestibule_ended"), None, "the session is live");
}
