//! The version of the program, the commit of its source, and the versions of what it is built on.

use std::{fmt::Write as _, str};

use libsqlite3_sys::SQLITE_VERSION;

/// The version of this crate.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit of the source: at least 12 hexadecimal digits, with `-dirty` after them if files were changed. `unknown` in a
/// development build, or if the source was not in a Git repository.
pub(super) const COMMIT: &str = env!("VESTIBULE_COMMIT");
/// Further parts and their versions. The build script reads them from `Cargo.lock`.
const PARTS: [(&str, &str); 3] = [
    ("Rocket", env!("VESTIBULE_LOCKED_ROCKET")),
    ("rustls", env!("VESTIBULE_LOCKED_RUSTLS")),
    ("AWS-LC", env!("VESTIBULE_LOCKED_AWS_LC_SYS")),
];

/// Returns the lines that `--version` prints. The first is the program and its version alone.
pub(super) fn version() -> String {
    let sqlite = str::from_utf8(SQLITE_VERSION.to_bytes()).unwrap_or("unknown");
    let mut lines = format!("vestibule {VERSION}\ncommit {COMMIT}\nSQLite {sqlite}");
    for (part, version) in PARTS {
        write!(lines, "\n{part} {version}").expect("a String takes text");
    }
    lines
}
