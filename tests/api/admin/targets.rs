//! The calls of the administration, and a target for each.

use serde_json::{Value, json};
use vestibule::{
    config::Grants,
    domain::{jwt::Algorithm, signing_key::SigningKey},
    flows::{
        clients::set_client::{NewClient, add_client},
        keys::rotate_keys::{When, rotate_keys},
        steps::acting::Acting,
    },
};

use crate::support::{Answer, Server, Session, wait_for};

/// A call: method, path, body, the permission that it asks for, whether it changes something, and the status of success. In the
/// path, `USER`, `SESSION`, `DEVICE`, `CLIENT` and `KEY` are replaced by those of a new target.
pub struct Call {
    pub method: &'static str,
    pub path: &'static str,
    pub body: fn() -> Value,
    pub permission: &'static str,
    pub changes: bool,
    pub status: u16,
}

const fn call(
    method: &'static str,
    path: &'static str,
    body: fn() -> Value,
    permission: &'static str,
    changes: bool,
    status: u16,
) -> Call {
    Call { method, path, body, permission, changes, status }
}

fn none() -> Value {
    Value::Null
}

/// The call that is not in [`CALLS`], because it asks for the role itself beside the permission.
pub const REMOVE_ROLE: Call = call("DELETE", "/admin/roles/NEW", none, "roles:write", true, 204);

/// Every call of the administration, except [`REMOVE_ROLE`].
pub const CALLS: &[Call] = &[
    call("GET", "/admin/users", none, "users:read", false, 200),
    call("GET", "/admin/users/USER", none, "users:read", false, 200),
    call("POST", "/admin/users", || json!({"username": "NEW"}), "users:write", true, 201),
    call("PATCH", "/admin/users/USER", || json!({"disabled": true}), "users:write", true, 200),
    call("DELETE", "/admin/users/USER", none, "users:write", true, 204),
    call("POST", "/admin/users/USER/link", || json!({"purpose": "reset"}), "users:write", true, 201),
    call("GET", "/admin/users/USER/sessions", none, "sessions:read", false, 200),
    call("DELETE", "/admin/users/USER/sessions", none, "sessions:revoke", true, 200),
    call("DELETE", "/admin/users/USER/sessions/SESSION", none, "sessions:revoke", true, 204),
    call("GET", "/admin/users/USER/devices", none, "sessions:read", false, 200),
    call("DELETE", "/admin/users/USER/devices/DEVICE", none, "sessions:revoke", true, 204),
    call("GET", "/admin/roles", none, "roles:read", false, 200),
    call("GET", "/admin/roles/admin", none, "roles:read", false, 200),
    call("PUT", "/admin/roles/NEW", || json!({"permissions": []}), "roles:write", true, 200),
    call("GET", "/admin/clients", none, "clients:read", false, 200),
    call("GET", "/admin/clients/default", none, "clients:read", false, 200),
    call("POST", "/admin/clients", || json!({"id": "NEW"}), "clients:write", true, 201),
    call("PATCH", "/admin/clients/CLIENT", || json!({"name": "x"}), "clients:write", true, 200),
    call("POST", "/admin/clients/CLIENT/secret", none, "clients:write", true, 200),
    call("DELETE", "/admin/clients/CLIENT", none, "clients:write", true, 204),
    call("GET", "/admin/keys", none, "keys:read", false, 200),
    call("POST", "/admin/keys/rotate", none, "keys:write", true, 200),
    call("POST", "/admin/keys/KEY/retire", none, "keys:write", true, 204),
    call("GET", "/admin/audit", none, "audit:read", false, 200),
];

/// The permissions of the server.
pub const PERMISSIONS: [&str; 13] = [
    "audit:read", "clients:read", "clients:write", "keys:read", "keys:write", "roles:read", "roles:write",
    "sessions:read", "sessions:revoke", "tokens:introspect", "users:read", "users:vouch", "users:write",
];

/// Returns the `kid` of a new key that does not sign yet.
pub fn next_key(server: &Server) -> String {
    let acting = Acting::operator(server.clock.now());
    let key = SigningKey::generate(Algorithm::Es256);
    wait_for(rotate_keys(&server.vestibule, key, When::Published, &acting)).expect("it rotates").kid
}

/// Adds a client if the call is about one. Returns its id.
fn new_client(server: &Server, call: &Call, id: &str) -> String {
    if call.path.contains("CLIENT") {
        let new = NewClient {
            id: id.to_owned(),
            name: None,
            audiences: None,
            scopes: None,
            grants: Grants { password: true, refresh_token: true },
            is_public: false,
        };
        wait_for(add_client(&server.vestibule, new, &Acting::operator(server.clock.now()))).expect("it is new");
    }
    id.to_owned()
}

/// Returns the path of a call about a target that does not exist.
pub fn absent(call: &Call) -> String {
    let id = "01a3185c-5000-7000-8000-000000000000";
    ["USER", "SESSION", "DEVICE", "KEY", "CLIENT", "NEW"]
        .iter()
        .fold(call.path.to_owned(), |path, name| path.replace(name, id))
}

/// Sends a call about a new target, with the token of `session`, or with none.
pub fn send(server: &Server, call: &Call, session: Option<&Session<'_>>, number: &mut u32) -> Answer {
    *number += 1;
    let name = format!("target{number}");
    let needs_user = call.path.contains("USER");
    let target = needs_user.then(|| server.user(&name));
    let signed_in = target.as_ref().filter(|_| call.path.contains("SESSION")).map(|target| target.login());
    let device = if call.path.contains("DEVICE") {
        let target = target.as_ref().expect("a user");
        target.login();
        server.device_of(&target.id)
    } else {
        String::new()
    };
    let key = if call.path.contains("KEY") { next_key(server) } else { String::new() };
    let path = call
        .path
        .replace("USER", target.as_ref().map_or("", |target| &target.id))
        .replace("SESSION", signed_in.as_ref().map_or("", |session| &session.id))
        .replace("DEVICE", &device)
        .replace("KEY", &key)
        .replace("CLIENT", &new_client(server, call, &name))
        .replace("NEW", &format!("new{number}"));
    let mut request = server.call(call.method, &path);
    if let Some(session) = session {
        request = request.bearer(&session.access);
    }
    let body = (call.body)();
    if !body.is_null() {
        let text = body.to_string().replace("NEW", &format!("new{number}"));
        request = request.json(serde_json::from_str(&text).expect("JSON"));
    }
    request.send()
}
