//! The requests with the secrets that the administration and its commands give out: links and secrets of clients.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    process::{Answer, Process},
    secrets::Secrets,
};

/// Returns the token of a link, after adding it to `secrets`.
fn token_of(what: &str, answer: &Value, secrets: &mut Secrets) -> String {
    let url = answer["url"].as_str().unwrap_or_else(|| panic!("no link in {answer}"));
    let (_, token) = url.split_once("/link?token=").expect(url);
    secrets.random(what, token);
    token.to_owned()
}

/// Opens a link and sends its form: first with a password that is refused, then with this one.
fn choose(process: &Process, secrets: &mut Secrets, token: &str, password: &str) {
    let page = format!("/link?token={token}");
    for (chosen, status) in [("password1234", 422), (password, 303)] {
        let (opened, answer) = process.submit(&page, &[("token", token), ("password", chosen)]);
        assert_eq!(answer.status, status, "{}", answer.text);
        secrets.answer("the page of a link", &opened);
        secrets.answer("the form of a link", &answer);
    }
    // The link does not work any longer.
    assert_eq!(process.send("GET", &page, &[], b"").status, 404);
    let used = process.send("POST", &page, &[("Content-Type", "application/x-www-form-urlencoded")], token.as_bytes());
    assert!((400..500).contains(&used.status), "{}", used.text);
}

/// Signs in by the form of the page, with a wrong password and with the right one.
fn by_the_page(process: &Process, secrets: &mut Secrets, name: &str, password: &str) {
    let wrong = "typed-into-the-page-by-mistake";
    secrets.value("a wrong password of the form", wrong);
    for (typed, status) in [(wrong, 401), (password, 303)] {
        let (opened, answer) = process.submit("/login", &[("username", name), ("password", typed)]);
        assert_eq!(answer.status, status, "{}", answer.text);
        secrets.answer("the page of the sign-in", &opened);
        secrets.answer("the form of the sign-in", &answer);
    }
}

/// Uses the secret of a client in the header and in the form.
fn as_client(process: &Process, secrets: &mut Secrets, secret: &str, access: &str) {
    secrets.random("the secret of a client", secret);
    let basic = STANDARD.encode(format!("backend:{secret}"));
    secrets.add("the secret of a client in Basic", &basic);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let authorization = format!("Basic {basic}");
    let body = format!("token={access}");
    let by_header =
        process.send("POST", "/auth/introspect", &[form, ("Authorization", &authorization)], body.as_bytes());
    assert_eq!((by_header.status, &by_header.body["active"]), (200, &json!(true)), "{}", by_header.text);
    let body = format!("{body}&client_id=backend&client_secret={secret}");
    assert_eq!(process.send("POST", "/auth/introspect", &[form], body.as_bytes()).status, 200);
    let wrong_place = format!("/auth/introspect?client_secret={secret}");
    assert!(process.send("POST", &wrong_place, &[form], body.as_bytes()).status < 500);
}

/// Creates links and clients by the administration and by commands, and uses them. Adds their secrets to `secrets`.
pub(crate) fn administer(process: &Process, secrets: &mut Secrets) {
    let [of_root, chosen, reset] = ["the keeper of the light", "a lamp at every window", "a bell under the water"];
    for password in [of_root, chosen, reset] {
        secrets.value("a password of the administration", password);
    }
    process.command(&["user", "add", "--password-stdin", "root", "--role", "admin"], &format!("{of_root}\n"));
    let root = process.post("/auth/login", &json!({"username": "root", "password": of_root}));
    assert_eq!(root.status, 200, "{}", root.text);
    secrets.answer("an admin", &root);
    let access = root.body["access_token"].as_str().expect("a token").to_owned();
    let admin = |path: &str, body: &Value| -> Answer {
        let answer = process.json("POST", path, Some(&access), body);
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.text);
        answer
    };

    // Links, by the endpoint and by the command. The last one stays in the database, and is not used.
    let grace =
        admin("/admin/users", &json!({"username": "gracehopper"})).body["id"].as_str().expect("an id").to_owned();
    let path = format!("/admin/users/{grace}/link");
    let invitation = token_of("an invitation", &admin(&path, &json!({"purpose": "invite"})).body, secrets);
    choose(process, secrets, &invitation, chosen);
    let printed = process.command(&["user", "reset", "gracehopper", "--json"], "");
    let printed = serde_json::from_str(&printed).expect("JSON");
    let by_command = token_of("a link of a command", &printed, secrets);
    choose(process, secrets, &by_command, reset);
    let unused = token_of("a link", &admin(&path, &json!({"purpose": "reset"})).body, secrets);
    assert_eq!(process.send("GET", &format!("/link?token={unused}"), &[("X-Request-Id", &unused)], b"").status, 200);

    by_the_page(process, secrets, "gracehopper", reset);

    let text = |answer: &Answer| answer.body["client_secret"].as_str().expect("a secret").to_owned();
    let first = text(&admin("/admin/clients", &json!({"id": "backend"})));
    as_client(process, secrets, &first, &access);
    let second = text(&admin("/admin/clients/backend/secret", &json!({})));
    as_client(process, secrets, &second, &access);

    // A proxy passes on the address of a request in which an application has put a token.
    let uri = format!("/x?access_token={access}");
    let forwarded = [
        ("X-Forwarded-Uri", uri.as_str()),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "app.example.com"),
    ];
    for accept in ["application/json", "text/html"] {
        let headers = [&forwarded[..], &[("Accept", accept)]].concat();
        let refused = process.send("GET", "/auth/verify", &headers, b"");
        assert_eq!(refused.status, 401, "{}", refused.text);
        let bearer = format!("Bearer {access}");
        let passed = process.send("GET", "/auth/verify", &[&headers[..], &[("Authorization", &bearer)]].concat(), b"");
        assert_eq!(passed.status, 200, "{}", passed.text);
    }
}
