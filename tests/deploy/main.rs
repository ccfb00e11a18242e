//! Tests of the files in `docs/deploy` that read the metrics and the log, with the programs for which they are: Prometheus and
//! fail2ban, as Debian packages them. A program that is missing makes its tests fail.

mod dashboard;
mod fail2ban;
mod prometheus;
#[expect(dead_code, reason = "shared with the tests of the command line, which use more of it")]
#[path = "../common/scrape.rs"]
mod scrape;
#[expect(dead_code, reason = "shared with the tests of the command line, which use more of it")]
#[path = "../cli/support.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the path of a file in the repository.
fn repository(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Returns the text of a file in `docs/deploy`.
fn deployed(name: &str) -> String {
    let path = repository("docs/deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a program that must succeed. Returns what it printed on stdout.
fn succeed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} can't be run ({error}); tests/run installs it"));
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}\n{stdout}{stderr}");
    stdout
}
