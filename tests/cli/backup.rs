//! The commands `backup` and `check`, and the copies that the server makes by itself.

use std::{
    fs,
    os::unix::fs::symlink,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    database::{change, refused},
    disk::{Disk, names},
    support::{PASSWORD, Place, Server, mode},
};

/// The time within which a server with an interval of one second makes a copy.
const SOON: Duration = Duration::from_secs(20);

/// Waits until `found` returns a value.
fn soon<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(begun.elapsed() < SOON, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Returns what `check --json` says, and whether it succeeded.
fn check(place: &Place, arguments: &[&str]) -> (Option<i32>, Value) {
    let done = place.run(&[&["check", "--json"], arguments].concat());
    (done.code, serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}")))
}

#[test]
fn a_copy_is_made_while_the_server_writes_and_signs_in_with_its_secret_alone() {
    let place = Place::new().set("VESTIBULE_ISSUER", "http://auth.test");
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    server.token("ada", PASSWORD);
    thread::scope(|scope| {
        let copying = scope.spawn(|| {
            for _ in 0..3 {
                let done = place.run(&["backup", "copy.db"]);
                assert_eq!(done.code, Some(0), "{done:?}");
                let said = &done.stdout;
                assert!(said.contains("opened the copy and checked it") && said.contains("secret.key"), "{done:?}");
                assert!(done.stderr.contains("on the same disk"), "{done:?}");
            }
        });
        while !copying.is_finished() {
            server.token("ada", PASSWORD);
        }
        copying.join().expect("no panic");
    });
    assert_eq!(mode(&place.path("copy.db")), 0o600);
    assert_eq!(check(&place, &["copy.db"]).0, Some(0));
    assert!(names(place.path("").as_path()).iter().all(|name| !name.contains("partial")), "nothing is left behind");

    let other = Place::new().set("VESTIBULE_ISSUER", "http://auth.test");
    fs::create_dir(other.path("data")).expect("a directory");
    fs::copy(place.path("copy.db"), other.path("data/vestibule.db")).expect("a copy");
    fs::copy(place.path("data/secret.key"), other.path("data/secret.key")).expect("a copy");
    other.start(&["serve"]).token("ada", PASSWORD);

    fs::rename(other.path("data/secret.key"), other.path("secret")).expect("it is moved");
    let said = other.run(&["backup", "copy.db"]).stdout;
    assert!(
        said.contains("the root secret, which is not in the data directory") && !said.contains("secret.key"),
        "{said}"
    );
}

#[test]
fn a_copy_replaces_nothing_but_a_copy() {
    let place = Place::new();
    place.add_user(&["ada"]);
    place.write("letter.txt", "dear Ada");
    place.write("empty", "");
    fs::create_dir(place.path("directory")).expect("a directory");
    symlink("data/vestibule.db", place.path("link.db")).expect("a link");
    fs::hard_link(place.path("letter.txt"), place.path("letter2.txt")).expect("a link");
    place.run(&["backup", "other.db"]);
    place.write("other.db-wal", "");
    let before = fs::read(place.path("data/vestibule.db")).expect("the database");
    for (target, why) in [
        ("letter.txt", "is not a copy of a database"),
        ("empty", "is not a copy of a database"),
        ("directory", "it is a directory"),
        ("no/such/directory/copy.db", "create it first"),
        ("data/vestibule.db", "this is the database itself"),
        ("./data/../data/vestibule.db", "this is the database itself"),
        ("link.db", "this is the database itself"),
        ("data/vestibule.db-wal", "for the files of the database"),
        ("data/vestibule.db.lock", "for the files of the database"),
        ("data/vestibule.db.restoring", "for the files of the database"),
        ("data/secret.key", "for the files of the database"),
        ("data/secret.key.new", "for the files of the database"),
        ("other.db", "a server uses or has used"),
        ("/proc/copy.db", "can't write the copy"),
    ] {
        let said = place.run(&["backup", target]).failed();
        assert!(said.contains(why), "{target}: {said}");
    }
    assert_eq!(fs::read(place.path("data/vestibule.db")).expect("the database"), before);
    assert_eq!(fs::read_to_string(place.path("letter.txt")).expect("the letter"), "dear Ada");
    assert!(place.path("data/secret.key").exists() && !place.path("data/vestibule.db.restoring").exists());
    fs::remove_file(place.path("other.db-wal")).expect("it is removed");
    assert_eq!(place.run(&["backup", "other.db"]).code, Some(0), "an earlier copy is replaced");
    let disk = Disk::new(64);
    let said = place.run(&["backup", &disk.text("copy.db")]).failed();
    assert!(said.contains("free space on the disk of the copy"), "{said}");
    assert_eq!(names(&disk.path("")), [""; 0], "nothing is left behind");
}

/// Changes to a sound database, each with a word of what `check` says about it.
const DAMAGES: [(&str, &str, &str); 11] = [
    ("create trigger t after insert on USERS begin select 1; end", "tables", "trigger t on USERS"),
    ("create unique index i on users (disabled_at)", "tables", "index i on users"),
    ("drop trigger audit_events_are_not_removed", "tables", "trigger audit_events_are_not_removed is missing"),
    ("create trigger t after insert on users begin select 1; end", "tables", "trigger t on users"),
    ("drop index sessions_by_user", "tables", "sessions_by_user is missing"),
    ("alter table users add column extra text", "tables", "table users was altered"),
    (
        "pragma foreign_keys = off; insert into user_roles values ('nobody', 'admin')",
        "references",
        "1 rows of user_roles refer to rows of users",
    ),
    ("drop trigger roles_admin_stays; delete from roles", "rules", "the role admin does not exist"),
    ("insert into user_permissions select id, char(34) from users", "rows", "table users"),
    (
        "update sessions set revoked_at = 1, revoked_reason = 'logout', access_expires_at = 99999999999; delete from changes",
        "rules",
        "the feed of changes does not say so",
    ),
    ("update sessions set generations_made_at = '[1, \"x\"]'", "rows", "table sessions"),
];

#[test]
fn every_kind_of_damage_is_found_and_is_not_copied() {
    let sound = Place::new();
    sound.add_user(&["ada"]);
    sound.start(&["serve"]).token("ada", PASSWORD);
    assert_eq!(check(&sound, &[]).0, Some(0));
    for (damage, name, what) in DAMAGES {
        let place = Place::new();
        fs::create_dir(place.path("data")).expect("a directory");
        for file in ["vestibule.db", "secret.key"] {
            fs::copy(sound.path("data").join(file), place.path("data").join(file)).expect("a copy");
        }
        change(&place, damage);
        let (code, report) = check(&place, &[]);
        let problems = report["checks"][name]["problems"].to_string();
        assert!(
            code == Some(1) && report["ok"] == false && problems.contains(&what.replace('"', "\\\"")),
            "{damage}: {report}"
        );
        let done = place.run(&["check"]);
        assert!(done.stderr.contains("vestibule restore") && done.stdout.contains(what), "{done:?}");
        let said = place.run(&["backup", "copy.db"]).failed();
        assert!(
            said.contains("is not sound, so it was not kept") && !place.path("copy.db").exists(),
            "{damage}: {said}"
        );
    }
}

#[test]
fn damaged_pages_a_foreign_secret_and_other_files_are_found() {
    let place = Place::new();
    place.add_user(&["ada"]);
    fs::copy(place.path("data/vestibule.db"), place.path("copy.db")).expect("a copy");
    let whole = fs::read(place.path("copy.db")).expect("the copy");
    for at in (4096..whole.len()).step_by(4096 * 3) {
        let mut torn = whole.clone();
        torn[at..at + 64].fill(0xa5);
        fs::write(place.path("copy.db"), torn).expect("it is written");
        assert_eq!(check(&place, &["copy.db"]).0, Some(1), "the page at {at}");
    }
    for kept in [100, 4096, whole.len() / 2] {
        fs::write(place.path("copy.db"), &whole[..kept]).expect("it is written");
        assert_eq!(place.run(&["check", "copy.db"]).code, Some(1), "{kept} bytes");
    }
    for (name, text) in [("empty", ""), ("letter", "SQLite format 3"), ("nothing", "")] {
        if name != "nothing" {
            place.write(name, text);
        }
        let said = place.run(&["check", name]).failed();
        assert!(said.contains("can't check"), "{said}");
        assert!(!place.path("nothing").exists(), "nothing is created");
    }
    place.write("data/secret.key", &"x".repeat(40));
    let (code, report) = check(&place, &[]);
    assert!(
        code == Some(1) && report["checks"]["secret"]["problems"].to_string().contains("does not belong"),
        "{report}"
    );
    assert!(Place::new().run(&["check"]).failed().contains("there is no database"));
    assert!(Place::new().run(&["backup", "copy.db"]).failed().contains("there is no database"));
}

/// Starts a server that copies its database to `backup_dir` every second.
fn start(place: &Place, backup_dir: &str, keep: &str) -> Server {
    place.start_with(
        &[("VESTIBULE_BACKUP_INTERVAL", "1"), ("VESTIBULE_BACKUP_DIR", backup_dir), ("VESTIBULE_BACKUP_KEEP", keep)],
        &["serve"],
    )
}

/// Returns the names of the copies in a directory.
fn copies(disk: &Disk, directory: &str) -> Vec<String> {
    let path = disk.path(directory);
    let is_copy = |name: &String| name.starts_with("vestibule-") && name.ends_with("Z.db");
    if path.exists() { names(&path).into_iter().filter(is_copy).collect() } else { Vec::new() }
}

/// Returns the state of a check of `/ready`.
fn ready(server: &Server, check: &str) -> (u16, String) {
    let (status, body) = server.get("/ready", "");
    (status, body["checks"][check]["state"].as_str().expect("a state").to_owned())
}

#[test]
fn the_server_copies_what_has_changed_and_keeps_a_number_of_copies() {
    let (place, disk) = (Place::new(), Disk::new(64 << 10));
    let server = start(&place, &disk.text("copies"), "3");
    let first = soon("a copy", || copies(&disk, "copies").pop());
    let file = disk.path("copies").join(&first);
    assert_eq!((mode(&disk.path("copies")), mode(&file)), (0o700, 0o600));
    assert_eq!(check(&place, &[&file.display().to_string()]).0, Some(0));
    assert_eq!(ready(&server, "backups"), (200, "ok".to_owned()));

    // Files of others stay, and what an interrupted copy has left goes.
    for name in ["vestibule-20200101T000000Z.db.old", "letter.txt", ".vestibule-20200101T000000Z.db.abc.partial"] {
        fs::write(disk.path("copies").join(name), "x").expect("a file");
    }
    fs::write(disk.path("copies").join("vestibule-20200101T000000Z.db"), "x").expect("a file");
    for number in 0..5 {
        let before = copies(&disk, "copies").pop();
        place.add_user(&[&format!("user{number}")]);
        soon("a further copy", || copies(&disk, "copies").pop().filter(|newest| Some(newest) != before.as_ref()));
    }
    soon("only three copies", || (copies(&disk, "copies").len() <= 3).then_some(()));
    let left = names(&disk.path("copies"));
    assert!(
        left.contains(&"letter.txt".to_owned()) && left.contains(&"vestibule-20200101T000000Z.db.old".to_owned()),
        "{left:?}"
    );
    assert!(!left.iter().any(|name| name.contains("20200101T000000Z.db.abc")), "{left:?}");
    assert!(!left.contains(&first), "{left:?}");

    // Nothing changes, so no copy is made, although `/ready` writes a row.
    let newest = copies(&disk, "copies").pop();
    for _ in 0..6 {
        ready(&server, "database");
        thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(copies(&disk, "copies").pop(), newest);
    let newest = disk.path("copies").join(newest.expect("a copy")).display().to_string();
    drop(server);
    place.run(&["restore", &newest, "--yes"]).succeeded();
    assert_eq!(place.json(&["user", "list"]).as_array().map(Vec::len), Some(5));
}

#[test]
fn a_copy_that_can_t_be_made_is_a_warning_and_the_earlier_ones_stay() {
    let (place, disk) = (Place::new(), Disk::new(2048));
    place.add_user(&["ada"]);
    let server = start(&place, &disk.text("copies"), "7");
    let first = soon("a copy", || copies(&disk, "copies").pop());
    let ballast = disk.fill();
    place.add_user(&["bob"]);
    soon("a warning", || (ready(&server, "backups") == (200, "warning".to_owned())).then_some(()));
    assert_eq!(copies(&disk, "copies"), std::slice::from_ref(&first));
    assert!(server.me(&server.token("ada", PASSWORD)).is_ok(), "the server works nevertheless");
    fs::remove_file(ballast).expect("it is removed");
    soon("it recovers", || (ready(&server, "backups") == (200, "ok".to_owned())).then_some(()));
    assert_ne!(copies(&disk, "copies").pop(), Some(first));

    // Directories that can't be used, each without an end of the service. The admin's page has the whole reason.
    fs::write(disk.path("file"), "x").expect("a file");
    fs::create_dir(disk.path("open")).expect("a directory");
    fs::set_permissions(disk.path("open"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("it is opened");
    for (directory, reason) in [
        ("file", "can&#x27;t use the directory of the copies {}: File exists"),
        ("open", "its group or others can write {} (mode 777); run `chmod go-w` on it"),
        ("copies", "{} has the copies of another database; choose another backup_dir"),
    ] {
        let other = Place::new();
        other.add_user(&["root", "--role", "admin"]);
        let server = start(&other, &disk.text(directory), "7");
        soon(directory, || (ready(&server, "backups") == (200, "warning".to_owned())).then_some(()));
        let page = server.admin_page_of("root").replace("&#x2F;", "/");
        let told = format!("The database could not be copied: {}", reason.replace("{}", &disk.text(directory)));
        assert!(page.contains(&told), "{told}: {page}");
        let (_, _, log) = server.stop();
        assert!(log.iter().any(|line| line.contains("can't copy the database")), "{log:?}");
    }
    drop(server);
}

#[test]
fn copies_are_off_where_they_make_no_sense() {
    let disk = Disk::new(2048);
    for (name, value) in [
        ("VESTIBULE_BACKUP_INTERVAL", "0"),
        ("VESTIBULE_BACKUP_KEEP", "0"),
        ("VESTIBULE_DATABASE_URL", "sqlite::memory:"),
    ] {
        let place = Place::new();
        let server = place.start_with(&[("VESTIBULE_BACKUP_DIR", &disk.text("copies")), (name, value)], &["serve"]);
        let privacy = server.get("/privacy", "").1.to_string();
        assert!(privacy.contains("for longer; ask the operator"), "{privacy}");
    }
    let shown = Place::new().json(&["config", "show"]);
    let text = shown.to_string();
    assert!(text.contains("backup_interval") && text.contains("backup_dir") && text.contains("backup_keep"), "{text}");
    let privacy = Place::new().start(&["serve"]).get("/privacy", "").1.to_string();
    assert!(privacy.contains("at most 8 days later"), "{privacy}");
    assert_eq!(json!(names(&disk.path(""))), json!([]));
}

#[test]
fn the_tables_refuse_every_change_of_the_audit_log() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    server.token("ada", PASSWORD);
    server.login("nobody", PASSWORD);
    drop(server);
    let before = place.json(&["audit"]);
    for statement in [
        "update audit_events set event = 'other'",
        "update audit_events set at = at + 1",
        "update audit_events set detail = '{\"x\":1}'",
        "update audit_events set ip = '1.2.3.4'",
        "update audit_events set ip = null, detail = '{}' where event = 'login_succeeded'",
        "update audit_events set user_id = null, session_id = null, ip = null, detail = '{}' where user_id is not null",
        "update audit_events set ip = null, actor = 'deleted_user'",
        "update audit_events set ip = null, actor = 'deleted_user' where actor = 'command_line'",
        "delete from audit_events",
        "delete from audit_events where event = 'login_failed'",
        "replace into audit_events (id, at, event) values (1, 5, 'nothing')",
        "insert or replace into audit_events (id, at, event) select id, 0, 'x' from audit_events",
        "insert into audit_events (id, at, event) values (1, 0, 'x') on conflict do update set at = 0",
    ] {
        let said = refused(&place, statement);
        assert!(said.contains("audit events"), "{statement}: {said}");
    }
    assert_eq!(place.json(&["audit"]), before);
}
