//! The command `client`: it lists the configured clients, and creates secrets for them.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Place};

const WEB: &str = "[default.auth.clients.web]\nscopes = [\"posts:read\"]\ngrants = [\"refresh_token\"]\n";

#[test]
fn a_secret_is_printed_once_and_works_once_its_hash_is_configured() {
    let place = Place::new();
    place.write("Rocket.toml", "[default.auth.clients.backend]\naccess_token_lifetime = \"5m\"\n");
    let printed = place.succeed(&["client", "secret", "backend"]);
    let value = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name)).expect(&printed);
        line.trim_matches([' ', '=', ':', '"']).to_owned()
    };
    let (secret, hash) = (value("client_secret"), value("secret_hash"));
    assert_eq!((secret.len(), hash.len()), (43, 50));
    assert_ne!(place.succeed(&["client", "secret", "backend"]), printed);
    place.write("Rocket.toml", &format!("[default.auth.clients.backend]\nsecret_hash = \"{hash}\"\n"));
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let form = |secret: &str| {
        let (user, password) = ("username=ada", PASSWORD.replace(' ', "+"));
        server.post_form("/token", &format!("{user}&password={password}&client_id=backend&client_secret={secret}"))
    };
    assert_eq!(form(&secret).0, 200);
    assert_eq!(form(&hash).1["error"], "invalid_client");
    // No command that prints the configuration prints the hash of the secret.
    for arguments in [&["config", "show"][..], &["client", "list"], &["config", "show", "--json"]] {
        let shown = place.succeed(arguments);
        assert!(!shown.contains(&hash) && shown.contains("backend"), "{shown}");
    }
}

#[test]
fn clients_are_listed_as_they_are_configured() {
    let place = Place::new();
    place.write("Rocket.toml", WEB);
    let list = place.json(&["client", "list"]);
    let default = json!({
        "id": "default", "confidential": false, "audience": "http://localhost:8000",
        "grants": ["password", "refresh_token"], "scopes": null,
        "access_token_lifetime": 900, "refresh_token_lifetime": 604_800,
    });
    assert_eq!(list[0], default);
    assert_eq!((&list[1]["id"], &list[1]["grants"]), (&json!("web"), &json!(["refresh_token"])));
    assert_eq!(list[1]["scopes"], json!(["posts:read"]));
    let table = place.succeed(&["client", "list"]);
    let web = table.lines().find(|line| line.starts_with("web ")).expect(&table);
    assert!(web.contains("public  refresh_token") && web.contains("posts:read"), "{table}");
}

#[test]
fn a_secret_can_precede_its_client_but_the_client_default_can_have_none() {
    let place = Place::new();
    let done = place.run(&["client", "secret", "backend"]);
    assert!(done.stderr.contains("there is no client backend yet"), "{}", done.stderr);
    let printed = done.stdout;
    let made: Value =
        serde_json::from_str(&place.run(&["client", "secret", "backend", "--json"]).stdout).expect("JSON");
    assert!(made["secret_hash"].as_str().is_some_and(|hash| hash.starts_with("sha256$")), "{made}");
    assert!(printed.contains("[default.auth.clients.backend]\nsecret_hash = "), "{printed}");
    let failure = place.run(&["client", "secret", "default"]).failed();
    assert!(failure.contains("can't have a secret"), "{failure}");
}

#[test]
fn an_invalid_client_is_a_problem_of_the_configuration_that_repeats_no_secret() {
    let hash = "sha256$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (table, expected) in [
        (
            "clients.web]\nsecret_hash = \"a-secret-in-the-wrong-place\"".to_owned(),
            "must be what `vestibule client secret ID` prints",
        ),
        ("clients.web]\nscopes = [\"two words\"]".to_owned(), "a list of permissions"),
        ("clients.web]\nscopes = [\"openid\"]".to_owned(), "reserved by OpenID Connect"),
        ("clients.web]\ngrants = [\"authorization_code\"]".to_owned(), "password, refresh_token"),
        (format!("clients.default]\nsecret_hash = \"{hash}\""), "cannot keep a secret"),
    ] {
        let place = Place::new();
        place.write("Rocket.toml", &format!("[default.auth.{table}\n"));
        let done = place.run(&["config", "check"]);
        assert_eq!(done.code, Some(78), "{table}");
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains(expected) && !said.contains("wrong-place") && !said.contains("AAAA"), "{said}");
    }
}

#[test]
fn a_client_that_is_added_is_in_force_in_the_running_server_at_once() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let form = |secret: &str| {
        let (user, password) = ("username=ada", PASSWORD.replace(' ', "+"));
        server.post_form("/token", &format!("{user}&password={password}&client_id=reports&client_secret={secret}")).0
    };
    assert_eq!(form("x"), 401);
    let made = place.json(&["client", "add", "reports", "--name", "The reports", "--audience", "https://a.example"]);
    let secret = made["client_secret"].as_str().expect("a secret").to_owned();
    assert_eq!(form(&secret), 200);
    let shown = place.json(&["client", "show", "reports"]);
    assert_eq!((&shown["name"], &shown["source"]), (&json!("The reports"), &json!("database")));
    assert!(place.succeed(&["client", "show", "reports"]).contains("https://a.example"));
    let list = place.json(&["client", "list"]);
    assert_eq!((&list[1]["id"], &list[1]["source"]), (&json!("reports"), &json!("database")));
    let printed = place.succeed(&["client", "secret", "reports"]);
    let newer = printed.lines().find_map(|line| line.strip_prefix("client_secret: ")).expect("a secret").to_owned();
    assert_eq!((form(&secret), form(&newer)), (401, 200));
    assert!(place.run(&["client", "add", "reports"]).failed().contains("already"));
    assert!(place.run(&["client", "add", "default"]).failed().contains("in the configuration"));
    assert!(place.run(&["client", "remove", "default"]).failed().contains("in the configuration"));
    assert!(place.run(&["client", "show", "nothing"]).failed().contains("there is no client"));
    assert_eq!(place.run(&["client", "add", "two words"]).code, Some(2));
    let removed = place.succeed(&["client", "remove", "reports"]);
    assert!(removed.contains("ended 2 sessions"), "{removed}");
    assert_eq!(form(&newer), 401);
}

#[test]
fn a_client_in_both_places_is_refused_at_a_start_and_can_be_removed() {
    let place = Place::new();
    place.add_user(&["ada"]);
    place.succeed(&["client", "add", "web", "--public"]);
    place.write("Rocket.toml", WEB);
    let refused = place.run(&["serve", "--port", "0"]);
    assert_eq!(refused.code, Some(78));
    for part in ["clients.web", "in the configuration", "vestibule.db", "vestibule client remove web"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    place.run(&["client", "remove", "web"]);
    place.start(&["serve"]).stop();
    assert_eq!(place.json(&["client", "list"])[1]["scopes"], json!(["posts:read"]));
}
