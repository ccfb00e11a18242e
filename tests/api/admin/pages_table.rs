//! The pages and the forms of the administration, and a target for each form.

use vestibule::{
    domain::{Permission, RoleName},
    flows::{
        clients::set_client::{NewClient, add_client},
        roles::set_role::{RoleChange, set_role},
        steps::acting::Acting,
    },
};

use super::targets::next_key;
use crate::support::{Answer, Server, browser::Browser, unlimited, wait_for};

/// A page: its path, and the permission that opens it. The path contains `USER`.
pub const PAGES: [(&str, &str); 9] = [
    ("/admin/ui/people", "users:read"),
    ("/admin/ui/people/new", "users:write"),
    ("/admin/ui/people/USER", "users:read"),
    ("/admin/ui/signed-in", "sessions:read"),
    ("/admin/ui/roles", "roles:read"),
    ("/admin/ui/role/admin", "roles:read"),
    ("/admin/ui/applications", "clients:read"),
    ("/admin/ui/application/default", "clients:read"),
    ("/admin/ui/activity", "audit:read"),
];

/// A form: its path, its fields, the permission that it requires, and the status of success. `USER`, `SESSION`, `DEVICE`,
/// `ROLE`, `CLIENT` and `KEY` are replaced by those of a new target, and `NEW` by a name that nothing has.
pub struct Form {
    pub path: &'static str,
    pub fields: &'static [(&'static str, &'static str)],
    pub permission: &'static str,
    pub status: u16,
    /// Whether the permission alone is not enough, because the form is about a role or a key that the holder does not have.
    pub by_admins: bool,
}

const fn sent(
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    permission: &'static str,
    status: u16,
) -> Form {
    Form { path, fields, permission, status, by_admins: false }
}

pub const FORMS: &[Form] = &[
    sent("/admin/ui/people/new/add", &[("username", "NEW")], "users:write", 200),
    sent("/admin/ui/people/USER/change", &[("part", "state"), ("disabled", "true")], "users:write", 303),
    sent(
        "/admin/ui/people/USER/change",
        &[("part", "password"), ("password", "nine old bridges west")],
        "users:write",
        303,
    ),
    sent("/admin/ui/people/USER/link", &[("purpose", "reset")], "users:write", 200),
    sent("/admin/ui/people/USER/sign-out", &[], "sessions:revoke", 303),
    sent("/admin/ui/people/USER/end-session", &[("session", "SESSION")], "sessions:revoke", 303),
    sent("/admin/ui/people/USER/forget-device", &[("device", "DEVICE")], "sessions:revoke", 303),
    sent("/admin/ui/people/USER/delete", &[("confirm", "NAME")], "users:write", 303),
    sent("/admin/ui/roles/add", &[("name", "NEW"), ("permissions", "")], "roles:write", 303),
    Form {
        by_admins: true,
        ..sent("/admin/ui/role/ROLE/permissions", &[("permissions", "posts:write")], "roles:write", 303)
    },
    Form { by_admins: true, ..sent("/admin/ui/role/ROLE/delete", &[("confirm", "ROLE")], "roles:write", 303) },
    sent("/admin/ui/applications/add", &[("id", "NEW")], "clients:write", 200),
    sent("/admin/ui/application/CLIENT/change", &[("name", "x")], "clients:write", 303),
    sent("/admin/ui/application/CLIENT/secret", &[("confirm", "CLIENT")], "clients:write", 200),
    sent("/admin/ui/application/CLIENT/delete", &[("confirm", "CLIENT")], "clients:write", 303),
    sent("/admin/ui/server/replace-key", &[("algorithm", "ES256")], "keys:write", 303),
    sent("/admin/ui/server/remove-key", &[("kid", "KEY"), ("confirm", "SHORT")], "keys:write", 303),
];

/// Returns a server on which no removal of a role takes a permission from the admins, which would end their access tokens.
pub fn server() -> Server {
    let server = Server::with(unlimited(vec![]));
    set_role_of(&server, "keeper");
    server
}

/// Creates a role with the permissions that the forms give.
fn set_role_of(server: &Server, name: &str) {
    let permissions = ["posts:read", "posts:write"].map(|name| Permission::parse(name).expect("a permission"));
    let role = RoleName::parse(name).expect("a role");
    let change = RoleChange::Create(permissions.into_iter().collect());
    wait_for(set_role(&server.vestibule, role, change, &Acting::operator(server.clock.now()))).expect("it is new");
}

/// A form about a new target.
pub struct Prepared {
    pub path: String,
    pub fields: Vec<(String, String)>,
}

/// Creates the targets of a form.
pub fn prepare(server: &Server, form: &Form, number: &mut u32) -> Prepared {
    *number += 1;
    let name = format!("target{number}");
    let is_about = |word: &str| form.path.contains(word) || form.fields.iter().any(|(_, value)| *value == word);
    let user = is_about("USER").then(|| server.user(&name));
    let session = user.as_ref().map(|user| user.login());
    let id = user.as_ref().map_or("", |user| &user.id);
    let device = if is_about("DEVICE") { server.device_of(id) } else { String::new() };
    let key = if is_about("KEY") { next_key(server) } else { String::new() };
    if is_about("ROLE") {
        set_role_of(server, &name);
    }
    if is_about("CLIENT") {
        let new = NewClient {
            id: name.clone(),
            name: None,
            audiences: None,
            scopes: None,
            grants: vestibule::config::Grants { password: true, refresh_token: true },
            is_public: false,
        };
        wait_for(add_client(&server.vestibule, new, &Acting::operator(server.clock.now()))).expect("it is new");
    }
    let replaced = |text: &str| {
        text.replace("USER", id)
            .replace("SESSION", session.as_ref().map_or("", |session| &session.id))
            .replace("DEVICE", &device)
            .replace("KEY", &key)
            .replace("SHORT", key.get(..8).unwrap_or_default())
            .replace("ROLE", &name)
            .replace("CLIENT", &name)
            .replace("NAME", &name)
            .replace("NEW", &format!("new{number}"))
    };
    Prepared {
        path: replaced(form.path),
        fields: form.fields.iter().map(|(name, value)| ((*name).to_owned(), replaced(value))).collect(),
    }
}

/// Sends a form with the CSRF token of the browser's session.
pub fn send(browser: &Browser<'_>, form: &Prepared) -> Answer {
    let token = browser.cookie("csrf_token").unwrap_or_default();
    let own = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    browser.post(&form.path, &own.chain([("csrf_token", token.as_str())]).collect::<Vec<_>>())
}
