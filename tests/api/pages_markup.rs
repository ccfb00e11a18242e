//! Tests of every page: its headers, its markup, and that no input becomes markup.

use std::collections::BTreeSet;

use serde_json::json;
use vestibule::{
    domain::{UserId, one_time::LinkPurpose},
    flows::{
        links::{create_link::create_link, set_up::create_setup_link},
        steps::acting::Acting,
    },
};

use crate::{
    headers::{expect_headers_of_a_page, nonce},
    support::{
        Answer, PASSWORD, Server,
        browser::{Browser, attribute, form},
        wait_for,
    },
};

/// Returns the name and the response of every page, including the error pages.
fn pages(server: &Server) -> Vec<(&'static str, Answer)> {
    let (nobody, ada) = (Browser::new(server), Browser::new(server));
    ada.sign_in("ada", PASSWORD).expect(303);
    let own = |url: String| url.strip_prefix("http://auth.test").expect("the public URL").to_owned();
    let setup = own(wait_for(create_setup_link(&server.vestibule)).expect("a link"));
    let grace = server.user("grace");
    let id = UserId::parse(&grace.id).expect("an id");
    let acting = Acting::operator(server.clock.now());
    let link = wait_for(create_link(&server.vestibule, id, LinkPurpose::Reset, &acting)).expect("a link");
    let link = own(link.url);
    let wrong = Browser::new(server);
    let refused = wrong.sign_in("ada", "wrong wrong wrong").expect(401);
    vec![
        ("login", nobody.get("/login").expect(200)),
        ("login, refused", refused),
        ("register", nobody.get("/register").expect(200)),
        ("privacy", nobody.get("/privacy").expect(200)),
        ("account", ada.get("/account").expect(200)),
        ("link, void", nobody.get("/link?token=x").expect(404)),
        ("link", nobody.get(&link).expect(200)),
        ("setup", nobody.get(&setup).expect(200)),
        ("not found", nobody.get("/nothing/here").expect(404)),
        ("wrong method", nobody.get("/account/password").expect(405)),
        ("no token", ada.post("/account/sign-out", &[]).expect(403)),
    ]
}

/// Returns the directives of the Content-Security-Policy of a page.
fn directives(page: &Answer) -> Vec<&str> {
    page.header("content-security-policy").expect("a policy").split("; ").collect()
}

#[test]
fn every_page_has_the_security_headers() {
    let server = Server::start();
    server.user("ada");
    let mut nonces = BTreeSet::new();
    let pages = pages(&server);
    for (name, page) in &pages {
        expect_headers_of_a_page(name, page, "'self'");
        nonces.insert(nonce(page).expect("it was checked").to_owned());
    }
    assert_eq!(nonces.len(), pages.len(), "a nonce is used once");
}

#[test]
fn strict_transport_security_is_sent_if_the_public_url_is_https() {
    let server = Server::with(vec![("public_url", json!("https://auth.example.com"))]);
    let page = server.call("GET", "/login").send().expect(200);
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
    let json = server.call("GET", "/health").send().expect(200);
    assert_eq!(json.header("strict-transport-security"), Some("max-age=31536000"));
}

#[test]
fn the_policy_permits_a_form_to_lead_to_an_allowed_host() {
    let server = Server::with(vec![("allowed_redirect_hosts", json!(["app.example.com"]))]);
    let page = server.call("GET", "/login").send();
    let allowed = "form-action 'self' https://app.example.com:* http://app.example.com:*";
    assert!(directives(&page).contains(&allowed));
}

#[test]
fn the_markup_is_plain_and_complete() {
    let server = Server::start();
    server.user("ada");
    for (name, page) in pages(&server) {
        let text = &page.text;
        assert!(
            text.starts_with("<!doctype html>\n<html lang=\"en\" data-base=\"/auth\" data-csrf-cookie=\"csrf_token\"")
        );
        // On the account page of a session that is not bound, nothing is read.
        let reads = if name == "account" { "off" } else { "on" };
        let expected = format!("data-csrf-header=\"X-CSRF-Token\" data-fingerprint=\"{reads}\"");
        assert!(text.contains(&expected), "{name}");
        assert_eq!(text.matches("<h1").count(), 1, "{name}");
        assert_eq!(text.matches("<main").count(), 1, "{name}");
        assert!(text.contains("<title>") && text.contains("<header>") && text.contains("<footer>"), "{name}");
        assert!(text.contains("name=\"viewport\" content=\"width=device-width, initial-scale=1\""), "{name}");
        for never in [" style=", "<style", " onclick", "javascript:", "http://", "https://", "{{", "{%", "{seconds}</"]
        {
            let where_it_is = text.find(never).map(|at| text[at..].chars().take(40).collect::<String>());
            assert_eq!(where_it_is, None, "{name}");
        }
        let ids: Vec<String> = text.split('<').filter_map(|tag| attribute(tag, " id")).collect();
        let different: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(ids.len(), different.len(), "{name}: {ids:?}");
        let inputs = text.split("<input ").skip(1).filter(|input| !input.contains("hidden"));
        for input in inputs {
            let id = attribute(input, "id").expect("an input has an id");
            assert!(text.contains(&format!("<label for=\"{id}\">")), "{name}: {id} has no label");
        }
    }
}

#[test]
fn the_fields_have_the_attributes_that_password_managers_read() {
    let server = Server::start();
    server.user("ada");
    let page = Browser::new(&server).get("/login").expect(200);
    let field =
        |id: &str| page.text.split("<input ").find(|input| input.contains(&format!("id=\"{id}\""))).expect("it");
    let of = |id: &str, name: &str| attribute(field(id), name);
    assert_eq!(of("username", "autocomplete").as_deref(), Some("username"));
    assert_eq!(of("username", "autocapitalize").as_deref(), Some("none"));
    assert_eq!(of("username", "spellcheck").as_deref(), Some("false"));
    assert_eq!(of("password", "autocomplete").as_deref(), Some("current-password"));
    assert!(page.text.contains("<form id=\"login\" method=\"post\" action=\"/login\">"));
    let account = {
        let browser = Browser::new(&server);
        browser.sign_in("ada", PASSWORD).expect(303);
        browser.get("/account").expect(200)
    };
    let change = account.text.split("id=\"change-password\"").nth(1).and_then(|rest| rest.split("</form>").next());
    let change = change.expect("the form");
    for kind in ["username", "current-password", "new-password"] {
        assert!(change.contains(&format!("autocomplete=\"{kind}\"")), "{kind}");
    }
}

#[test]
fn no_input_becomes_markup() {
    const EVIL: &str = "<script>alert(1)</script>";
    let server = Server::start();
    let ada = server.user("ada");
    ada.login_with(json!({"device_name": "\"><img src=x onerror=alert(1)>"}));
    let browser = Browser::new(&server);
    let refused = browser.sign_in("\"><script>alert(1)</script>", "wrong wrong wrong").expect(401);
    let shown = browser.get("/login?next=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E").expect(200);
    let register = form(&browser.get("/register"), "/register");
    let fields = [("username", EVIL), ("email", EVIL), ("password", "short")];
    let not_made = browser.submit(&register, &fields).expect(422);
    browser.submit(&register, &[("username", EVIL), ("password", PASSWORD)]).expect(303);
    let of_evil = browser.get("/account").expect(200);
    assert!(of_evil.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", of_evil.text);
    let other = Browser::new(&server);
    other.sign_in("ada", PASSWORD).expect(303);
    let of_ada = other.get("/account").expect(200);
    assert!(of_ada.text.contains("&lt;img src=x"), "{}", of_ada.text);
    let notice = other.get("/account?notice=%3Cscript%3Ealert(1)%3C/script%3E").expect(200);
    let not_found = browser.get("/%3Cscript%3Ealert(1)%3C/script%3E").expect(404);
    for page in [refused, shown, not_made, of_evil, of_ada, notice, not_found] {
        assert!(!page.text.contains("<script>") && !page.text.contains("<img src=x"), "{}", page.text);
    }
}

#[test]
fn errors_are_pages_for_browsers_and_json_for_programs() {
    let server = Server::start();
    let of_browser = |path: &str| server.call("GET", path).header("Accept", "text/html,*/*;q=0.8").send();
    let page = of_browser("/nothing").expect(404);
    assert!(page.text.contains("<h1>Nothing here</h1>"));
    server.call("GET", "/nothing").send().expect_error(404, "not_found");
    server.call("GET", "/nothing").header("Accept", "application/json").send().expect_error(404, "not_found");
    // Also at the paths of the API, since a person may come there by a link.
    for (path, status, code, title) in [
        ("/auth/nothing", 404, "not_found", "Nothing here"),
        ("/auth/login", 405, "method_not_allowed", "That did not work"),
        ("/users/me", 401, "missing_token", "You are not signed in"),
        ("/static/nothing.js", 404, "not_found", "Nothing here"),
        ("/.well-known/nothing", 404, "not_found", "Nothing here"),
    ] {
        assert!(of_browser(path).expect(status).text.contains(&format!("<h1>{title}</h1>")), "{path}");
        server.call("GET", path).send().expect_error(status, code);
    }
    let wrong_method = of_browser("/account/delete").expect(405);
    assert_eq!(wrong_method.header("allow"), Some("OPTIONS, POST"));
    assert!(wrong_method.text.contains("This address accepts only a form."));
}

#[test]
fn head_and_options_are_answered() {
    let server = Server::start();
    for path in ["/", "/login", "/register", "/privacy"] {
        let head = server.call("HEAD", path).send();
        assert!(matches!(head.status, 200 | 303) && head.text.is_empty(), "{path}");
        assert_eq!(server.call("OPTIONS", path).send().status, 204, "{path}");
    }
}

#[test]
fn browsers_find_the_icon_and_crawlers_are_told_to_stay_away() {
    let server = Server::start();
    let moved = server.call("GET", "/favicon.ico").send().expect(303);
    let icon = server.call("GET", moved.header("location").expect("an address")).send().expect(200);
    assert_eq!(icon.header("content-type"), Some("image/svg+xml"));
    let robots = server.call("GET", "/robots.txt").send().expect(200);
    assert_eq!(
        (robots.text.as_str(), robots.header("content-type")),
        ("User-agent: *\nDisallow: /\n", Some("text/plain; charset=utf-8"))
    );
}
