//! What a server does when its disk, its files, its clock or its limits fail: it answers 503, or refuses to start with the name
//! of the file and what to do, and it recovers by itself where the cause goes away.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    panic::catch_unwind,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    database::{FROM_THE_FUTURE, WriteLock, change},
    disk::{Disk, ReadOnly},
    support::{PASSWORD, Place, Server},
};

/// The library that gives a process another time. `tests/run` installs it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// Returns a place with the user `ada` and without copies of the database.
fn place() -> Place {
    with_ada(Place::new())
}

/// Adds the user `ada`, and switches the copies of the database off.
fn with_ada(place: Place) -> Place {
    let place = place.set("VESTIBULE_ISSUER", "http://auth.test").set("VESTIBULE_BACKUP_INTERVAL", "0");
    place.add_user(&["ada"]);
    place
}

/// Returns the status of `/ready`, and the state of a check in it.
fn ready(server: &Server, check: &str) -> (u16, Value) {
    let (status, body) = server.get("/ready", "");
    (status, body["checks"][check]["state"].clone())
}

/// Waits until `/ready` says this about a check.
fn wait_until_ready_says(server: &Server, check: &str, expected: (u16, &str)) {
    let begun = Instant::now();
    loop {
        let found = ready(server, check);
        if found == (expected.0, expected.1.into()) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{check}: {found:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Checks that a login is refused with 503, that a token is accepted nevertheless, and that the server is not ready.
fn expect_no_writes(server: &Server, token: &str) {
    let (status, body) = server.login("ada", PASSWORD);
    assert_eq!((status, &body["error"]), (503, &"storage_unavailable".into()), "{body}");
    assert!(server.me(token).is_ok() || server.get("/health", "").0 == 200);
    wait_until_ready_says(server, "database", (503, "failed"));
    assert_eq!(server.get("/health", "").0, 200, "the process lives");
}

/// Checks that the server works again, and that the database is sound.
fn expect_recovery(place: &Place, server: &Server, arguments: &[&str]) {
    wait_until_ready_says(server, "database", (200, "ok"));
    let token = server.token("ada", PASSWORD);
    assert!(server.me(&token).is_ok());
    let done = place.run(&[&["check"], arguments].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[test]
fn a_full_disk_refuses_writes_and_recovers_without_a_restart() {
    let (place, disk) = (Place::new().set("VESTIBULE_BACKUP_INTERVAL", "0"), Disk::new(4096));
    let data = disk.text("data");
    let at = ["--data-dir", data.as_str()];
    let added = place.run_with_input(&[&["user", "add", "ada", "--password-stdin"], &at[..]].concat(), PASSWORD);
    assert_eq!(added.code, Some(0), "{added:?}");
    let server = place.start(&[&["serve"], &at[..]].concat());
    let token = server.token("ada", PASSWORD);
    let ballast = disk.fill();
    // What the log has room for is still written.
    let full = (0..200).any(|_| server.login("ada", PASSWORD).0 == 503);
    assert!(full, "the disk is full");
    expect_no_writes(&server, &token);
    let said = place.run(&[&["user", "add", "bob", "--generate"], &at[..]].concat()).failed();
    assert!(said.contains("free space") || said.contains("make room") || said.contains("full"), "{said}");
    fs::remove_file(ballast).expect("it is removed");
    expect_recovery(&place, &server, &at);
}

#[test]
fn a_database_that_another_program_has_locked_refuses_writes_and_recovers() {
    let place = place();
    let server = place.start(&["serve"]);
    let token = server.token("ada", PASSWORD);
    let lock = WriteLock::take(&place);
    expect_no_writes(&server, &token);
    assert!(server.me(&token).is_ok(), "reads continue");
    lock.let_go();
    expect_recovery(&place, &server, &[]);
}

#[test]
fn a_database_that_vanishes_loses_no_write_that_was_answered_and_is_not_replaced_by_an_empty_one() {
    for file in ["vestibule.db", "vestibule.db-wal"] {
        let place = place();
        let server = place.start(&["serve"]);
        let token = server.token("ada", PASSWORD);
        let path = place.path("data").join(file);
        let elsewhere = place.path("elsewhere");
        fs::rename(&path, &elsewhere).expect("it is moved");
        expect_no_writes(&server, &token);
        fs::rename(&elsewhere, &path).expect("it is moved back");
        expect_recovery(&place, &server, &[]);
    }
    let place = place();
    assert_eq!(place.run(&["backup", "copy.db"]).code, Some(0));
    let server = place.start(&["serve"]);
    let token = server.token("ada", PASSWORD);
    for file in ["vestibule.db", "vestibule.db-wal", "vestibule.db-shm"] {
        fs::remove_file(place.path("data").join(file)).expect("it is removed");
    }
    expect_no_writes(&server, &token);
    drop(server);
    for command in [&["serve"][..], &["user", "add", "eve", "--generate"]] {
        let said = place.run(command).failed();
        assert!(said.contains("is missing, although there was one") && said.contains("vestibule restore"), "{said}");
    }
    place.run(&["restore", "copy.db"]).succeeded();
    expect_recovery(&place, &place.start(&["serve"]), &[]);
}

#[test]
fn a_directory_that_can_not_be_written_is_named_at_the_start() {
    let disk = Disk::new(4096);
    let place = Place::new();
    let data = disk.text("data");
    place.run_with_input(&["user", "add", "ada", "--password-stdin", "--data-dir", &data], PASSWORD).succeeded();
    disk.set_writable(false);
    for command in [&["serve", "--port", "0"][..], &["user", "add", "bob", "--generate"]] {
        let said = place.run(&[command, &["--data-dir", &data]].concat()).failed();
        assert!(said.contains(&data) && said.contains("writable"), "{said}");
    }
    disk.set_writable(true);
    place.start(&["serve", "--data-dir", &data]).token("ada", PASSWORD);
}

#[test]
fn files_that_become_read_only_refuse_writes_and_recover_without_a_restart() {
    // A file system in memory ignores the attribute.
    let place = with_ada(Place::on_disk());
    let server = place.start(&["serve"]);
    let token = server.token("ada", PASSWORD);
    // The index of the log, vestibule.db-shm, is mapped into memory: the system ends a program that writes to such a file.
    let files = ["vestibule.db", "vestibule.db-wal"].map(|file| place.path("data").join(file));
    let read_only = ReadOnly::new(files);
    expect_no_writes(&server, &token);
    assert!(server.me(&token).is_ok(), "reads continue");
    drop(read_only);
    expect_recovery(&place, &server, &[]);
}

/// Kills a server with SIGKILL after a login, so that its log has content, and returns the place.
fn killed() -> Place {
    let place = place();
    let server = place.start(&["serve"]);
    server.token("ada", PASSWORD);
    drop(server);
    assert!(fs::metadata(place.path("data/vestibule.db-wal")).is_ok_and(|log| log.len() > 0), "the log has content");
    place
}

#[test]
fn damage_that_the_check_finds_is_named_to_the_administrator() {
    let place = place();
    place.succeed(&["user", "set", "ada", "--role", "admin"]);
    change(&place, "pragma foreign_keys = off; insert into user_roles values ('nobody', 'admin')");
    let server = place.start(&["serve"]);
    assert!(!server.admin_page().contains("The database is damaged"), "nothing was checked after an orderly stop");
    drop(server);
    let server = place.start(&["serve"]);
    wait_until_ready_says(&server, "integrity", (503, "failed"));
    drop(server);
    // A command folds the log that the killed server has left. The next start knows of the kill nevertheless.
    place.run(&["user", "list"]);
    let server = place.start(&["serve"]);
    wait_until_ready_says(&server, "integrity", (503, "failed"));
    let page = server.admin_page();
    assert!(page.contains("This needs your attention") && page.contains("The database is damaged"), "{page}");
    assert_eq!(server.stop().0, Some(0));
    assert_eq!(ready(&place.start(&["serve"]), "integrity"), (200, "ok".into()), "the stop was an orderly one");
}

/// Overwrites bytes of a file.
fn damage(path: &Path, at: u64, bytes: usize) {
    let file = OpenOptions::new().write(true).open(path).expect("the file");
    file.write_all_at(&vec![0xa5; bytes], at).expect("it is written");
}

#[test]
fn a_log_that_was_torn_loses_its_end_and_nothing_else() {
    for kept in [0, 10, 31, 100, 5000, 9000] {
        let place = killed();
        let log = OpenOptions::new().write(true).open(place.path("data/vestibule.db-wal")).expect("the log");
        log.set_len(kept).expect("it is cut");
        let server = place.start(&["serve"]);
        wait_until_ready_says(&server, "integrity", (200, "ok"));
        expect_recovery(&place, &server, &[]);
    }
    let place = killed();
    damage(&place.path("data/vestibule.db-wal"), 4000, 3000);
    expect_recovery(&place, &place.start(&["serve"]), &[]);
}

#[test]
fn damage_is_found_after_a_stop_that_was_not_orderly() {
    let pages = fs::metadata(killed().path("data/vestibule.db")).expect("the database").len() / 4096;
    let mut found = 0;
    for page in (pages / 2..pages).step_by(5) {
        let place = killed();
        damage(&place.path("data/vestibule.db"), page * 4096, 4096);
        let done = place.run(&["check"]);
        if done.code == Some(0) {
            // The log has a newer version of the page.
            continue;
        }
        match catch_unwind(|| place.start(&["serve"])) {
            Ok(server) => wait_until_ready_says(&server, "integrity", (503, "failed")),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().expect("the output of the server");
                assert!(said.contains("vestibule.db") && said.contains("restore a backup"), "{said}");
            }
        }
        found += 1;
    }
    assert!(found > 0, "no page was damaged");
}

#[test]
fn a_database_of_a_newer_version_is_not_touched() {
    let place = place();
    change(&place, FROM_THE_FUTURE);
    let before = fs::read(place.path("data/vestibule.db")).expect("the database");
    for command in [&["serve", "--port", "0"][..], &["user", "list"], &["backup", "copy.db"], &["check"]] {
        let done = place.run(command);
        assert_eq!(done.code, Some(1), "{done:?}");
        let said = done.stdout + &done.stderr;
        assert!(said.contains("newer version of Vestibule"), "{said}");
    }
    assert_eq!(fs::read(place.path("data/vestibule.db")).expect("the database"), before);
}

#[test]
fn a_server_without_free_descriptors_survives() {
    let place = place();
    let server = place.start(&["serve"]);
    server.limit_files(60);
    let token = server.token("ada", PASSWORD);
    let address = server.base.trim_start_matches("http://").to_owned();
    let held: Vec<_> = (0..200).filter_map(|_| std::net::TcpStream::connect(&address).ok()).collect();
    assert!(held.len() > 60, "{}", held.len());
    drop(held);
    let begun = Instant::now();
    while !server.is_alive() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not answer again");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(server.me(&token).is_ok());
    server.token("ada", PASSWORD);
}

#[test]
fn a_clock_that_is_wrong_for_a_while_removes_nothing() {
    assert!(Path::new(FAKETIME).exists(), "install the package faketime");
    let place = place();
    let server = place.start(&["serve"]);
    let kept = server.token("ada", PASSWORD);
    let (_, body) = server.login("ada", PASSWORD);
    let revoked = body["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(server.post("/auth/logout", &json!({"refresh_token": body["refresh_token"]})).0, 200);
    let events = place.json(&["audit"]).as_array().map(Vec::len);
    drop(server);
    // A machine that starts with a time of after all retentions, until the network corrects it.
    let server =
        place.start_with(&[("LD_PRELOAD", FAKETIME), ("FAKETIME", "+400d"), ("DONT_FAKE_MONOTONIC", "1")], &["serve"]);
    assert_eq!(server.me(&kept), Err("token_expired".to_owned()));
    thread::sleep(Duration::from_secs(2));
    drop(server);
    assert_eq!(place.json(&["audit"]).as_array().map(Vec::len), events, "the audit log is whole");
    let server = place.start(&["serve"]);
    assert!(server.me(&kept).is_ok(), "nobody is signed out by it");
    assert_eq!(server.me(&revoked), Err("token_revoked".to_owned()));
    drop(server);
    // An hour back: refreshes, logins and revocations hold.
    let server =
        place.start_with(&[("LD_PRELOAD", FAKETIME), ("FAKETIME", "-1h"), ("DONT_FAKE_MONOTONIC", "1")], &["serve"]);
    assert!(server.me(&server.token("ada", PASSWORD)).is_ok());
    assert!(server.me(&revoked).is_err());
}

/// Seconds.
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// Returns the time of this machine, in seconds.
#[expect(clippy::disallowed_methods, reason = "the server of this test has the time of the machine and an offset")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("a time")
}

/// Returns the claim `iat` of an access token.
fn issued_at(token: &str) -> i64 {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims")).expect("base64url");
    serde_json::from_slice::<Value>(&claims).expect("JSON")["iat"].as_i64().expect("a time")
}

/// Returns the access token of an answer, and its refresh token.
fn tokens((status, body): (u16, Value)) -> (String, Value) {
    assert_eq!(status, 200, "{body}");
    (body["access_token"].as_str().expect("a token").to_owned(), body["refresh_token"].clone())
}

#[test]
fn a_clock_that_jumps_while_the_server_runs_signs_nobody_out_and_lets_nobody_in() {
    assert!(Path::new(FAKETIME).exists(), "install the package faketime");
    let place = place();
    place.write("offset", "+0");
    let offset = place.path("offset");
    // The server reads the offset of its clock again and again. The time since its start, which nobody sets, is the real one.
    let variables = [
        ("LD_PRELOAD", FAKETIME),
        ("FAKETIME_TIMESTAMP_FILE", offset.to_str().expect("a path")),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    let server = place.start_with(&variables, &["serve"]);
    let refresh = |token: &Value| tokens(server.post("/auth/refresh", &json!({"refresh_token": token})));
    let (first, mut held) = tokens(server.login("ada", PASSWORD));
    let (revoked, leaving) = tokens(server.login("ada", PASSWORD));
    assert_eq!(server.post("/auth/logout", &json!({"refresh_token": leaving})).0, 200);
    for (jump, seconds) in
        [("+1d", DAY), ("+0", 0), ("-1h", -HOUR), ("+0", 0), ("-1h", -HOUR), ("+1d", DAY), ("-1h", -HOUR), ("+0", 0)]
    {
        place.write("offset", jump);
        let (access, next) = refresh(&held);
        let off = issued_at(&access) - now() - seconds;
        assert!((-60..=60).contains(&off), "{jump}: the clock of the server is {off} seconds off");
        assert!(server.me(&access).is_ok(), "{jump}: the session goes on");
        held = next;
        let (access, leaving) = tokens(server.login("ada", PASSWORD));
        assert!(server.me(&access).is_ok(), "{jump}: a login works");
        assert_eq!(server.post("/auth/logout", &json!({"refresh_token": leaving})).0, 200);
        assert!(server.me(&access).is_err(), "{jump}: a logout is in force");
        assert!(server.me(&revoked).is_err(), "{jump}: what was revoked stays revoked");
        assert_eq!(server.post("/auth/refresh", &json!({"refresh_token": leaving})).0, 401, "{jump}");
        assert_eq!(ready(&server, "database"), (200, "ok".into()), "{jump}");
    }
    assert!(server.me(&first).is_ok(), "a token of before the jumps is good until its own expiry");
    assert_eq!(server.me(&revoked), Err("token_revoked".to_owned()));
}
