//! `POST /auth/login`.

use serde_json::json;

use crate::support::{PASSWORD, Server, part};

#[test]
fn a_login_gives_the_token_answer() {
    let server = Server::start();
    let ada = server.user("ada");
    let answer = ada.try_login(json!({})).expect(200);
    assert_eq!(answer.body["token_type"], "bearer");
    assert_eq!(answer.body["expires_in"], 900);
    assert_eq!(answer.body["refresh_expires_in"], 7 * 24 * 3600);
    assert_eq!(part(answer.text_at("access_token"), 0)["typ"], "at+jwt");
    assert_eq!(part(answer.text_at("refresh_token"), 0)["alg"], "HS256");
    server.post("/auth/login", json!({"email": "Ada@Example.com", "password": PASSWORD})).expect(200);
}
