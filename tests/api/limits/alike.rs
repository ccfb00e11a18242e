//! Logins with a wrong password: no sequence of attempts tells which names exist, which are disabled, and which belong to one
//! account.

use serde_json::Value;

use super::{WRONG, with};
use crate::support::{Answer, Server};

/// A response as a client can compare it: status, body and headers.
type Visible = (u16, Value, Vec<(String, String)>);

/// Returns a response as a client can compare it: status, body and headers, without what differs for each request.
fn visible(answer: Answer) -> Visible {
    let mut body = answer.body;
    body.as_object_mut().expect("an object").remove("request_id");
    let own = ["x-request-id", "date"];
    (answer.status, body, answer.headers.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect())
}

/// Sends 30 logins with a wrong password, with these names in turn. Returns the responses.
fn thirty(server: &Server, names: &[&str]) -> Vec<Visible> {
    (0..30).map(|turn| visible(server.try_login(names[turn % names.len()], WRONG))).collect()
}

/// Starts a server with three users. One of them is disabled.
fn server() -> Server {
    let server = with(&[("login_rate_per_ip", "0")]);
    for name in ["ada", "bob"] {
        server.user(name);
    }
    server.user("dora").disable();
    server
}

#[test]
fn thirty_attempts_look_alike_for_seven_kinds_of_name() {
    let server = server();
    let kinds = ["ada", "bob@example.com", "nobody", "nobody@example.com", "dora", "dora@example.com", "n\u{f6}body"];
    let expected = thirty(&server, &kinds[..1]);
    assert_eq!((expected[0].0, expected[29].0), (401, 429));
    for kind in &kinds[1..] {
        assert_eq!(thirty(&server, &[kind]), expected, "{kind}");
    }
}

#[test]
fn two_names_of_one_account_look_like_names_of_two_accounts_and_of_none() {
    // Each pair has a server of its own, because the attempts of a name are counted over all pairs.
    let pairs = [
        ["ada", "ada@example.com"],
        ["ada", "bob@example.com"],
        ["nobody", "nobody@example.com"],
        ["dora", "dora@example.com"],
    ];
    let answers: Vec<_> = pairs.iter().map(|pair| thirty(&server(), pair)).collect();
    assert!(answers.iter().all(|seen| *seen == answers[0]));
    // Ten attempts with one name, and then one with the other.
    let after_ten = |pair: &[&str; 2]| {
        let server = server();
        (0..10).for_each(|_| drop(server.try_login(pair[0], WRONG)));
        visible(server.try_login(pair[1], WRONG))
    };
    let seen: Vec<_> = pairs.iter().map(after_ten).collect();
    assert!(seen.iter().all(|one| *one == seen[0] && one.0 == 401), "{seen:?}");
}
