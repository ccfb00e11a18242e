//! The command `role`, and how soon a running server applies a change.

use serde_json::json;

use crate::support::{PASSWORD, Place};

#[test]
fn a_role_is_set_granted_changed_and_removed() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    assert_eq!(place.succeed(&["role", "set", "editor", "posts:read", "posts:write"]), "set the role editor\n");
    place.add_user(&["ada", "--role", "editor"]);
    place.add_user(&["root", "--role", "admin"]);
    let list = place.json(&["role", "list"]);
    assert_eq!(list[0]["name"], "admin");
    assert!(list[0]["permissions"].as_array().is_some_and(|all| all.contains(&json!("posts:write"))));
    assert_eq!(list[1], json!({ "name": "editor", "permissions": ["posts:read", "posts:write"], "members": 1 }));

    let token = server.token("ada", PASSWORD);
    assert_eq!(place.succeed(&["role", "set", "editor", "posts:read", "posts:write", "x"]), "set the role editor\n");
    assert_eq!(server.me(&token).expect("accepted")["permissions"], json!(["posts:read", "posts:write", "x"]));
    let printed = place.succeed(&["role", "set", "editor", "posts:read"]);
    // The second user is the admin, who has every permission that a role grants.
    let lost = "took away posts:write, x; invalidated the access tokens of 2 users";
    assert_eq!(printed, format!("set the role editor; {lost}\n"));
    server.expect_revoked(&token);
    assert_eq!(place.succeed(&["role", "add", "editor", "posts:delete", "posts:read"]), "set the role editor\n");
    let editor = |place: &Place| place.json(&["role", "list"])[1]["permissions"].clone();
    assert_eq!(editor(&place), json!(["posts:delete", "posts:read"]));
    let printed = place.succeed(&["role", "drop", "editor", "posts:delete", "posts:write"]);
    assert!(printed.starts_with("set the role editor; took away posts:delete; invalidated"), "{printed}");
    assert_eq!(editor(&place), json!(["posts:read"]));
    let token = server.token("ada", PASSWORD);
    let printed = place.succeed(&["role", "remove", "editor"]);
    assert_eq!(printed, "removed the role editor; invalidated the access tokens of 2 users\n");
    server.expect_revoked(&token);
    let user = server.me(&server.token("ada", PASSWORD)).expect("accepted");
    assert_eq!((&user["roles"], &user["permissions"]), (&json!([]), &json!([])));
}

#[test]
fn invalid_changes_of_roles_are_refused_in_one_line() {
    let place = Place::new();
    place.add_user(&["root", "--role", "admin"]);
    for (arguments, expected) in [
        (&["role", "set", "admin", "x"][..], "the role admin has every permission; it can't be set"),
        (&["role", "remove", "admin"], "the role admin can't be removed"),
        (&["role", "add", "admin", "x"], "the role admin has every permission; it can't be set"),
        (&["role", "drop", "editor", "x"], "there is no role \"editor\"; there are: admin"),
        (&["role", "remove", "editor"], "there is no role \"editor\"; there are: admin"),
    ] {
        assert_eq!(place.run(arguments).failed(), format!("error: {expected}"));
    }
    for arguments in [
        &["role", "set", "a b", "x"][..],
        &["role", "set", "editor", "openid"],
        &["role", "remove"],
        &["role", "add", "editor"],
    ] {
        assert_eq!(place.run(arguments).code, Some(2), "{arguments:?}");
    }
    // A role without permissions is valid: an application can use its name alone.
    place.succeed(&["role", "set", "guest"]);
    let list = place.succeed(&["role", "list"]);
    assert!(list.lines().any(|line| line == "guest  0        -"), "{list}");
    let many: Vec<String> = (0..60).map(|number| format!("permission-of-an-application:{number}")).collect();
    let arguments: Vec<&str> = ["role", "set", "all"].into_iter().chain(many.iter().map(String::as_str)).collect();
    let failure = place.run(&arguments).failed();
    assert!(failure.starts_with("error: the access token of root would be too long: "), "{failure}");
}
