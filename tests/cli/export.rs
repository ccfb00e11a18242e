//! `user export`.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Place};

#[test]
fn an_export_is_imported_elsewhere_as_it_was() {
    let place = Place::new();
    place.add_user(&[
        "ada", "--email", "ada@example.com", "--role", "admin", "--permission", "docs:read", "--claim", "a=\"b,\\\"c\"",
    ]);
    place.add_user(&["grace@example.com", "--email-verified"]);
    place.add_user(&["eve"]);
    place.succeed(&["user", "disable", "eve"]);
    for format in ["csv", "jsonl"] {
        let other = Place::new();
        let exported = place.run(&["user", "export", "--with-hashes", "--format", format]);
        assert!(exported.stderr.contains("has the hashes of passwords"), "{}", exported.stderr);
        other.add_user(&["first"]);
        other.succeed(&["user", "delete", "first", "--yes"]);
        other.write("users", &exported.stdout);
        other.succeed(&["user", "import", "users", "--allow-roles"]);
        assert_eq!(other.json(&["user", "list"]), place.json(&["user", "list"]), "{format}");
        assert_eq!(other.run(&["user", "export", "--with-hashes", "--format", format]).stdout, exported.stdout);
        let server = other.start(&["serve"]);
        server.token("ada", PASSWORD);
        server.token("grace@example.com", PASSWORD);
        assert_eq!(server.login("eve", PASSWORD).0, 403);
    }
    let without = place.succeed(&["user", "export"]);
    assert!(!without.contains("hash") && !without.contains("$argon2"), "{without}");
    let lines = without.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let ada = lines.into_iter().find(|line| line["username"] == "ada").expect("the line of ada");
    // Without the permissions of the role.
    assert_eq!(ada["permissions"], json!(["docs:read"]));
    let empty = place.succeed(&["user", "export", "--format", "csv"]);
    assert!(empty.starts_with("id,username,email,email_verified,password_hash,disabled,"), "{empty}");
}
