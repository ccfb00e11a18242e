//! The page `continue`, to which a person is redirected after the access cookie has expired. No session may be lost there.

use std::thread;

use serde_json::json;

use crate::support::{
    PASSWORD, Server, Settings,
    browser::{Browser, ORIGIN, attribute},
};

/// A time in seconds after which the access token has expired.
const AWAY: i64 = 3_600;

/// Returns a browser with a session that is bound to its device, as after a login by the script of the page.
fn bound(server: &Server) -> Browser<'_> {
    let fingerprint = json!({"os": "Linux", "browser": "Chrome", "fonts": "a", "canvasPrint": "b", "cpu": "c",
        "hardwareConcurrency": 8, "deviceMemory": 8, "gpu": "d", "plugins": "e", "timezone": "UTC"});
    let browser = Browser::new(server);
    let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie", "fingerprint": fingerprint});
    browser.keep(server.call("POST", "/auth/login").json(body).send().expect(200));
    browser
}

/// Starts a server with the user `ada`.
fn server_with(settings: Settings) -> Server {
    let server = Server::with(settings);
    server.user("ada");
    server
}

/// Returns the highest generation of all sessions.
fn generation(server: &Server) -> i64 {
    server.highest_generation()
}

#[test]
fn an_unbound_session_continues_with_new_cookies() {
    let server = server_with(vec![]);
    let browser = Browser::signed_in(&server, "ada");
    let (access, refresh) = (browser.cookie("access_token"), browser.cookie("refresh_token"));
    server.advance(AWAY);
    let away = browser.get("/account?notice=again").expect(303);
    assert_eq!(away.header("location"), Some("/auth/continue?next=%2Faccount%3Fnotice%3Dagain"));
    let on = browser.get("/auth/continue?next=%2Faccount%3Fnotice%3Dagain").expect(303);
    assert_eq!(on.header("location"), Some("/account?notice=again"));
    assert_ne!((browser.cookie("access_token"), browser.cookie("refresh_token")), (access, refresh));
    assert_eq!(browser.get("/account").status, 200);
    assert_eq!(generation(&server), 2);
}

#[test]
fn a_person_who_is_still_signed_in_is_redirected_at_once() {
    let server = server_with(vec![]);
    let browser = Browser::signed_in(&server, "ada");
    let on = browser.get("/auth/continue?next=/privacy").expect(303);
    assert_eq!(on.header("location"), Some("/privacy"));
    assert_eq!(generation(&server), 1, "nothing rotates");
}

#[test]
fn a_person_who_is_not_signed_in_is_sent_to_the_form() {
    let server = server_with(vec![]);
    let browser = Browser::new(&server);
    let on = browser.get("/auth/continue?next=/privacy").expect(303);
    assert_eq!(on.header("location"), Some("/login?next=%2Fprivacy"));
    assert!(browser.follow(on).expect(200).text.contains("name=\"next\" value=\"/privacy\""));
}

#[test]
fn next_is_checked_here_too() {
    let server = server_with(vec![]);
    let browser = Browser::signed_in(&server, "ada");
    for next in ["//evil.example", "https://evil.example/", "/%5Cevil.example", "javascript:1", ""] {
        let on = browser.get(&format!("/auth/continue?next={next}")).expect(303);
        assert_eq!(on.header("location"), Some("/account"), "{next}");
    }
    let out = Browser::new(&server).get("/auth/continue?next=https://evil.example/").expect(303);
    assert_eq!(out.header("location"), Some("/login?next=%2Faccount"));
}

#[test]
fn a_bound_session_gets_the_page_and_is_not_changed() {
    for policy in ["log", "enforce", "require"] {
        let server = server_with(vec![("fingerprint_policy", json!(policy))]);
        let browser = bound(&server);
        server.advance(AWAY);
        for _ in 0..5 {
            let page = browser.open("/account").expect(200);
            let main = page.text.split("<main ").nth(1).expect("a main part");
            assert_eq!(attribute(main, "id").as_deref(), Some("continue"), "{policy}");
            assert_eq!(attribute(main, "data-next").as_deref(), Some("/account"));
            assert!(page.text.contains("<noscript>") && page.text.contains("href=\"/login?next=%2Faccount\""));
        }
        // No mismatch was counted, nothing was rotated, and the device can still send its fingerprint.
        assert_eq!(server.sum_of_mismatches(), 0);
        assert_eq!(generation(&server), 1);
        assert_eq!(server.count_live_sessions(), 1);
    }
}

#[test]
fn with_the_policy_off_a_bound_session_continues() {
    let server = server_with(vec![]);
    let browser = bound(&server);
    let cookie = |name: &str| format!("{name}={}", browser.cookie(name).expect("one"));
    let cookies = ["access_token", "refresh_token", "csrf_token"].map(cookie).join("; ");
    let server = server.restart_with(vec![("fingerprint_policy", json!("off"))]);
    server.advance(AWAY);
    let on = server.call("GET", "/auth/continue?next=/account").header("Cookie", &cookies).send().expect(303);
    assert_eq!(on.header("location"), Some("/account"));
}

#[test]
fn an_ended_session_leads_to_the_form_and_removes_no_cookie() {
    let server = server_with(vec![]);
    let ended = Browser::signed_in(&server, "ada");
    server.revoke_rows_of_sessions();
    let expired = Browser::signed_in(&server, "ada");
    for (browser, away) in [(&ended, AWAY), (&expired, 8 * 24 * 3_600)] {
        server.advance(away);
        let on = browser.get("/auth/continue?next=/account").expect(303);
        assert_eq!(on.header("location"), Some("/login?next=%2Faccount"));
        let set: Vec<&str> =
            on.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, line)| line.as_str()).collect();
        // The reason is for the sign-in page. The cookies of the session stay: another tab's may be newer.
        assert!(set.iter().all(|line| line.starts_with("vestibule_ended=")), "{set:?}");
    }
    let forged = Browser::new(&server);
    forged.set_cookie("refresh_token", "forged");
    forged.set_cookie("access_token", "forged");
    assert!(forged.open("/account").expect(200).text.contains("id=\"login\""));
}

#[test]
fn eight_tabs_at_once_stay_signed_in() {
    let server = server_with(vec![]);
    let browser = Browser::signed_in(&server, "ada");
    server.advance(AWAY);
    let tabs: Vec<Browser<'_>> = (0..8).map(|_| browser.copied()).collect();
    thread::scope(|scope| {
        let racing: Vec<_> = tabs
            .iter()
            .map(|_| browser.call("GET", "/auth/continue?next=/account"))
            .map(|call| scope.spawn(|| call.send()))
            .collect();
        for (tab, answer) in tabs.iter().zip(racing) {
            let answer = tab.keep(answer.join().expect("it answers").expect(303));
            assert_eq!(answer.header("location"), Some("/account"));
        }
    });
    assert_eq!(generation(&server), 2, "one rotation for all of them");
    let first = tabs[0].cookie("refresh_token");
    assert!(tabs.iter().all(|tab| tab.cookie("refresh_token") == first && tab.get("/account").status == 200));
}

#[test]
fn a_form_that_is_sent_too_late_must_be_sent_again() {
    let server = server_with(vec![]);
    let browser = Browser::signed_in(&server, "ada");
    let change = browser.account_form("/account/password");
    server.advance(AWAY);
    let fields = [("current_password", PASSWORD), ("new_password", "seven slow ferries north")];
    let late = browser.submit(&change, &fields).expect(303);
    let page = browser.follow(late).expect(200);
    assert!(
        page.text.contains("Please send the form again.") && page.text.contains("id=\"sign-out\""),
        "{}",
        page.text
    );
    // The same form works now: its CSRF token belongs to the session, and the browser has a new access cookie.
    browser.submit(&change, &fields).expect(303);
    Browser::new(&server).sign_in("ada", "seven slow ferries north").expect(303);
}

#[test]
fn a_head_request_or_a_prefetch_causes_no_rotation() {
    let server = server_with(vec![]);
    let browser = Browser::signed_in(&server, "ada");
    server.advance(AWAY);
    let path = "/auth/continue?next=/account";
    let looks = [
        browser.call("HEAD", path),
        browser.call("GET", path).header("Sec-Purpose", "prefetch"),
        browser.call("GET", path).header("Sec-Purpose", "prefetch;prerender"),
        browser.call("GET", path).header("Purpose", "prefetch"),
        browser.call("GET", path).header("Sec-Fetch-Mode", "no-cors"),
    ];
    for look in looks {
        let answer = look.send().expect(425);
        assert_eq!(answer.header("set-cookie"), None);
    }
    assert_eq!(generation(&server), 1);
    let visit = browser.call("GET", path).header("Sec-Fetch-Mode", "navigate").send().expect(303);
    assert_eq!(visit.header("location"), Some("/account"));
}

#[test]
fn a_redirect_loop_ends_with_an_explanation() {
    let server = server_with(vec![("allowed_redirect_hosts", json!(["app.example.com"]))]);
    let browser = Browser::signed_in(&server, "ada");
    let path = "/auth/continue?next=https://app.example.com/";
    for _ in 0..5 {
        assert_eq!(browser.get(path).expect(303).header("location"), Some("https://app.example.com/"));
    }
    let told = browser.get(path).expect(409);
    assert!(told.text.contains("cookie_domain") && told.text.contains("href=\"/account\""), "{}", told.text);
    // Another target is not counted as the same loop. Without the cookie the count begins again.
    browser.get("/auth/continue?next=/privacy").expect(303);
    browser.forget_cookie("vestibule_hops");
    browser.get(path).expect(303);
}

#[test]
fn a_browser_that_drops_the_access_cookie_leaves_the_loop() {
    let server = server_with(vec![]);
    let browser = Browser::signed_in(&server, "ada");
    server.advance(AWAY);
    for _ in 0..20 {
        let answer = browser.get("/auth/continue?next=/account");
        browser.forget_cookie("access_token");
        if answer.status == 409 {
            return;
        }
        answer.expect(303);
    }
    panic!("it goes round for ever");
}

#[test]
fn a_refresh_over_the_rate_limit_is_an_error_page() {
    let server = server_with(vec![("refresh_rate_per_session", json!("1/1h"))]);
    let browser = Browser::signed_in(&server, "ada");
    server.advance(AWAY);
    assert!(browser.is_signed_in());
    server.advance(901);
    let page = browser.open("/account").expect(429);
    assert!(page.text.contains("Too many attempts. Try again in") && page.header("retry-after").is_some());
    let json = browser.call("GET", "/auth/continue").header("Origin", ORIGIN).send();
    assert_eq!(json.status, 429);
}
