//! When cookies are cleared: at every kind of logout, and when the account is deleted. A refused refresh does not clear them.

use serde_json::json;

use crate::support::{
    Answer, Call, PASSWORD, Server,
    cookies::{Browser, set_cookies},
};

#[test]
fn a_refused_refresh_changes_no_cookie() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let next = Browser::from(&server, &browser.refresh().expect(200));
    let refused = |answer: Answer, status: u16, code: &str| {
        let answer = answer.expect_error(status, code);
        assert_eq!(set_cookies(&answer), Vec::<&str>::new(), "{code}");
    };
    refused(next.blind("POST", "/auth/refresh").send(), 403, "csrf_failed");
    refused(server.call("POST", "/auth/refresh").send(), 401, "missing_token");
    refused(Browser { refresh: "a.b.c".to_owned(), ..next.clone() }.refresh(), 401, "invalid_token");
    refused(Browser { refresh: next.access.clone(), ..next.clone() }.refresh(), 401, "wrong_token_type");
    refused(next.call("POST", "/auth/refresh").body("text/plain", "x").send(), 415, "unsupported_media_type");
    server.advance(31);
    refused(browser.refresh(), 401, "refresh_reused");
    refused(next.refresh(), 401, "token_revoked");
    let again = Browser::login(&server, "ada");
    server.advance(7 * 24 * 3600);
    refused(again.refresh(), 401, "token_expired");
}

#[test]
fn every_kind_of_logout_clears_the_cookies() {
    let server = Server::start();
    let ada = server.user("ada");
    let names = ["access_token", "refresh_token", "csrf_token"];
    let cleared = |answer: Answer| {
        let answer = answer.expect(200);
        assert!(names.iter().all(|name| answer.cookie(name) == Some("")), "{:?}", answer.headers);
        assert_eq!(answer.set_cookie("device_id"), None);
    };
    let browser = Browser::login(&server, "ada");
    cleared(browser.call("POST", "/auth/logout").send());
    assert!(!browser.is_signed_in());
    cleared(browser.call("POST", "/auth/logout").send());
    // The refresh cookie or the access cookie is enough for a logout, and the tokens may have expired.
    let browser = Browser::login(&server, "ada");
    cleared(Browser { access: String::new(), ..browser.clone() }.call("POST", "/auth/logout").send());
    assert!(!browser.is_signed_in());
    let browser = Browser::login(&server, "ada");
    cleared(Browser { refresh: String::new(), ..browser.clone() }.call("POST", "/auth/logout").send());
    assert!(!browser.is_signed_in());
    let browser = Browser::login(&server, "ada");
    server.advance(7 * 24 * 3600);
    cleared(browser.call("POST", "/auth/logout").send());
    // A logout without a valid token is refused and clears the cookies too. Otherwise a page could not get rid of them.
    for cookie in ["a=b", "refresh_token=a.b.c", "access_token=a.b.c; refresh_token="] {
        let answer = server.call("POST", "/auth/logout").header("Cookie", cookie).send().expect(401);
        assert!(names.iter().all(|name| answer.cookie(name) == Some("")), "{cookie}");
    }
    // The access token may be in the header, or the refresh token in the body.
    cleared(ada.login().post("/auth/logout", json!({})));
    cleared(server.post("/auth/logout", json!({"refresh_token": ada.login().refresh})));
    let browser = Browser::login(&server, "ada");
    cleared(browser.call("POST", "/auth/logout_all").send());
    assert!(!browser.is_signed_in());
}

#[test]
fn a_logout_clears_the_cookies_of_a_session_whose_row_is_deleted() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let (browser, other, bob) =
        (Browser::login(&server, "ada"), Browser::login(&server, "ada"), Browser::login(&server, "bob"));
    other.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    server.delete_sessions();
    for gone in [browser, bob] {
        let answer = gone.call("POST", "/auth/logout").send().expect(200);
        assert!(["access_token", "refresh_token", "csrf_token"].iter().all(|name| answer.cookie(name) == Some("")));
    }
}

#[test]
fn a_foreign_page_can_not_sign_anybody_out() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let by_form = |call: Call<'_>| {
        call.body("application/x-www-form-urlencoded", "").header("Origin", "https://evil.example").send()
    };
    let answers = [
        browser.blind("POST", "/auth/logout").send().expect_error(403, "csrf_failed"),
        by_form(browser.blind("POST", "/auth/logout")).expect_error(403, "csrf_failed"),
        // With a foreign form a browser sends no cookie that is `SameSite=Lax`, so the request has no token.
        by_form(server.call("POST", "/auth/logout")).expect_error(401, "missing_token"),
        by_form(server.call("POST", "/auth/logout").header("Cookie", "access_token=a.b.c"))
            .expect_error(403, "csrf_failed"),
    ];
    for answer in answers {
        assert_eq!(set_cookies(&answer), Vec::<&str>::new());
    }
    assert!(browser.is_signed_in());
}

#[test]
fn deleting_the_account_clears_the_cookies_of_the_session() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let answer = browser.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    assert!(["access_token", "refresh_token", "csrf_token"].iter().all(|name| answer.cookie(name) == Some("")));
}

#[test]
fn deleting_the_account_clears_the_device_cookie_too() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let answer = browser.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    assert_eq!(answer.cookie("device_id"), Some(""));
}
