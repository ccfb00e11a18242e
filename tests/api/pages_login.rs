//! The page `/login` without script: signing in, the messages about failures, and the redirect afterwards.

use serde_json::json;

use crate::support::{
    PASSWORD, Server,
    browser::{Browser, ORIGIN, attribute, error_of, form},
};

#[test]
fn the_start_page_leads_to_the_form_or_to_the_account() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::new(&server);
    assert_eq!(browser.get("/").expect(303).header("location"), Some("/login"));
    browser.sign_in("ada", PASSWORD).expect(303);
    assert_eq!(browser.get("/").expect(303).header("location"), Some("/account"));
    assert!(browser.open("/").expect(200).text.contains("<strong><bdi>ada</bdi></strong>"));
}

#[test]
fn a_plain_form_signs_in_and_leads_to_the_account() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::new(&server);
    let signed_in = browser.sign_in("ada", PASSWORD).expect(303);
    assert_eq!(signed_in.header("location"), Some("/account"));
    assert_eq!(signed_in.header("cache-control"), Some("no-store"));
    for name in ["access_token", "refresh_token", "csrf_token", "device_id"] {
        assert!(browser.cookie(name).is_some(), "{name}");
    }
    let account = browser.get("/account").expect(200);
    assert!(account.text.contains("Chrome 156 on Linux"), "{}", account.text);
    assert!(account.text.contains("Not tied to its browser"), "without script nothing binds the session");
    assert_eq!(server.count_bound_sessions(), 0);
}

#[test]
fn an_email_address_can_be_used_instead_of_a_name() {
    let server = Server::start();
    server.user("ada");
    assert_eq!(Browser::new(&server).sign_in("ada@example.com", PASSWORD).status, 303);
}

#[test]
fn a_second_sign_in_replaces_the_session_of_the_device() {
    let server = Server::start();
    let ada = server.user("ada");
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).expect(303);
    browser.forget_cookie("access_token");
    browser.sign_in("ada", PASSWORD).expect(303);
    let sessions = ada.login().get("/auth/active_sessions").expect(200).body;
    assert_eq!(sessions.as_array().map(Vec::len), Some(2), "that one, and the one that looks");
}

#[test]
fn every_wrong_credential_gets_the_same_sentence_and_keeps_the_name() {
    let server = Server::start();
    server.user("ada");
    let bob = server.user("bob");
    bob.disable();
    let mut sentences = Vec::new();
    for (name, password) in [("ada", "wrong wrong wrong"), ("nobody", PASSWORD), ("bob", "wrong wrong wrong")] {
        let page = Browser::new(&server).sign_in(name, password).expect(401);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("www-authenticate"), Some("Bearer realm=\"vestibule\""));
        assert!(page.text.contains(&format!("value=\"{name}\"")), "the name is kept");
        assert!(!page.text.contains(password), "the password is not");
        assert!(page.text.contains("role=\"alert\" tabindex=\"-1\" autofocus>"));
        sentences.push(error_of(&page).expect("an error"));
    }
    sentences.dedup();
    assert_eq!(sentences, ["That name and password don’t match. Check both and try again."]);
}

#[test]
fn a_disabled_account_is_reported_only_after_the_right_password() {
    let server = Server::start();
    server.user("ada").disable();
    let page = Browser::new(&server).sign_in("ada", PASSWORD).expect(403);
    assert!(error_of(&page).is_some_and(|error| error.contains("disabled")));
}

#[test]
fn an_invalid_name_or_password_is_reported_at_its_field() {
    let server = Server::start();
    let page = Browser::new(&server).sign_in("", "").expect(422);
    for (id, message) in [("username", "Username or email is required."), ("password", "Password is required.")] {
        let problem = format!("<p class=\"problem\" id=\"{id}-problem\">{message}</p>");
        assert!(page.text.contains(&problem), "{}", page.text);
        assert!(page.text.contains(&format!("aria-describedby=\"{id}-problem\" aria-invalid=\"true\"")));
    }
}

#[test]
fn after_too_many_attempts_the_page_says_how_long_to_wait() {
    let server = Server::with(vec![("login_rate_per_ip", json!("1/1m"))]);
    server.user("ada");
    let browser = Browser::new(&server);
    browser.sign_in("ada", "wrong wrong wrong").expect(401);
    let page = browser.sign_in("ada", PASSWORD).expect(429);
    assert_eq!(page.header("retry-after"), Some("60"));
    assert_eq!(error_of(&page).as_deref(), Some("Too many attempts. Try again in 60 seconds."));
    server.advance(60);
    assert_eq!(browser.sign_in("ada", PASSWORD).status, 303);
}

#[test]
fn the_device_limit_is_reported_in_a_sentence() {
    let server = Server::with(vec![("max_devices_per_user", json!(1)), ("device_limit_policy", json!("reject"))]);
    server.user("ada").login();
    let page = Browser::new(&server).sign_in("ada", PASSWORD).expect(403);
    assert!(error_of(&page).is_some_and(|error| error.contains("as many devices")));
}

#[test]
fn next_leads_to_this_server_and_allowed_hosts_only() {
    let server = Server::with(vec![("allowed_redirect_hosts", json!(["app.example.com", "*.wild.example"]))]);
    server.user("ada");
    let rows = [
        ("/account?notice=again", "/account?notice=again"),
        ("/privacy#why", "/privacy#why"),
        ("http://auth.test/privacy", "/privacy"),
        ("https://app.example.com/x?y=1", "https://app.example.com/x?y=1"),
        ("https://a.wild.example/", "https://a.wild.example/"),
        ("", "/account"),
        ("//evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("/\t/evil.example", "/account"),
        ("/.//evil.example", "/account"),
        ("\\\\evil.example", "/account"),
        ("https:evil.example", "/account"),
        ("https://evil.example", "/account"),
        ("https://app.example.com@evil.example", "/account"),
        ("https://app.example.com.evil.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("data:text/html,x", "/account"),
        ("/x\r\nSet-Cookie: a=b", "/account"),
    ];
    for (next, target) in rows {
        let encoded: String = next.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/login?next={encoded}");
        // `next` is checked in the page and again when the form is sent, because a client can change the field.
        let browser = Browser::new(&server);
        let sign_in = form(&browser.get(&path).expect(200), "/login");
        let in_page = sign_in.fields.iter().find(|(name, _)| name == "next").map(|(_, value)| value.as_str());
        assert_eq!(in_page, Some(target), "{next:?}");
        let answer = browser.submit(&sign_in, &[("username", "ada"), ("password", PASSWORD), ("next", next)]);
        assert_eq!(answer.expect(303).header("location"), Some(target), "{next:?}");
        // A browser that is signed in already is redirected to the same target.
        assert_eq!(browser.get(&path).expect(303).header("location"), Some(target), "{next:?}");
    }
}

#[test]
fn a_failed_attempt_keeps_next() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::new(&server);
    let sign_in = form(&browser.get("/login?next=/privacy"), "/login");
    let failed = browser.submit(&sign_in, &[("username", "ada"), ("password", "wrong wrong wrong")]).expect(401);
    let again = browser.submit(&form(&failed, "/login"), &[("username", "ada"), ("password", PASSWORD)]);
    assert_eq!(again.expect(303).header("location"), Some("/privacy"));
}

#[test]
fn only_known_notices_are_displayed() {
    let server = Server::start();
    let browser = Browser::new(&server);
    assert!(browser.get("/login?notice=signed_out").text.contains("You are signed out."));
    for code in ["", "nothing", "%3Cscript%3E", "title", "__proto__"] {
        let page = browser.get(&format!("/login?notice={code}")).expect(200);
        assert!(!page.text.contains("class=\"message good\""), "{code}");
    }
}

#[test]
fn the_page_says_to_which_application_the_sign_in_leads() {
    let server = Server::with(vec![("allowed_redirect_hosts", json!(["app.example.com"]))]);
    let browser = Browser::new(&server);
    let onward = |path: &str| browser.get(path).expect(200).text.contains("to continue to <bdi>app.example.com</bdi>");
    assert!(onward("/login?next=https://app.example.com/x") && onward("/register?next=https://app.example.com/"));
    for other in ["/login", "/login?next=/privacy", "/login?next=https://evil.example/"] {
        assert!(!browser.get(other).expect(200).text.contains("class=\"onward\""), "{other}");
    }
}

#[test]
fn an_error_is_in_the_title_and_leads_to_its_field() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::new(&server);
    assert!(browser.get("/login").text.contains("<title>Sign in · auth.test</title>"));
    let wrong = browser.sign_in("ada", "wrong wrong wrong").expect(401);
    assert!(wrong.text.contains("<title>Error: Sign in · auth.test</title>"), "{}", wrong.text);
    assert!(wrong.text.contains("<li><a href=\"#password\">Type the password again</a></li>"), "{}", wrong.text);
    let empty = browser.sign_in("", "").expect(422);
    for link in
        ["<a href=\"#username\">Username or email is required.</a>", "<a href=\"#password\">Password is required.</a>"]
    {
        assert!(empty.text.contains(link), "{}", empty.text);
    }
}

#[test]
fn if_a_fingerprint_is_required_the_form_says_that_it_needs_script() {
    let server = Server::with(vec![("fingerprint_policy", json!("require"))]);
    server.user("ada");
    let browser = Browser::new(&server);
    assert!(browser.get("/login").text.contains("that needs JavaScript"));
    let page = browser.sign_in("ada", PASSWORD).expect(422);
    assert!(error_of(&page).is_some_and(|error| error.contains("JavaScript")));
    assert_eq!(server.count_sessions(), 0);
}

#[test]
fn with_the_policy_off_the_page_does_not_mention_the_fingerprint() {
    let server = Server::with(vec![("fingerprint_policy", json!("off"))]);
    let page = Browser::new(&server).get("/login").expect(200);
    assert_eq!(attribute(page.text.split("<html").nth(1).expect("a page"), "data-fingerprint").as_deref(), Some("off"));
    assert!(!page.text.contains("noscript"));
    assert!(!page.text.contains("details of this browser"));
}

#[test]
fn secure_cookies_over_plain_http_are_reported() {
    let https = |host: &str| vec![("cookie_secure", json!(true)), ("public_url", json!(format!("https://{host}")))];
    let server = Server::with(https("auth.test"));
    let says = |headers: &[(&str, &str)]| {
        let call = server.call("GET", "/login");
        let page = headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().expect(200);
        let keys = ["cookie_secure", "public_url", "X-Forwarded-Proto"];
        let told = keys.iter().filter(|key| page.text.contains(**key)).count();
        assert!(told == 0 || told == keys.len(), "{}", page.text);
        told > 0
    };
    // The tests send their requests from a loopback address, which is a trusted proxy.
    assert!(says(&[("Host", "auth.lan")]));
    assert!(says(&[("Host", "auth.lan:8000"), ("X-Forwarded-Proto", "http")]));
    assert!(!says(&[("Host", "auth.lan"), ("X-Forwarded-Proto", "https")]));
    assert!(!says(&[("Host", "vestibule:8000"), ("Sec-Fetch-Site", "none")]), "a browser sends it by https only");
    for local in ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "app.localhost"] {
        assert!(!says(&[("Host", local)]), "{local}");
    }
    let public = server.restart_with(vec![
        ("cookie_secure", json!(true)),
        ("public_url", json!("https://auth.example.com")),
        ("trusted_proxies", json!([])),
    ]);
    let says = |host: &str| public.call("GET", "/login").header("Host", host).send().text.contains("cookie_secure");
    assert!(!says("auth.example.com"), "a proxy in front that says nothing");
    assert!(says("10.0.0.7:8000"));
    // A browser sends the first header with every page, and `Sec-Fetch-Site` by https only.
    let by_http =
        public.call("GET", "/login").header("Host", "auth.example.com").header("Upgrade-Insecure-Requests", "1");
    assert!(by_http.send().text.contains("cookie_secure"), "a browser came by http");
    let forged = public.call("GET", "/login").header("Host", "10.0.0.7").header("X-Forwarded-Proto", "https").send();
    assert!(forged.text.contains("cookie_secure"), "nobody is a trusted proxy");
}

#[test]
fn a_host_outside_of_the_cookie_domain_and_disabled_cookies_are_reported() {
    let server =
        Server::with(vec![("cookie_domain", json!("example.com")), ("public_url", json!("http://auth.example.com"))]);
    let page = |host: &str| server.call("GET", "/login").header("Host", host).send().text;
    assert!(page("auth.lan").contains("cookie_domain"));
    assert!(page("notexample.com").contains("cookie_domain"));
    assert!(!page("auth.example.com:80").contains("cookie_domain"));
    assert!(!page("vestibule:8000").contains("cookie_domain"), "so a proxy may call us");
    let forwarded = server.call("GET", "/login").header("Host", "127.0.0.1").header("X-Forwarded-Host", "auth.lan");
    assert!(forwarded.send().text.contains("cookie_domain"));

    let off = server.restart_with(vec![("token_location", json!(["headers"]))]);
    off.user("ada");
    let page = off.call("GET", "/login").send().expect(200);
    assert!(page.text.contains("token_location") && !page.text.contains("<form"), "{}", page.text);
}

#[test]
fn with_the_base_path_at_the_root_form_and_api_share_the_path() {
    let server = Server::with(vec![("base_path", json!("/"))]);
    let ada = server.user("ada");
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).expect(303);
    assert!(browser.is_signed_in());
    server.post("/login", json!({"username": ada.name, "password": PASSWORD})).expect(200);
    browser.forget_cookie("access_token");
    assert!(browser.is_signed_in(), "by way of /continue");
}

#[test]
fn a_body_that_is_no_valid_form_is_refused() {
    let server = Server::start();
    server.post("/login", json!({})).expect_error(415, "unsupported_media_type");
    let browser = Browser::new(&server);
    let long = format!("username={}", "x".repeat(64 * 1024));
    browser.call("POST", "/login").body("application/x-www-form-urlencoded", long).send().expect(413);
    let twice = browser.call("POST", "/login").header("Origin", ORIGIN);
    twice.body("application/x-www-form-urlencoded", "username=a&username=b").send().expect(422);
}
