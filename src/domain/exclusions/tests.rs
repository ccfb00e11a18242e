//! Tests of the paths that an entry excludes. An excluded path must be below the entry for every application, however
//! the application interprets the path.

use proptest::prelude::*;

use super::*;

fn exclusions(entries: &[&str]) -> Exclusions {
    Exclusions(entries.iter().map(|entry| entry.parse().expect("a glob")).collect())
}

fn covers(entry: &str, target: &str) -> bool {
    exclusions(&[entry]).covers(None, target)
}

#[test]
fn a_glob_covers_the_paths_below_it() {
    for (glob, target) in [
        ("/public/**", "/public/"),
        ("/public/**", "/public/a"),
        ("/public/**", "/public/a/b.css?v=2"),
        ("/public/**", "/public/a?next=/../admin"),
        ("/public/**", "/public/a,b?c=d,e"),
        ("/public/**", "/public/a/../b"),
        ("/public/**", "/public/./a"),
        ("/public/**", "/public/a/.."),
        ("/public/**", "/%70ublic/%61"),
        ("/public/**", "/public/a%20b"),
        ("/public/**", "/public/%c3%bc"),
        ("/public/**", "/public/100%25"),
        ("/public/**", "/public/..."),
        ("/public/**", "/public/a."),
        ("/public", "/public"),
        ("/public/", "/public/"),
        ("/", "/"),
        ("/", "/?x"),
        ("/*.css", "/style.css"),
        ("/*/health", "/app/health"),
        ("/**/health", "/health"),
        ("/**/health", "/a/b/health"),
        ("/a/**/z", "/a/z"),
        ("/a/**/z", "/a/b/c/z"),
        ("/**", "/anything/at/all"),
    ] {
        assert!(covers(glob, target), "{glob} {target}");
    }
}

#[test]
fn no_other_path_is_covered() {
    for target in [
        "",
        "/",
        "public/a",
        "*",
        "/public",
        "/publicx",
        "/publicx/a",
        "/PUBLIC/a",
        "/Public/a",
        "/public./a",
        "/public../a",
        "/.../public/a",
        // A server that treats `..` as a name serves these paths from `/admin`.
        "/admin/../public/a",
        "/admin/./../public/a",
        "/admin/%2e%2e/public/a",
        "/admin/..%2fpublic/a",
        "/../public/a",
        "/./public/a",
        "/admin%2f..%2fpublic%2fa",
        "/public%2fa",
        "/public/a%2fb",
        "/public/../admin",
        "/public/a/../../admin",
        "/public/..",
        "/public/../",
        "/public/./../admin",
        "/public/%2e%2e/admin",
        "/public/%2E./admin",
        "/public%2f..%2fadmin",
        "/public%2F..%2Fadmin",
        "/public/..%2fadmin",
        "/public/%2e%2e%2fadmin",
        "/public/%252e%252e/admin",
        "/public/%25%32%65/x",
        "/public/%2561",
        "/public/%c0%ae%c0%ae/admin",
        "/public/%ff",
        "/public/%",
        "/public/%2",
        "/public/%zz",
        "/public/%u002e",
        "/public%00/a",
        "/public/a%00",
        "/public/a%0d%0ab",
        "/public/\u{7f}",
        "//public/a",
        "/public//a",
        "/public//",
        "//admin",
        "/public/%2f/a",
        "/public;x/../admin",
        "/public;x/a",
        "/public/a;b",
        "/public/..;/admin",
        "/public/..%3fadmin",
        "/public/a%3Fb",
        "/public/..%23admin",
        "/public/a%3bb",
        "/public\\a",
        "/public/..\\admin",
        "/public/%5c../admin",
        "\\public\\a",
        "/public#/a",
        "/public/a#/../admin",
        "http://app.example.com/public/a",
        "https:/public/a",
        "/admin?/public/a",
        "/admin#/public/a",
        "/admin%3f/public/a",
        " /public/a",
        "/ public/a",
        "/public%20/a",
        "/public/a, /admin",
        "/public/a,/admin",
        "/public/a?b, /admin",
        "/public/a?b,/admin",
    ] {
        assert!(!covers("/public/**", target), "{target}");
    }
    for (glob, target) in [
        ("/", "/a/.."),
        ("/", "/a/../"),
        ("/*.css", "/a/b.css"),
        ("/*/health", "/a/b/health"),
        ("/*", "/a/"),
        ("/a*", "/a/b"),
    ] {
        assert!(!covers(glob, target), "{glob} {target}");
    }
    assert!(!covers("/public/**", &format!("/public/{}", "a".repeat(MAX_BYTES))));
}

#[test]
fn an_entry_with_a_host_covers_paths_of_that_host_only() {
    let table = exclusions(&["app.example.com/public/**", "ported.example.com:8443/**"]);
    let authority = |host: &str, scheme| host.parse::<Authority>().ok().map(|host| host.with_port_of(scheme));
    let on = |host: &str| table.covers(authority(host, "https").as_ref(), "/public/a");
    for host in ["app.example.com", "APP.Example.com", "app.example.com:8443", "ported.example.com:8443"] {
        assert!(on(host), "{host}");
    }
    for host in [
        "",
        "example.com",
        "other.example.com",
        "xapp.example.com",
        "app.example.com.evil.example",
        "app.example.com.",
        "app.example.com,evil.example",
        "user@app.example.com",
        "ported.example.com",
        "ported.example.com:443",
    ] {
        assert!(!on(host), "{host}");
    }
    assert!(!table.covers(None, "/public/a"));
    let usual = exclusions(&["app.example.com:443/**"]);
    assert!(usual.covers(authority("app.example.com", "https").as_ref(), "/"));
    assert!(!usual.covers(authority("app.example.com", "http").as_ref(), "/"));
}

/// Returns the segments that a very lenient application reads: it decodes repeatedly, accepts every separator, resolves dot
/// segments, and ignores parameters.
fn most_lenient(target: &str) -> Vec<String> {
    let mut text = target.split(['?', '#']).next().unwrap_or_default().to_owned();
    while let Some(next) = decoded(&text).filter(|next| *next != text) {
        text = next;
    }
    let mut kept: Vec<String> = Vec::new();
    for segment in text.split(['/', '\\']) {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment.to_owned()),
        }
    }
    kept
}

/// Returns the segments that an application reads if it does not resolve dot segments. Rocket and Werkzeug do this.
fn most_literal(target: &str) -> Vec<String> {
    let path = target.split('?').next().unwrap_or_default();
    path.split('/').skip(1).filter_map(decoded).collect()
}

proptest! {
    #[test]
    fn a_covered_path_is_below_the_glob_for_every_application(
        parts in prop::collection::vec(prop::sample::select(vec![
            "/", "//", "\\", "%5c", "%5C", "%2f", "%2F", "%252f", ".", "..", "%2e", "%2E", "%252e", "%", "%25", ";", "%3b",
            "?", "#", "%00", "%ff", "public", "PUBLIC", "publi%63", "admin", "x", " ", "ü",
        ]), 0..14)
    ) {
        let target = format!("/{}", parts.concat());
        if covers("/public/**", &target) {
            for read in [most_lenient(&target), most_literal(&target)] {
                prop_assert_eq!(read.first().map(String::as_str), Some("public"), "{}", target);
            }
        }
    }

    #[test]
    fn no_target_causes_a_panic(target in ".{0,64}") {
        covers("/public/**", &target);
    }
}
