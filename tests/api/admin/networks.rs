//! The setting `admin_networks`.

use serde_json::json;

use super::targets::CALLS;
use crate::support::Server;

#[test]
fn from_elsewhere_nothing_is_at_admin() {
    let server = Server::with(vec![("admin_networks", json!(["10.0.0.0/8", "2001:db8::/32"]))]);
    let root = server.user_with("root", &["admin"], &[]).login();
    let unknown = server.call("GET", "/no/such/path").send();
    for (ip, is_within) in [("10.1.2.3", true), ("2001:db8::7", true), ("203.0.113.9", false), ("2001:db9::7", false)] {
        for (method, path) in [
            ("GET", "/admin/users"),
            ("POST", "/admin/users"),
            ("PUT", "/admin/users"),
            ("OPTIONS", "/admin/users"),
            ("GET", "/admin/audit"),
            ("DELETE", "/admin/roles/x"),
        ] {
            for with_token in [false, true] {
                let call = server.call(method, path).header("X-Forwarded-For", ip);
                let call = if with_token { call.bearer(&root.access) } else { call };
                let answer = call.send();
                assert_eq!(
                    answer.status == 404 && path != "/admin/roles/x",
                    !is_within && path != "/admin/roles/x",
                    "{method} {path} {ip}"
                );
                if !is_within {
                    assert_eq!(answer.status, 404, "{method} {path} {ip}");
                    assert_eq!(answer.body["detail"], unknown.body["detail"]);
                    assert_eq!(answer.header("allow"), None);
                }
            }
        }
    }
    for call in CALLS {
        let path = call.path.replace("NEW", "x");
        let answer =
            server.call(call.method, &path).bearer(&root.access).header("X-Forwarded-For", "203.0.113.9").send();
        answer.expect_error(404, "not_found");
    }
    // The account itself answers from everywhere.
    root.server
        .call("GET", "/users/me")
        .bearer(&root.access)
        .header("X-Forwarded-For", "203.0.113.9")
        .send()
        .expect(200);
}
