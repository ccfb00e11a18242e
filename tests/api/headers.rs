//! The security headers of every response: each route, by nobody, by a user and by an admin, and the pages among the responses.
//! A new route is tested without a further line here.

use std::collections::BTreeSet;

use vestibule::Group;

use crate::support::{
    Answer, Server,
    browser::{Browser, ORIGIN},
    judge::Mounted,
    unlimited,
};

/// The routes of the pages that answer no request with a page, and why.
const WITHOUT_A_PAGE: [(&str, &str); 7] = [
    ("/", "it leads to the login or to the account"),
    ("/account/export", "a file"),
    ("/auth/continue", "it leads to `next`"),
    ("/.well-known/change-password", "it leads to the account"),
    ("/static/<hash>/<name>", "a file"),
    ("/static/<name>", "a file"),
    ("/link", "it has a page only for who has a link"),
];

/// Checks the headers that every page has. `own` is the source of its style sheet in the policy.
#[track_caller]
pub fn expect_headers_of_a_page(name: &str, page: &Answer, own: &str) {
    let policy: Vec<&str> = page.header("content-security-policy").expect("a policy").split("; ").collect();
    for part in [
        "default-src 'none'",
        &format!("style-src {own}"),
        &format!("img-src {own}"),
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ] {
        assert!(policy.contains(&part), "{name}: {part} in {policy:?}");
    }
    assert!(nonce(page).is_some_and(|nonce| nonce.len() >= 20), "{name}: a nonce and nothing else in {policy:?}");
    assert_eq!(policy.len(), 10, "{name}: {policy:?}");
    assert!(policy.iter().all(|part| !part.replace(own, "").contains("http")), "{name}: {policy:?}");
    for (header, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(header), Some(value), "{name}");
    }
    assert!(page.header("permissions-policy").is_some_and(|policy| policy.contains("camera=()")), "{name}");
    assert_eq!(page.header("content-encoding"), None, "{name}: a page with a token is not compressed");
    expect_headers(name, page);
}

/// Checks the headers that every response has.
#[track_caller]
fn expect_headers(name: &str, answer: &Answer) {
    let all = |header: &str| answer.headers.iter().filter(|(known, _)| known == header).count();
    for (header, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")] {
        assert_eq!((answer.header(header), all(header)), (Some(value), 1), "{name}");
    }
    for header in ["content-security-policy", "referrer-policy", "cache-control", "x-request-id"] {
        assert_eq!(all(header), 1, "{name}: {header}");
    }
    let policy = answer.header("content-security-policy").expect("it is there");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{name}: {policy}");
    assert_eq!(answer.header("strict-transport-security"), None, "{name}: public_url is plain http");
}

/// Returns the nonce of a page.
pub fn nonce(page: &Answer) -> Option<&str> {
    let policy = page.header("content-security-policy")?;
    let script = policy.split("; ").find_map(|part| part.strip_prefix("script-src 'nonce-"))?;
    script.strip_suffix("' 'strict-dynamic'")
}

#[test]
fn every_response_of_every_route_has_the_security_headers() {
    let server = Server::with(unlimited(vec![]));
    let ada = server.user("ada");
    server.user_with("root", &["admin"], &[]);
    let visitors = [
        ("nobody", Browser::new(&server)),
        ("ada", Browser::signed_in(&server, "ada")),
        ("root", Browser::signed_in(&server, "root")),
    ];
    let (mut nonces, mut with_a_page) = (Vec::new(), BTreeSet::new());
    // The tools of `dev` can sign everybody out.
    let tested = |route: &&Mounted| !is_of_a_tool(&route.path) || route.method == "GET";
    for route in server.routes().iter().filter(tested) {
        let path = route.path.split('?').next().unwrap_or_default();
        let filled: Vec<&str> = path
            .split('/')
            .map(|part| match part {
                "<name>" if path.starts_with("/static") => "vestibule.css",
                "<name>" => "admin",
                "<id>" if path.contains("/application/") => "default",
                part if part.starts_with('<') => &ada.id,
                part => part,
            })
            .collect();
        let filled = filled.join("/");
        for (visitor, browser) in &visitors {
            // Without the CSRF token, no request changes anything.
            let answer = browser.call(&route.method, &filled).send();
            let name = format!("{} {filled} by {visitor}: {}", route.method, answer.status);
            if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) && !is_of_a_tool(path) {
                // A proxy shows this page at the address of an application.
                let own = if path == "/auth/verify" { ORIGIN } else { "'self'" };
                expect_headers_of_a_page(&name, &answer, own);
                nonces.push(nonce(&answer).unwrap_or_default().to_owned());
                if answer.status == 200 {
                    with_a_page.insert((route.method.clone(), path.to_owned()));
                }
            } else {
                expect_headers(&name, &answer);
            }
        }
    }
    let different: BTreeSet<&String> = nonces.iter().collect();
    assert!(nonces.len() > 100 && different.len() == nonces.len(), "a nonce is used once");
    let missing: BTreeSet<String> = vestibule::http::endpoints("/auth")
        .iter()
        .filter(|(group, ..)| *group == Group::Pages)
        .flat_map(|(_, base, routes)| routes.iter().map(move |route| (base.trim_end_matches('/'), route)))
        .filter(|(_, route)| route.method.as_str() == "GET")
        .map(|(base, route)| format!("{base}{}", route.uri.path()))
        .map(|path| if path == "/" { path } else { path.trim_end_matches('/').to_owned() })
        .filter(|path| !with_a_page.contains(&("GET".to_owned(), path.clone())))
        .collect();
    assert_eq!(missing, WITHOUT_A_PAGE.iter().map(|(path, _)| (*path).to_owned()).collect());
}

/// Returns whether a path is that of a tool, whose pages have a policy of their own.
fn is_of_a_tool(path: &str) -> bool {
    ["/docs", "/dev"].iter().any(|tool| path.starts_with(tool))
}
