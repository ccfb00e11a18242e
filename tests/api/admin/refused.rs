//! The statuses that every call of the administration has for the same reason.

use std::{io::Write as _, net::TcpStream, thread};

use serde_json::json;

use super::targets::{CALLS, Call, REMOVE_ROLE, absent};
use crate::support::{self, Server, Session, unlimited, wait_for};

/// Returns each call with a request that has a token of the session and no body.
fn requests<'s>(session: &'s Session<'_>) -> impl Iterator<Item = (&'static Call, support::Call<'s>)> {
    CALLS
        .iter()
        .chain([&REMOVE_ROLE])
        .map(|call| (call, session.server.call(call.method, &absent(call)).bearer(&session.access)))
}

fn takes_json(call: &Call) -> bool {
    !(call.body)().is_null() || call.path.ends_with("/rotate")
}

#[test]
fn two_authorization_headers_a_large_body_and_a_body_of_another_type_are_refused() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]).login();
    for (_, request) in requests(&root) {
        request.bearer(&root.access).send().expect_error(400, "malformed_request");
    }
    for (call, request) in requests(&root).filter(|(call, _)| call.changes) {
        let large = json!({"filler": "a".repeat(65 * 1024)});
        request.json(large).send().expect_error(413, "payload_too_large");
        if takes_json(call) {
            let again = || server.call(call.method, &absent(call)).bearer(&root.access);
            again().body("text/plain", "{}").send().expect_error(415, "unsupported_media_type");
            again().body("application/json", "{").send().expect_error(400, "malformed_json");
        }
    }
    assert!(root.is_accepted());
    assert_eq!(server.count_users(), 1);
}

#[test]
fn an_unavailable_database_is_503() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]).login();
    wait_for(server.vestibule.store.close());
    for (call, request) in requests(&root) {
        let body = (call.body)();
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send();
        assert_eq!(
            (answer.status, answer.text_at("error")),
            (503, "storage_unavailable"),
            "{} {}",
            call.method,
            call.path
        );
    }
}

#[test]
fn a_taken_name_of_a_new_user_is_a_conflict() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]).login();
    server.user("ada");
    for body in [json!({"username": "ADA"}), json!({"username": "ada2", "email": "Ada@Example.com"})] {
        root.post("/admin/users", body).expect_error(409, "already_exists");
    }
}

#[test]
fn bodies_that_do_not_come_and_many_changes_at_once_leave_the_database_to_others() {
    let server = Server::with(unlimited(vec![]));
    let root = server.user_with("root", &["admin"], &[]).login();
    let ada = server.user("ada").login();
    // More than there are connections to read with, from a user without any permission.
    let calls: Vec<_> = CALLS.iter().chain([&REMOVE_ROLE]).filter(|call| call.changes).collect();
    let _waiting: Vec<TcpStream> = calls
        .iter()
        .flat_map(|call| {
            let head = format!(
                "{} {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: \
                 20\r\n\r\n",
                call.method,
                absent(call),
                server.address,
                ada.access
            );
            (0..5).map(move |_| {
                let mut stream = TcpStream::connect(server.address).expect("it listens");
                stream.write_all(head.as_bytes()).expect("the head is sent");
                stream
            })
        })
        .collect();
    ada.get("/users/me").expect(200);
    // A change that reads the database again afterwards, by more callers than there are connections.
    thread::scope(|scope| {
        for number in 0..24 {
            let root = &root;
            scope.spawn(move || {
                root.call("PUT", &format!("/admin/roles/r{number}"))
                    .json(json!({"permissions": []}))
                    .send()
                    .expect(200);
                root.post("/admin/clients", json!({"id": format!("c{number}")})).expect(201);
                root.call("PATCH", &format!("/admin/clients/c{number}")).json(json!({"name": "x"})).send().expect(200);
                root.post("/admin/keys/rotate", json!({})).expect(200);
            });
        }
    });
}
