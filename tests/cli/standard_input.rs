//! `/dev/stdin` as the file of a command. It is the standard input itself: a pipe of another user can't be opened again, as
//! under `runuser`, and neither can a socket, which these tests use because it needs no second user.

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
};

use crate::support::Place;

/// A secret of 32 bytes.
const SECRET: &str = "n0tT2uUqH1yq7m3b8FzRZl5xwKc4VdEo";

/// Returns a socket from which `content` can be read.
fn socket(content: &str) -> OwnedFd {
    let (mut ours, theirs) = UnixStream::pair().expect("two sockets");
    ours.write_all(content.as_bytes()).expect("it has room");
    theirs.into()
}

#[test]
fn a_new_root_secret_is_read_from_the_standard_input() {
    let place = Place::new().set("VESTIBULE_ROOT_SECRET_FILE", "root");
    place.write("root", "hq8aWvE2pYc5mZr9tKx3uLd7nBf4gJs6\n");
    place.add_user(&["ada"]);
    let rewrap = |name| ["keys", "rewrap", "--new-secret-file", name];
    for name in ["/dev/fd/0", "/proc/self/fd/0"] {
        let refused = place.run_with_stdin(&rewrap(name), socket("too short")).failed();
        assert!(refused.contains("at least 32 bytes"), "it was read: {refused}");
    }
    place.run_with_stdin(&rewrap("/dev/stdin"), socket(SECRET)).succeeded();
    place.write("root", SECRET);
    place.succeed(&["user", "list"]);
    // A file is read from its beginning, wherever another program has stopped reading it.
    place.write("next", "Zk7vB2nQ9sXw4eRt6yUi8oPa1dFg3hJl");
    let mut next = File::open(place.path("next")).expect("the file");
    next.seek(SeekFrom::End(0)).expect("its end");
    place.run_with_stdin(&rewrap("/dev/stdin"), next).succeeded();
}

#[test]
fn a_signing_key_is_read_from_the_standard_input() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let key = fs::read_to_string("tests/keys/ec-p384.pem").expect("a key");
    place.run_with_stdin(&["keys", "import", "/dev/stdin"], socket(&key)).succeeded();
    assert!(place.succeed(&["keys", "list"]).contains("ES384"));
}

#[test]
fn accounts_are_read_from_a_file_that_is_the_standard_input() {
    let place = Place::new();
    place.add_user(&["eva"]);
    place.write("accounts.csv", "username\nada\nbob\n");
    let import = ["user", "import", "/dev/stdin"];
    place.run_with_stdin(&import, File::open(place.path("accounts.csv")).expect("the file")).succeeded();
    assert!(place.succeed(&["user", "list"]).contains("bob"));
    let refused = place.run_with_stdin(&import, socket("username\neve\n")).failed();
    assert!(refused.contains("read twice"), "{refused}");
}
