//! Section 1 of the contract.

use crate::support::Server;

#[test]
fn an_unknown_path_is_not_found() {
    let server = Server::start();
    server.call("GET", "/nowhere").send().expect_error(404, "not_found");
}
