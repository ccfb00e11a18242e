//! Roles: the effect of a change on the users who have the role, and the maximum length of an access token.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use vestibule::domain::user_change::UserChange;
use vestibule::{
    domain::{Email, Permission, RoleName, Username, password::Password},
    flows::{
        roles::{
            remove_role::{RemoveRoleError, remove_role},
            set_role::{RoleChange, SetRoleError, set_role},
        },
        steps::acting::Acting,
        users::{
            add_user::{AddUserError, NewAccount, add_user},
            change_user::{ChangeUserError, change_user},
        },
    },
};

use crate::support::{PASSWORD, Server, Session, wait_for};

fn role(name: &str) -> RoleName {
    RoleName::parse(name).expect("a role")
}

/// Sets the permissions of a role. Returns the number of users whose access tokens were invalidated.
fn set(server: &Server, name: &str, permissions: &[&str]) -> Result<usize, SetRoleError> {
    let permissions: BTreeSet<Permission> =
        permissions.iter().map(|name| Permission::parse(name).expect("a permission")).collect();
    let origin = Acting::operator(server.clock.now());
    let change = RoleChange::Set(permissions);
    wait_for(set_role(&server.vestibule, role(name), change, &origin)).map(|changed| changed.outdated)
}

/// Removes a role. Returns the number of users whose access tokens were invalidated.
fn remove(server: &Server, name: &str) -> Result<usize, RemoveRoleError> {
    let origin = Acting::operator(server.clock.now());
    wait_for(remove_role(&server.vestibule, role(name), &origin))
}

/// Refreshes the session. Returns the permissions in the new access token.
fn permissions(session: &Session<'_>) -> Vec<String> {
    let answer = session.try_refresh().expect(200);
    let listed = answer.claims()["permissions"].clone();
    serde_json::from_value(listed).expect("a list of texts")
}

#[test]
fn users_lose_a_permission_that_is_removed_from_their_role_at_once() {
    let server = Server::start();
    set(&server, "editor", &["posts:read", "posts:write"]).expect("it is set");
    let (editor, reader) = (server.user_with("editor", &["editor"], &[]), server.user("reader"));
    let (one, other, stranger) = (editor.login(), editor.login(), reader.login());
    assert_eq!(one.try_refresh().expect(200).claims()["roles"], json!(["editor"]));
    // A permission that is added is in the next token, and revokes no token.
    assert_eq!(set(&server, "editor", &["posts:read", "posts:write", "posts:delete"]).expect("it is set"), 0);
    assert!(one.is_accepted());
    assert_eq!(permissions(&one), ["posts:delete", "posts:read", "posts:write"]);
    assert_eq!(set(&server, "editor", &["posts:read", "posts:delete"]).expect("it is set"), 1);
    for session in [&one, &other] {
        session.get("/users/me").expect_error(401, "token_revoked");
    }
    assert!(stranger.is_accepted());
    assert_eq!(permissions(&other), ["posts:delete", "posts:read"]);
    assert_eq!(editor.login().get("/users/me").expect(200).body["permissions"], json!(["posts:delete", "posts:read"]));
    // The same permissions again remove no permission.
    let now = editor.login();
    assert_eq!(set(&server, "editor", &["posts:delete", "posts:read"]).expect("it is set"), 0);
    assert!(now.is_accepted());
}

#[test]
fn no_user_has_a_removed_role() {
    let server = Server::start();
    set(&server, "guest", &[]).expect("it is set");
    let guest = server.user_with("guest", &["guest"], &["posts:read"]);
    let session = guest.login();
    assert_eq!(remove(&server, "guest").expect("it is removed"), 1);
    // The role granted no permission, but the token contained its name.
    session.get("/users/me").expect_error(401, "token_revoked");
    assert_eq!(session.try_refresh().expect(200).claims()["roles"], json!([]));
    assert!(
        matches!(remove(&server, "guest"), Err(RemoveRoleError::Unknown(name, known)) if name == "guest" && known == "admin")
    );
    assert_eq!(server.count_events("role_changed") + server.count_events("role_removed"), 2);
}

#[test]
fn admins_have_a_permission_while_any_role_grants_it() {
    let server = Server::start();
    set(&server, "editor", &["posts:write"]).expect("it is set");
    set(&server, "author", &["posts:write", "tokens:introspect"]).expect("it is set");
    let root = server.user_with("root", &["admin"], &[]);
    let session = root.login();
    assert!(permissions(&session).contains(&"posts:write".to_owned()));
    set(&server, "editor", &["posts:read"]).expect("it is set");
    assert!(session.is_accepted(), "another role still names it");
    assert_eq!(set(&server, "author", &["tokens:introspect"]).expect("it is set"), 1);
    session.get("/users/me").expect_error(401, "token_revoked");
    let session = root.login();
    assert!(!permissions(&session).contains(&"posts:write".to_owned()));
    // A built-in permission stays with the admins, even if a role that grants it is removed.
    remove(&server, "author").expect("it is removed");
    assert!(session.is_accepted());
    remove(&server, "editor").expect("it is removed");
    session.get("/users/me").expect_error(401, "token_revoked");
    assert!(permissions(&root.login()).contains(&"tokens:introspect".to_owned()));
    assert!(matches!(set(&server, "admin", &["posts:read"]), Err(SetRoleError::Admin)));
    assert!(matches!(remove(&server, "admin"), Err(RemoveRoleError::Admin)));
}

#[test]
fn a_token_with_a_lost_permission_is_refused_after_a_restart() {
    let server = Server::start();
    set(&server, "editor", &["posts:read", "posts:write"]).expect("it is set");
    let access = server.user_with("editor", &["editor"], &[]).login().access;
    set(&server, "editor", &["posts:read"]).expect("it is set");
    let server = server.restart();
    server.call("GET", "/users/me").bearer(&access).send().expect_error(401, "token_revoked");
}

/// Starts a server whose settings make tokens as long as possible, apart from the claims about the user.
fn crowded() -> Server {
    let long = |name: &str| format!("https://{name}.{}.test", "x".repeat(40));
    Server::with(vec![
        ("issuer", json!(long("issuer"))),
        ("audience", json!(long("audience"))),
        ("token_claims", json!(["username", "email"])),
        ("clients.a-client-with-a-name.audience", json!(long("another-audience"))),
    ])
}

/// Returns an account with the longest names that are allowed.
fn longest(roles: &[&str], permissions: &[&str], claims: Map<String, Value>) -> NewAccount {
    NewAccount {
        username: Some(Username::parse(&"\u{10348}".repeat(64)).expect("a name")),
        email: Some(Email::parse(&format!("{}@{}.test", "x".repeat(64), "y".repeat(184))).expect("an address")),
        email_verified: false,
        roles: roles.iter().map(|name| role(name)).collect(),
        permissions: permissions.iter().map(|name| Permission::parse(name).expect("a permission")).collect(),
        claims,
        password: Some(Password::parse(PASSWORD).expect("a password")),
        disabled: false,
    }
}

/// Returns a custom claim with a text of this length.
fn note(bytes: usize) -> Map<String, Value> {
    Map::from_iter([("note".to_owned(), json!("n".repeat(bytes)))])
}

#[test]
fn the_largest_accepted_user_has_a_token_under_4000_bytes_with_any_algorithm() {
    let server = crowded();
    let origin = Acting::operator(server.clock.now());
    set(&server, "editor", &["posts:read", "posts:write", "posts:delete"]).expect("it is set");
    let try_note = |bytes: usize| {
        wait_for(add_user(&server.vestibule, longest(&["editor", "admin"], &["a:b"], note(bytes)), &origin))
    };
    let (mut fits, mut too_much) = (0, 4000);
    assert!(matches!(try_note(too_much), Err(AddUserError::Claims(message)) if message.contains("limit")));
    // A binary search for the longest note that is accepted. An accepted user is deleted again.
    while too_much - fits > 1 {
        let middle = usize::midpoint(fits, too_much);
        match try_note(middle) {
            Ok(_) => {
                fits = middle;
                server.delete_users();
            }
            Err(AddUserError::Claims(_)) => too_much = middle,
            Err(other) => panic!("{other}"),
        }
    }
    let user = try_note(fits).expect("it fits");
    let identifier = user.email.expect("an address");
    let login = json!({"email": identifier, "password": PASSWORD, "client_id": "a-client-with-a-name"});
    let token = server.post("/auth/login", login).expect(200).text_at("access_token").to_owned();
    let [header, claims, _] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    assert!(header.len() <= 136, "{}", header.len());
    // The longest header has 136 characters. The signature of a 4096-bit RSA key has 683 characters in base64url.
    let longest = 136 + 1 + claims.len() + 1 + 683;
    assert!((3_900..4_000).contains(&longest), "{longest}");
}

#[test]
fn the_permissions_of_roles_count_for_the_length_of_a_token() {
    let server = Server::start();
    let many: Vec<String> = (0..40).map(|number| format!("permission-{number:02}:of-an-application")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    // No user has the role yet, so it is accepted.
    set(&server, "everything", &many).expect("it is set");
    let origin = Acting::operator(server.clock.now());
    let added = wait_for(add_user(&server.vestibule, longest(&["everything"], &[], Map::new()), &origin));
    assert!(matches!(added, Err(AddUserError::Claims(_))), "{added:?}");
    let ada = server.user("ada");
    let id = vestibule::domain::UserId::parse(&ada.id).expect("an id");
    let give = UserChange {
        roles: vestibule::domain::user_change::ListChange::adding(vec![role("everything")]),
        ..UserChange::default()
    };
    let changed = wait_for(change_user(&server.vestibule, id, give, &origin));
    assert!(matches!(changed, Err(ChangeUserError::Claims(_))), "{changed:?}");
    // An admin would have these permissions too, so an admin is refused as well.
    let root = wait_for(add_user(&server.vestibule, longest(&["admin"], &[], Map::new()), &origin));
    assert!(matches!(root, Err(AddUserError::Claims(_))), "{root:?}");
    remove(&server, "everything").expect("it is removed");

    // If a user has a role, permissions that make their token too long are refused. The error names the user.
    let root = server.user_with("root", &["admin"], &[]);
    let session = root.login();
    let refused = set(&server, "everything", &many).expect_err("it is too much").to_string();
    assert!(
        refused.starts_with("the access token of root would be too long: ") && refused.contains("limit"),
        "{refused}"
    );
    assert_eq!(server.count_roles("everything"), 0);
    assert!(session.is_accepted());
    // A user whose token is too long already can still be changed, if the change does not make the token longer.
    server.insert_huge_role();
    root.change(UserChange { email_verified: Some(true), ..UserChange::default() });
    let more = UserChange {
        claims: vestibule::domain::user_change::ClaimsChange::Edit { set: note(1), remove: Vec::new() },
        ..UserChange::default()
    };
    let id = vestibule::domain::UserId::parse(&root.id).expect("an id");
    let changed = wait_for(change_user(&server.vestibule, id, more, &origin));
    assert!(matches!(changed, Err(ChangeUserError::Claims(_))), "{changed:?}");
}
