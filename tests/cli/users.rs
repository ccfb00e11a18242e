//! The command `user`, and how soon a running server applies a change.

use serde_json::json;

use crate::support::{PASSWORD, Place, within_a_second};

#[test]
fn a_user_is_added_with_every_option() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    place.add_user(&[
        "Ada", "--email", "ada@example.com", "--role", "admin", "--permission", "docs:read", "--permission",
        "docs:write", "--claim", "tenant=\"acme\"", "--claim", "level=3",
    ]);
    let user = place.json(&["user", "show", "ada"]);
    assert_eq!((&user["username"], &user["email"]), (&json!("Ada"), &json!("ada@example.com")));
    assert_eq!((&user["roles"], &user["claims"]), (&json!(["admin"]), &json!({ "tenant": "acme", "level": 3 })));
    assert_eq!((&user["email_verified"], &user["disabled"]), (&json!(false), &json!(false)));
    let permissions = user["permissions"].as_array().expect("permissions");
    assert!(permissions.contains(&json!("docs:write")) && permissions.contains(&json!("users:write")));

    // The JSON is equal to the response of `GET /users/me`.
    assert_eq!(server.me(&server.token("ada", PASSWORD)).expect("accepted"), user);
    assert_eq!(place.json(&["user", "list"]), json!([user]));
    for name in ["ADA@example.com", user["id"].as_str().expect("an id")] {
        assert_eq!(place.json(&["user", "show", name]), user);
    }
}

#[test]
fn a_name_with_an_at_sign_is_an_email() {
    let place = Place::new();
    place.add_user(&["ada@example.com"]);
    let user = place.json(&["user", "show", "ada@example.com"]);
    assert_eq!((&user["username"], &user["email"]), (&json!(null), &json!("ada@example.com")));
    let failure = place.run(&["user", "add", "eve@example.com", "--email", "eve@example.org", "--generate"]).failed();
    assert!(failure.contains("is an email already"), "{failure}");
}

#[test]
fn a_generated_password_is_printed_and_works() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    let printed = place.succeed(&["user", "add", "admin", "--role", "admin", "--generate"]);
    let password = printed.lines().find_map(|line| line.strip_prefix("password: ")).expect("a password");
    assert_eq!(password.len(), 24);
    server.token("admin", password);
}

#[test]
fn invalid_passwords_and_names_are_refused_in_one_line() {
    let place = Place::new();
    place.add_user(&["ada", "--email", "ada@example.com"]);
    let add = |arguments: &[&str], password: &str| {
        place.run_with_input(&[&["user", "add", "--password-stdin"], arguments].concat(), password).failed()
    };
    for (arguments, password, expected) in [
        (&["eve"][..], "short", "the password must have at least 10 characters"),
        (&["eve"], "password123", "the password is too easy to guess"),
        (&["lovelace-1815"], "lovelace-1815\n", "the password is too easy to guess"),
        (&["eve"], "", "the password must not be empty"),
        (&["ADA"], PASSWORD, "the username is taken by another user"),
        (&["eve", "--email", "Ada@Example.com"], PASSWORD, "the email is taken by another user"),
        (&["eve", "--role", "nobody"], PASSWORD, "there is no role \"nobody\"; there are: admin"),
        (&["eve", "--claim", "sub=1"], PASSWORD, "\"sub\" is reserved"),
    ] {
        let failure = add(arguments, password);
        assert!(failure.starts_with("error: ") && failure.contains(expected), "{arguments:?}: {failure}");
    }
    let unasked = place.run(&["user", "add", "eve"]).failed();
    assert!(unasked.contains("--password-stdin") && unasked.contains("--generate"), "{unasked}");
    assert_eq!(place.json(&["user", "list"]).as_array().expect("an array").len(), 1);

    let by_email = Place::new().set("VESTIBULE_USERNAME_FIELD", "email");
    let failure = by_email.run(&["user", "add", "ada", "--generate"]).failed();
    assert!(failure.contains("email is required") && failure.contains("username_field"), "{failure}");
}

#[test]
fn a_password_from_stdin_is_its_first_line_and_never_trimmed() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    let add = ["user", "add", "ada", "--password-stdin"];
    place.run_with_input(&add, &format!(" {PASSWORD} \r\nsecond line\n")).succeeded();
    assert_eq!(server.login("ada", PASSWORD).0, 401);
    assert_eq!(server.login("ada", &format!(" {PASSWORD} ")).0, 200);
}

#[test]
fn an_unknown_user_is_named() {
    let place = Place::new();
    place.add_user(&["ada"]);
    for command in ["show", "disable", "enable", "delete"] {
        let failure = place.run(&["user", command, "nobody"]).failed();
        assert_eq!(failure, "error: there is no user \"nobody\"; see `vestibule user list`");
    }
}

#[test]
fn without_json_users_are_printed_as_tables() {
    let place = Place::new();
    place.add_user(&["ada", "--email", "ada@example.com", "--role", "admin"]);
    let list = place.succeed(&["user", "list"]);
    let [header, row] = list.lines().collect::<Vec<_>>()[..] else { panic!("{list}") };
    assert!(header.starts_with("USERNAME  EMAIL "), "{list}");
    assert!(row.starts_with("ada       ada@example.com  admin  active  "), "{list}");
    let show = place.succeed(&["user", "show", "ada"]);
    assert!(show.lines().any(|line| line == "email           ada@example.com"), "{show}");
}

#[test]
fn set_changes_a_user_and_removed_rights_are_lost_within_a_second() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    place.add_user(&["admin", "--role", "admin"]);
    place.add_user(&["ada", "--permission", "docs:read", "--claim", "a=1", "--claim", "b=2"]);
    let token = server.token("ada", PASSWORD);
    let arguments = [
        "user", "set", "ada", "--username", "lovelace", "--email", "ada@example.com", "--email-verified", "--role",
        "admin", "--permission", "docs:write", "--claim", "c=[3]",
    ];
    assert_eq!(place.succeed(&arguments), "changed lovelace\n");
    // No role or permission was removed, so the token is still valid.
    let user = server.me(&token).expect("accepted");
    assert_eq!((&user["username"], &user["email_verified"]), (&json!("lovelace"), &json!(true)));
    assert_eq!((&user["roles"], &user["claims"]), (&json!(["admin"]), &json!({ "a": 1, "b": 2, "c": [3] })));

    place.succeed(&[
        "user", "set", "lovelace", "--no-role", "admin", "--no-permission", "docs:write", "--no-claim", "a",
        "--no-email-verified",
    ]);
    server.expect_revoked(&token);
    let user = place.json(&["user", "show", "lovelace"]);
    assert_eq!((&user["roles"], &user["permissions"]), (&json!([]), &json!(["docs:read"])));
    assert_eq!(user["claims"], json!({ "b": 2, "c": [3] }));
    assert_eq!(user["email_verified"], false);
}

#[test]
fn set_changes_a_password_like_passwd() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    place.add_user(&["ada"]);
    let token = server.token("ada", PASSWORD);
    let set = ["user", "set", "ada", "--username", "lovelace-1815", "--password-stdin"];
    for (password, expected) in [("too short", "at least 10 characters"), ("lovelace-1815", "too easy to guess")] {
        assert!(place.run_with_input(&set, password).failed().contains(expected));
    }
    assert!(server.me(&token).is_ok());
    let done = place.run_with_input(&set, "another walk to the hills\n").succeeded();
    assert_eq!(done, "changed lovelace-1815 and ended all sessions\n");
    server.expect_revoked(&token);
    assert_eq!(server.login("lovelace-1815", "another walk to the hills").0, 200);

    let printed = place.succeed(&["user", "set", "lovelace-1815", "--generate"]);
    let password = printed.lines().find_map(|line| line.strip_prefix("password: ")).expect("a password");
    server.token("lovelace-1815", password);
    let both = place.run(&["user", "set", "lovelace-1815", "--generate", "--password-stdin"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
}

#[test]
fn roles_permissions_and_claims_that_a_user_does_not_have_can_not_be_removed() {
    let place = Place::new();
    place.add_user(&["admin", "--role", "admin"]);
    place.add_user(&["ada", "--role", "admin", "--permission", "docs:read", "--claim", "level=3"]);
    let before = place.json(&["user", "show", "ada"]);
    for (flag, name, expected) in [
        ("--no-role", "nope", "ada does not have the role \"nope\"; there are: admin"),
        ("--no-permission", "nope", "ada does not have the direct permission \"nope\"; there are: docs:read"),
        // The user has this permission only through a role.
        (
            "--no-permission",
            "users:write",
            "ada does not have the direct permission \"users:write\"; there are: docs:read",
        ),
        ("--no-claim", "nope", "ada does not have the claim \"nope\"; there are: level"),
    ] {
        let failure = place.run(&["user", "set", "ada", "--no-claim", "level", flag, name]).failed();
        assert_eq!(failure, format!("error: {expected}"));
    }
    assert_eq!(place.json(&["user", "show", "ada"]), before);
    let failure = place.run(&["user", "set", "admin", "--no-claim", "level"]).failed();
    assert!(failure.ends_with("there are: none"), "{failure}");
}

#[test]
fn a_disabled_user_is_refused_within_a_second_until_enabled() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    place.add_user(&["ada"]);
    let token = server.token("ada", PASSWORD);
    assert!(server.me(&token).is_ok());
    assert_eq!(place.succeed(&["user", "disable", "ada"]), "disabled ada and ended all sessions\n");
    server.expect_revoked(&token);
    let (status, body) = server.login("ada", PASSWORD);
    assert_eq!((status, &body["error"]), (403, &json!("account_disabled")));

    assert_eq!(place.succeed(&["user", "enable", "ada"]), "enabled ada\n");
    within_a_second("the login does not work", || server.login("ada", PASSWORD).0 == 200);
    assert_eq!(server.me(&token), Err("token_revoked".to_owned()));
}

#[test]
fn a_new_password_ends_all_sessions_within_a_second() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    place.add_user(&["ada"]);
    let token = server.token("ada", PASSWORD);
    let passwd = ["user", "passwd", "ada", "--password-stdin"];
    assert!(place.run_with_input(&passwd, "too short").failed().contains("at least 10 characters"));
    assert!(server.me(&token).is_ok());
    place.run_with_input(&passwd, "another walk to the hills\n").succeeded();
    server.expect_revoked(&token);
    assert_eq!(server.login("ada", PASSWORD).0, 401);
    assert_eq!(server.login("ada", "another walk to the hills").0, 200);
}

#[test]
fn a_deleted_user_is_refused_within_a_second() {
    let place = Place::new();
    let server = place.start(&["serve"]);
    place.add_user(&["ada"]);
    let token = server.token("ada", PASSWORD);
    assert!(place.run(&["user", "delete", "ada"]).failed().contains("--yes"));
    assert!(server.me(&token).is_ok());
    place.succeed(&["user", "delete", "ada", "--yes"]);
    server.expect_revoked(&token);
    assert_eq!(server.login("ada", PASSWORD).0, 401);
    assert_eq!(place.json(&["user", "list"]), json!([]));
}

#[test]
fn the_last_admin_can_not_be_removed() {
    let place = Place::new();
    place.add_user(&["admin", "--role", "admin"]);
    for arguments in [
        vec!["user", "delete", "admin", "--yes"],
        vec!["user", "disable", "admin"],
        vec!["user", "set", "admin", "--no-role", "admin"],
    ] {
        let failure = place.run(&arguments).failed();
        assert!(failure.contains("last admin") && failure.contains("another user"), "{failure}");
    }
    assert_eq!(place.json(&["user", "show", "admin"])["disabled"], false);
}

#[test]
fn a_link_has_the_address_of_the_running_server_although_a_flag_has_set_it() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let server = place.start_as_it_is(&["serve", "--port", &free.to_string()]);
    let reset = place.json(&["user", "reset", "ada"])["url"].as_str().expect("a URL").to_owned();
    assert!(reset.starts_with(&format!("http://localhost:{free}/link?token=")), "{reset}");
    assert_eq!(server.get(&reset[reset.find("/link").expect("the path")..], "").0, 200);
}

#[test]
fn links_to_choose_a_password_are_printed_once_and_work_in_the_running_server() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let opens = |url: &str| server.get(&url[url.find("/link").expect("the path")..], "").0;
    let made = place.json(&["user", "invite", "grace", "--email", "grace@example.com"]);
    let invitation = made["url"].as_str().expect("a URL").to_owned();
    assert_eq!(opens(&invitation), 200);
    // Once more for the same user: the newer link counts.
    let printed = place.succeed(&["user", "invite", "grace"]);
    let newer = printed.lines().nth(1).expect("a link").to_owned();
    assert_eq!((opens(&invitation), opens(&newer)), (404, 200));
    let reset = place.json(&["user", "reset", "ada"])["url"].as_str().expect("a URL").to_owned();
    assert_eq!(opens(&reset), 200);
    place.run_with_input(&["user", "passwd", "ada", "--password-stdin"], "another walk to the sea").succeeded();
    assert_eq!(opens(&reset), 404);
    for (arguments, expected) in [
        (&["user", "invite", "ada"][..], "has a password"),
        (&["user", "invite", "grace", "--email", "g@example.com"], "such a user already"),
        (&["user", "reset", "nobody"], "there is no user"),
    ] {
        let failure = place.run(arguments).failed();
        assert!(failure.contains(expected), "{failure}");
    }
}
