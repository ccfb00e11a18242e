//! No other spelling of a protected name is read as the cookie of that name.

use serde_json::json;

use super::{SECURE_ORIGIN, secure, sign_in, with_cookies};
use crate::support::{PASSWORD, Server, browser::form, cookies::set_cookies};

/// Returns spellings of `name` that are other names to a browser, so that a sibling host of the domain can set cookies with
/// them. Chromium accepted cookies with the first kinds of spellings: percent-encoded characters and Unicode blanks.
fn spellings(name: &str) -> Vec<String> {
    let hex = |at: usize| {
        let (before, rest) = name.split_at(at);
        format!("{before}%{:02x}{}", rest.as_bytes()[0], &rest[1..])
    };
    let mut all =
        vec![name.replace("__", "%5f%5f"), name.replace("__", "%5F_"), name.replace("-", "%2D"), hex(name.len() - 1)];
    all.extend((0..name.len()).map(hex));
    for blank in ["\u{2000}", "\u{a0}", "\u{85}", "\u{3000}", "\u{2028}", "\u{202f}", "\u{1680}"] {
        all.extend([format!("{blank}{name}"), format!("{name}{blank}"), format!("{blank} {name} {blank}")]);
    }
    all.extend([
        name.to_lowercase(),
        name.to_uppercase(),
        format!("\"{name}\""),
        format!("{name}%20"),
        format!("%00{name}"),
    ]);
    all.retain(|spelling| spelling != name);
    all
}

#[test]
fn no_spelling_of_a_name_is_the_access_cookie() {
    let server = Server::with(secure());
    server.user("ada");
    let jar = sign_in(&server, "ada");
    let own = format!("__Host-access_token={}", jar.access);
    with_cookies(&server, "GET", "/users/me", &own, &[]).expect(200);
    with_cookies(&server, "GET", "/users/me", &format!(" \t{} \t;", own.replace('=', " = ")), &[]).expect(200);
    for name in spellings("__Host-access_token") {
        let cookies = format!("{name}={}", jar.access);
        with_cookies(&server, "GET", "/users/me", &cookies, &[]).expect_error(401, "missing_token");
        // The other name does not hide the cookie of this server, before or after it, and does not replace it.
        for both in [format!("{own}; {name}=x"), format!("{name}=x; {own}")] {
            with_cookies(&server, "GET", "/users/me", &both, &[]).expect(200);
        }
        for path in ["/auth/verify", "/account"] {
            let answer = with_cookies(&server, "GET", path, &cookies, &[("Accept", "text/html")]);
            assert_ne!(answer.status, 200, "{name} at {path}");
        }
    }
}

#[test]
fn no_spelling_of_a_name_is_the_refresh_cookie() {
    let server = Server::with(secure());
    server.user("ada");
    let jar = sign_in(&server, "ada");
    let csrf = [("X-CSRF-Token", &*jar.csrf), ("Origin", SECURE_ORIGIN)];
    for name in spellings("__Secure-refresh_token") {
        let cookies = format!("{name}={}; __Host-csrf_token={}", jar.refresh, jar.csrf);
        with_cookies(&server, "POST", "/auth/refresh", &cookies, &csrf).expect_error(401, "missing_token");
        with_cookies(&server, "POST", "/auth/logout", &cookies, &csrf).expect_error(401, "missing_token");
        let answer = with_cookies(&server, "GET", "/auth/continue?next=/account", &cookies, &[]).expect(303);
        assert_eq!(answer.header("location"), Some("/login?next=%2Faccount"), "{name}");
        assert_eq!(set_cookies(&answer), Vec::<&str>::new(), "{name}");
    }
    let own = format!("__Secure-refresh_token={}", jar.refresh);
    with_cookies(&server, "POST", "/auth/refresh", &own, &csrf).expect(200);
}

#[test]
fn no_spelling_of_a_name_is_the_csrf_cookie() {
    // `continue` accepts a refresh cookie only with the CSRF cookie of its session. Otherwise a sibling host could sign a
    // visitor in as another user.
    let server = Server::with(secure());
    server.user("ada");
    server.user("eve");
    let (ada, eve) = (sign_in(&server, "ada"), sign_in(&server, "eve"));
    for csrf in spellings("__Host-csrf_token") {
        for access in ["%5f%5fHost-access_token", "\u{2000}__Host-access_token", "__Host-access_token\u{a0}"] {
            // The whole attack: the victim's cookies, and the cookies that the sibling host set for the attacker's session.
            for victim in [String::new(), format!("__Host-access_token=over; __Host-csrf_token={}; ", ada.csrf)] {
                let planted = format!("{access}=x; {csrf}={}; __Secure-refresh_token={}", eve.csrf, eve.refresh);
                for cookies in [format!("{victim}{planted}"), format!("{planted}; {victim}")] {
                    let answer = with_cookies(&server, "GET", "/auth/continue?next=/account", &cookies, &[]);
                    assert_eq!(set_cookies(&answer), Vec::<&str>::new(), "{csrf}");
                }
            }
        }
    }
    assert_eq!(server.highest_generation(), 1, "nothing rotated");
    // With both refresh cookies, the victim's own CSRF cookie decides: the victim's session continues.
    let own = format!("__Host-csrf_token={}; __Secure-refresh_token={}", ada.csrf, ada.refresh);
    for cookies in [
        format!("{own}; __Secure-refresh_token={}", eve.refresh),
        format!("__Secure-refresh_token={}; {own}; %5f%5fHost-csrf_token={}", eve.refresh, eve.csrf),
    ] {
        let answer = with_cookies(&server, "GET", "/auth/continue?next=/account", &cookies, &[]).expect(303);
        assert_eq!(answer.header("location"), Some("/account"));
        let access = answer.cookie("__Host-access_token").expect("a cookie");
        assert_eq!(crate::support::claims(access)["sid"], ada.session);
    }
}

#[test]
fn no_spelling_of_a_name_is_the_cookie_of_the_forms() {
    let server = Server::with(secure());
    server.user("ada");
    let page = server.call("GET", "/login").header("Accept", "text/html").send().expect(200);
    let secret = page.cookie("__Host-vestibule_form").expect("a cookie").to_owned();
    let fields = form(&page, "/login").fields;
    let token = &fields.iter().find(|(name, _)| name == "csrf_token").expect("the token").1;
    let typed = format!("username=ada&password=not+the+one+at+all&csrf_token={token}");
    let post = |cookies: &str| {
        let call = server.call("POST", "/login").header("Cookie", cookies).header("Origin", SECURE_ORIGIN);
        call.header("Accept", "text/html").body("application/x-www-form-urlencoded", typed.clone()).send().status
    };
    assert_eq!(post(&format!("__Host-vestibule_form={secret}")), 401, "the form is read, the password is wrong");
    for name in spellings("__Host-vestibule_form") {
        assert_eq!(post(&format!("{name}={secret}")), 403, "{name}");
    }
    // A protected name that occurs twice counts as absent.
    assert_eq!(post(&format!("__Host-vestibule_form={secret}; __Host-vestibule_form={secret}")), 403);
}

#[test]
fn no_spelling_of_a_name_is_the_cookie_that_counts_redirects() {
    let server = Server::with(secure());
    server.user("ada");
    let jar = sign_in(&server, "ada");
    let own = format!("__Host-access_token={}", jar.access);
    let go_on =
        |hops: &str| with_cookies(&server, "GET", "/auth/continue?next=/account", &format!("{own}; {hops}"), &[]);
    let first = go_on("").expect(303);
    let written = first.cookie("__Host-vestibule_hops").expect("a cookie");
    let target = written.rsplit_once('.').expect("a target and a count").0;
    assert_eq!(go_on(&format!("__Host-vestibule_hops={target}.5")).status, 409, "it came back too often");
    for name in spellings("__Host-vestibule_hops") {
        assert_eq!(go_on(&format!("{name}={target}.5")).status, 303, "{name}");
    }
}

#[test]
fn no_spelling_of_a_name_is_the_cookie_of_the_device() {
    let server = Server::with(secure());
    server.user("ada");
    let jar = sign_in(&server, "ada");
    let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
    let login = |cookies: &str| {
        let call = server.call("POST", "/auth/login").header("Cookie", cookies).header("Origin", SECURE_ORIGIN);
        call.json(body.clone()).send().expect(200).text_at("device_id").to_owned()
    };
    assert_eq!(login(&format!("__Host-device_id={}", jar.device)), jar.device);
    for name in spellings("__Host-device_id") {
        assert_ne!(login(&format!("{name}={}", jar.device)), jar.device, "{name}");
    }
}
