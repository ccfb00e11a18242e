//! Tests that no foreign page can send a form of this server, and that no form is accepted with the token of another session.

use serde_json::json;

use crate::support::{
    PASSWORD, Server,
    browser::{Browser, ORIGIN, PageForm, error_of, form},
};

/// The paths of the forms on the account page.
const FORMS: [&str; 7] = [
    "/account/sign-out",
    "/account/sessions/revoke-others",
    "/account/sessions/00000000-0000-0000-0000-000000000000/revoke",
    "/account/names",
    "/account/password",
    "/account/delete",
    "/account/sign-out?x=1",
];

/// Returns the fields of all forms together, so that a form can be refused only because of its token.
fn all_fields(token: Option<&str>) -> Vec<(&str, &str)> {
    let mut fields = vec![
        ("current_password", PASSWORD),
        ("new_password", "seven slow ferries north"),
        ("password", PASSWORD),
        ("names_password", PASSWORD),
    ];
    fields.push(("confirm", "yes"));
    fields.extend(token.map(|token| ("csrf_token", token)));
    fields
}

/// Returns the CSRF token in a form.
fn token_of(form: &PageForm) -> String {
    form.fields.iter().find(|(name, _)| name == "csrf_token").map(|(_, value)| value.clone()).expect("a token")
}

#[test]
fn a_form_of_the_account_needs_the_token_of_its_session() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let (browser, elsewhere, bob) =
        (Browser::signed_in(&server, "ada"), Browser::signed_in(&server, "ada"), Browser::signed_in(&server, "bob"));
    let own = token_of(&browser.account_form("/account/sign-out"));
    let of_other = token_of(&elsewhere.account_form("/account/sign-out"));
    let of_bob = token_of(&bob.account_form("/account/sign-out"));
    let of_login = token_of(&form(&Browser::new(&server).get("/login"), "/login"));
    let longer = format!("{own}x");
    for path in FORMS {
        for token in [None, Some(""), Some("x"), Some(&*of_other), Some(&*of_bob), Some(&*of_login), Some(&*longer)] {
            let page = browser.post(path, &all_fields(token)).expect(403);
            assert!(page.text.contains("Nothing was changed."), "{path} {token:?}");
        }
        // A form must contain the token as a field. The token in the header is for the API only.
        let call = browser.posting(path, &all_fields(None)).header("Origin", ORIGIN).header("X-CSRF-Token", &own);
        call.send().expect(403);
    }
    assert!(browser.is_signed_in() && elsewhere.is_signed_in());
    assert_eq!(server.count_users(), 2);
}

#[test]
fn a_form_from_a_foreign_page_is_refused_even_with_the_token() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let token = token_of(&browser.account_form("/account/sign-out"));
    for path in FORMS {
        for (name, value) in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")]
        {
            let call = browser.posting(path, &all_fields(Some(&token))).header(name, value);
            call.send().expect(403);
        }
    }
    assert!(browser.is_signed_in());
}

#[test]
fn an_origin_that_is_the_host_of_the_request_is_accepted_too() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let token = token_of(&browser.account_form("/account/sign-out"));
    let call = browser.posting("/account/sign-out", &[("csrf_token", &token)]);
    let call = call.header("Host", "auth.lan:8000").header("Origin", "http://auth.lan:8000");
    assert_eq!(call.send().expect(303).header("location"), Some("/login?notice=signed_out"));
}

#[test]
fn the_forms_before_a_session_need_the_cookie_that_their_page_has_set() {
    let server = Server::start();
    server.user("ada");
    for (path, name) in [("/login", "ada"), ("/register", "eve")] {
        let (browser, stranger) = (Browser::new(&server), Browser::new(&server));
        let own = token_of(&form(&browser.get(path), path));
        let of_stranger = token_of(&form(&stranger.get(path), path));
        let fields = |token| vec![("username", name), ("password", PASSWORD), ("csrf_token", token)];
        for token in ["", "x", &of_stranger] {
            let page = browser.post(path, &fields(token)).expect(403);
            assert!(error_of(&page).is_some_and(|error| error.contains("Please try again.")), "{}", page.text);
            assert!(!page.text.contains(&format!("value=\"{name}\"")), "what a foreign page typed is not shown");
        }
        for (header, value) in
            [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")]
        {
            browser.posting(path, &fields(&own)).header(header, value).send().expect(403);
        }
        let kept = browser.cookie("vestibule_form").expect("the page set it");
        browser.forget_cookie("vestibule_form");
        let page = browser.post(path, &fields(&own)).expect(403);
        // The page that reports the error has a valid token, so the next attempt works.
        let again = form(&page, path);
        assert_ne!(browser.cookie("vestibule_form").as_ref(), Some(&kept));
        browser.submit(&again, &[("username", name), ("password", PASSWORD)]).expect(303);
    }
}

#[test]
fn several_tabs_share_one_cookie() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::new(&server);
    let first = browser.get("/login");
    let second = browser.get("/login").expect(200);
    assert_eq!(second.set_cookie("vestibule_form"), None, "kept as it is");
    let fields = [("username", "ada"), ("password", PASSWORD)];
    browser.submit(&form(&first, "/login"), &fields).expect(303);
    browser.submit(&form(&second, "/login"), &fields).expect(303);
}

#[test]
fn the_form_cookie_is_for_this_host_only_and_http_only() {
    let plain = Server::start();
    let line = plain.call("GET", "/login").send();
    let line = line.set_cookie("vestibule_form").expect("it is set");
    assert!(line.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{line}");
    let secure = plain.restart_with(vec![
        ("cookie_secure", json!(true)),
        ("cookie_domain", json!("example.com")),
        ("public_url", json!("https://auth.example.com")),
    ]);
    let line = secure.call("GET", "/login").send();
    let line = line.set_cookie("__Host-vestibule_form").expect("it is set");
    assert!(line.contains("; Secure") && !line.contains("Domain"), "{line}");
    let malformed = secure.call("GET", "/login").header("Cookie", "__Host-vestibule_form=x").send();
    assert!(malformed.set_cookie("__Host-vestibule_form").is_some(), "what is none of ours is replaced");
}

#[test]
fn a_field_method_in_a_form_has_no_effect() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    let token = token_of(&browser.account_form("/account/sign-out"));
    for method in ["DELETE", "PUT", "post"] {
        let body = format!("_method={method}&csrf_token=wrong");
        let call = browser.call("POST", "/account/sign-out").header("Origin", ORIGIN);
        call.body("application/x-www-form-urlencoded", body).send().expect(403);
    }
    let body = format!("_method=DELETE&csrf_token={token}");
    let call = browser.call("POST", "/account/sign-out").header("Origin", ORIGIN);
    call.body("application/x-www-form-urlencoded", body).send().expect(303);
}
