//! The viewer of the API description at `/docs`.

use serde_json::json;

use crate::support::Server;

#[test]
fn without_the_setting_there_is_no_viewer() {
    let server = Server::with(vec![("docs", json!(false))]);
    for path in ["/docs", "/docs/", "/docs/index.html", "/docs/swagger-initializer.js"] {
        server.call("GET", path).send().expect_error(404, "not_found");
    }
}

#[test]
fn the_viewer_has_a_policy_of_its_own_and_serves_its_files_only() {
    let server = Server::start();
    for path in ["/docs", "/docs/", "/docs?url=https://evil.example/"] {
        assert_eq!(server.call("GET", path).send().expect(303).header("location"), Some("/docs/index.html"));
    }
    let page = server.call("GET", "/docs/index.html").send().expect(200);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("default-src 'none'; script-src 'self';") && policy.contains("connect-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("http"), "no other origin: {policy}");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    let description = server.call("GET", "/docs/openapi.json").send().expect(200).body;
    assert_eq!(description["servers"], json!([{"url": ".."}]));
    let flow = &description["components"]["securitySchemes"]["password"]["flows"]["password"];
    assert_eq!(flow["tokenUrl"], "../token", "no address of another origin, which the policy does not allow");
    for path in ["/docs/nothing", "/docs/..%2fsecret.key", "/docs/.%2e/secret.key", "/docs/swagger-ui.css/more"] {
        assert_eq!(server.call("GET", path).send().status, 404, "{path}");
    }
    server.call("POST", "/docs/index.html").send().expect_error(405, "method_not_allowed");
}
