//! The files at `/static/…`, which the pages load and other front ends may import.

use serde_json::json;

use crate::support::{Answer, Server, browser::attribute};

/// Returns the path of the style sheet to which the sign-in page links. It contains a hash over all assets.
fn style(server: &Server) -> String {
    let page = server.call("GET", "/login").send().expect(200);
    let link = page.text.split("<link ").find(|link| link.contains("stylesheet")).expect("a style");
    attribute(link, "href").expect("an address")
}

#[test]
fn an_asset_under_the_hash_that_a_page_names_is_cacheable_for_a_year() {
    let server = Server::start();
    let path = style(&server);
    let parts: Vec<&str> = path.split('/').collect();
    assert!(matches!(parts[..], ["", "static", hash, "style.css"] if hash.len() >= 12), "{path}");
    let asset = server.call("GET", &path).send().expect(200);
    assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(asset.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(asset.header("x-content-type-options"), Some("nosniff"));
    assert!(asset.text.contains("color-scheme: light dark"));
    assert_eq!(asset.header("set-cookie"), None);
}

#[test]
fn the_pages_have_the_name_and_the_logo_of_the_site() {
    const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("logo.svg");
    std::fs::write(&path, SVG).expect("a file");
    let server = Server::with(vec![("site_name", json!("Ada’s notes")), ("site_logo", json!(path))]);
    let page = server.call("GET", "/login").send().expect(200);
    assert!(page.text.contains("<title>Sign in · Ada’s notes</title>"), "{}", page.text);
    assert!(page.text.contains("<bdi>Ada’s notes</bdi>"), "{}", page.text);
    let image = page.text.split("<img ").nth(1).expect("an image");
    let address = attribute(image, "src").expect("an address");
    assert!(page.text.contains(&format!("<link rel=\"icon\" href=\"{address}\">")), "{}", page.text);
    let logo = server.call("GET", &address).send().expect(200);
    assert_eq!(logo.text, SVG);
    assert_eq!(logo.header("content-type"), Some("image/svg+xml"));
    assert_eq!(logo.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(logo.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let policy = logo.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script"),
        "{policy}"
    );
    let other = server.restart_with(vec![]);
    other.call("GET", &address).send().expect_error(404, "not_found");
}

#[test]
fn an_unknown_hash_or_file_name_is_not_found() {
    let server = Server::start();
    let other = style(&server).replace("/static/", "/static/x");
    for path in [&*other, "/static/nothing.css", "/static/..%2fCargo.toml", "/static/", "/static", "/static/a/b/c"] {
        server.call("GET", path).send().expect_error(404, "not_found");
    }
}

#[test]
fn an_asset_without_a_hash_is_cacheable_for_five_minutes_and_revalidated_by_its_etag() {
    let server = Server::start();
    let asset = server.call("GET", "/static/style.css").send().expect(200);
    assert_eq!(asset.header("cache-control"), Some("public, max-age=300"));
    let tag = asset.header("etag").expect("a tag");
    let again = server.call("GET", "/static/style.css").header("If-None-Match", tag).send().expect(304);
    assert!(again.text.is_empty() && again.header("etag") == Some(tag));
    let list = format!("\"other\", {tag}");
    server.call("GET", "/static/style.css").header("If-None-Match", &list).send().expect(304);
    server.call("GET", "/static/style.css").header("If-None-Match", "\"other\"").send().expect(200);
}

#[test]
fn an_asset_is_compressed_as_the_client_accepts_and_a_page_never_is() {
    let server = Server::start();
    let length = |answer: &Answer| answer.header("content-length").and_then(|length| length.parse::<usize>().ok());
    let plain = server.call("HEAD", "/static/style.css").header("Accept-Encoding", "identity").send().expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    for (takes, coding) in [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("deflate, gzip; q=1", "gzip"),
        ("gzip, br;q=0", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip", "br"),
    ] {
        let packed = server.call("HEAD", "/static/style.css").header("Accept-Encoding", takes).send().expect(200);
        assert_eq!(packed.header("content-encoding"), Some(coding), "{takes}");
        assert!(length(&packed) < length(&plain), "{takes}");
        assert!(packed.headers.iter().any(|(name, value)| name == "vary" && value.contains("Accept-Encoding")));
        assert_eq!(packed.header("etag"), plain.header("etag"));
    }
    for takes in ["gzip;q=0", "br;q=0", "", "x-gzip-not"] {
        let answer = server.call("HEAD", "/static/style.css").header("Accept-Encoding", takes).send().expect(200);
        assert_eq!(answer.header("content-encoding"), None, "{takes}");
    }
    let page = server.call("GET", "/login").header("Accept-Encoding", "gzip").send().expect(200);
    assert_eq!(page.header("content-encoding"), None, "a page has a token in it (BREACH)");
}

#[test]
fn an_allowed_origin_may_import_an_asset() {
    let server = Server::with(vec![("cors_allowed_origins", json!(["https://app.example.com"]))]);
    let ask = |origin: &str| server.call("GET", "/static/style.css").header("Origin", origin).send().expect(200);
    let allowed = ask("https://app.example.com");
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(ask("https://evil.example").header("access-control-allow-origin"), None);
}

#[test]
fn the_login_page_and_its_style_have_less_than_7000_bytes() {
    let server = Server::start();
    let page = server.call("GET", "/login").send().expect(200).text.len();
    let of = |path: &str| server.call("HEAD", path).header("Accept-Encoding", "gzip").send();
    let style = of(&style(&server)).expect(200);
    let style: usize = style.header("content-length").and_then(|length| length.parse().ok()).expect("a length");
    // At load the page may transfer 12 kB (`tests/browser/pages.test.js`). About 5 kB are left for the scripts and the headers.
    assert!(page + style < 7_000, "{page} + {style}");
}
