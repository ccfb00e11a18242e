//! Opening a database: several processes at once, several paths to one file, and files that other users can write.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    thread,
};

use crate::{
    database,
    disk::Disk,
    support::{PASSWORD, Place},
};

/// The number of times that two programs are started at the same moment.
const ROUNDS: usize = 50;

/// The database of release 0.1.0, and its root secret.
const OLD_DATABASE: &str = include_str!("../databases/0.1.0.sql");
const OLD_SECRET: &str = include_str!("../databases/0.1.0.key");

/// Returns a place with the data directory that release 0.1.0 left.
pub(crate) fn old_place() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("data")).expect("a directory");
    place.write("data/secret.key", OLD_SECRET);
    for private in [place.path("data"), place.path("data/secret.key")] {
        fs::set_permissions(private, fs::Permissions::from_mode(0o700)).expect("the mode is set");
    }
    database::restore(&place, OLD_DATABASE);
    place
}

/// Starts two programs at the same moment, another pair in each round. Panics if one of them fails.
fn two_at_once(round: usize, place: &Place) {
    let add = |name: &'static str| move || place.add_user(&[name]);
    let serve = || {
        let server = place.start(&["serve"]);
        assert_eq!(server.get("/health", "").0, 200);
    };
    thread::scope(|scope| {
        scope.spawn(add("bob"));
        match round % 3 {
            0 => scope.spawn(serve),
            1 => scope.spawn(add("eve")),
            _ => scope.spawn(|| {
                // It makes no database, so it fails if it is the first.
                let list = place.run(&["user", "list"]);
                assert!(list.code == Some(0) || list.failed().contains("there is no database"));
            }),
        };
    });
    let users = place.json(&["user", "list"]).to_string();
    assert!(users.contains("bob") && (round % 3 != 1 || users.contains("eve")), "{users}");
    // Only a server generates a key.
    let keys = place.json(&["keys", "list"]).as_array().expect("keys").len();
    assert!(keys == 1 || (keys == 0 && !round.is_multiple_of(3)), "{keys} keys");
}

#[test]
fn two_programs_started_at_once_on_an_empty_directory_both_succeed() {
    for round in 0..ROUNDS {
        two_at_once(round, &Place::new());
    }
}

#[test]
fn two_programs_started_at_once_on_an_old_database_both_succeed() {
    for round in 0..ROUNDS {
        let place = old_place();
        two_at_once(round, &place);
        if round % 10 == 0 {
            place.start(&["serve"]).token("ada", PASSWORD);
        }
    }
}

#[test]
fn no_other_path_to_the_file_permits_a_second_server() {
    let place = Place::new();
    place.add_user(&["ada"]);
    symlink(place.path("data/vestibule.db"), place.path("data/absolute.db")).expect("a link");
    symlink("vestibule.db", place.path("data/relative.db")).expect("a link");
    symlink("relative.db", place.path("data/chained.db")).expect("a link");
    symlink("data", place.path("linked")).expect("a link");
    let urls = [
        "sqlite:data/absolute.db",
        "sqlite:data/relative.db",
        "sqlite:data/chained.db",
        "sqlite:linked/vestibule.db",
        "sqlite:linked/chained.db",
        "sqlite:data/../linked/../data/./vestibule.db",
    ];
    let server = place.start(&["serve"]);
    for url in urls {
        let refusal = place.run_with(&[("VESTIBULE_DATABASE_URL", url)], &["serve", "--port", "0"]).failed();
        assert!(refusal.contains("another server is running on the database"), "{url}: {refusal}");
    }
    assert_eq!(server.get("/health", "").0, 200);
    drop(server);
    // The reverse: a database that is served under another path is locked under its own path too.
    for url in urls {
        let server = place.start_with(&[("VESTIBULE_DATABASE_URL", url)], &["serve"]);
        server.token("ada", PASSWORD);
        let refusal = place.run(&["serve", "--port", "0"]).failed();
        assert!(refusal.contains("another server is running on the database"), "{url}: {refusal}");
        place.succeed(&["user", "list"]);
    }
}

#[test]
fn a_link_to_a_file_that_does_not_exist_yet_is_followed() {
    let place = Place::new();
    fs::create_dir(place.path("data")).expect("a directory");
    symlink(place.path("volume/auth.db"), place.path("data/vestibule.db")).expect("a link");
    place.add_user(&["ada"]);
    assert!(place.path("volume/auth.db").is_file() && place.path("data/vestibule.db").is_symlink());
    symlink("loop.db", place.path("data/loop.db")).expect("a link");
    let variables = [("VESTIBULE_DATABASE_URL", "sqlite:data/loop.db")];
    let refusal = place.run_with(&variables, &["user", "list"]).failed();
    assert!(refusal.contains("can't find the database") && refusal.contains("loop.db"), "{refusal}");
}

#[test]
fn a_second_hard_link_is_refused() {
    let place = Place::new();
    place.add_user(&["ada"]);
    fs::hard_link(place.path("data/vestibule.db"), place.path("data/other.db")).expect("a link");
    for arguments in [vec!["serve", "--port", "0"], vec!["user", "list"], vec!["keys", "rotate"]] {
        for name in ["vestibule.db", "other.db"] {
            let url: &'static str =
                if name == "other.db" { "sqlite:data/other.db" } else { "sqlite:data/vestibule.db" };
            let refusal = place.run_with(&[("VESTIBULE_DATABASE_URL", url)], &arguments).failed();
            assert!(refusal.contains(name) && refusal.contains("has a second hard link"), "{refusal}");
        }
    }
    fs::remove_file(place.path("data/other.db")).expect("it goes");
    assert_eq!(place.json(&["user", "list"])[0]["username"], "ada");
}

#[test]
fn a_file_that_is_mounted_by_itself_is_refused() {
    let place = Place::new();
    place.add_user(&["ada"]);
    fs::create_dir(place.path("other")).expect("a directory");
    fs::write(place.path("other/auth.db"), "").expect("a file to mount on");
    let mounted = |command: &str| {
        let script = format!("mount --bind data/vestibule.db other/auth.db && {command}");
        let mut shell = Command::new("unshare");
        shell.args(["--mount", "sh", "-c", &script]).current_dir(place.path("."));
        // The environment of the test run may contain other settings, so the child gets only the variables of this test.
        shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        shell.env("VESTIBULE_DATABASE_URL", "sqlite:other/auth.db").output()
    };
    if !mounted("true").is_ok_and(|done| done.status.success()) {
        eprintln!("not tried: this machine lets nobody mount; how mounts are read has a test of its own");
        return;
    }
    for arguments in ["serve --port 0", "user list", "keys rotate"] {
        let refused =
            mounted(&format!("exec timeout 20 {} {arguments}", env!("CARGO_BIN_EXE_vestibule"))).expect("it runs");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("is mounted as a single file"), "{arguments}: {said}");
    }
    assert_eq!(place.json(&["user", "list"])[0]["username"], "ada");
}

#[test]
fn files_that_other_users_can_write_are_refused() {
    let place = Place::new();
    place.add_user(&["ada"]);
    fs::create_dir(place.path("elsewhere")).expect("a directory");
    fs::copy(place.path("data/vestibule.db"), place.path("elsewhere/auth.db")).expect("a copy");
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode is set");
    let elsewhere = [("VESTIBULE_DATABASE_URL", "sqlite:elsewhere/auth.db")];
    for (variables, relative, usual) in [
        (&[][..], "data", 0o700),
        (&[], "data/vestibule.db", 0o600),
        (&elsewhere, "elsewhere", 0o755),
        (&elsewhere, "elsewhere/auth.db", 0o600),
    ] {
        let path = place.path(relative);
        for mode in [0o777, 0o770, 0o722, 0o702, 0o720, 0o1777] {
            set(&path, mode);
            for arguments in [vec!["serve", "--port", "0"], vec!["user", "list"]] {
                let refusal = place.run_with(variables, &arguments).failed();
                let name = relative.rsplit('/').next().expect("a name");
                assert!(
                    refusal.contains(&format!("{name} (mode {mode:o})")) && refusal.contains("chmod go-w"),
                    "{relative}: {refusal}"
                );
            }
        }
        for mode in [0o755, 0o750, usual] {
            set(&path, mode);
            place.run_with(variables, &["user", "list"]).succeeded();
        }
    }
    // Nothing is created in a directory that is refused.
    let place = Place::new();
    fs::create_dir(place.path("data")).expect("a directory");
    set(&place.path("data"), 0o777);
    place.run(&["user", "list"]).failed();
    assert_eq!(fs::read_dir(place.path("data")).expect("the directory").count(), 0);
}

#[test]
fn a_migration_begins_only_after_its_copy_and_the_refusal_says_why_there_is_none() {
    let (place, disk) = (old_place(), Disk::new(2048));
    let copies = disk.text("copies");
    let users = |place: &Place| place.run_with(&[("VESTIBULE_BACKUP_DIR", &copies)], &["user", "list", "--json"]);
    fs::create_dir(disk.path("copies")).expect("a directory");
    let ballast = disk.fill();
    let database = fs::read(place.path("data/vestibule.db")).expect("the database");
    let refused = users(&place).failed();
    let reasons =
        ["must be updated to this version, and the copy before that failed (can't copy the database ", &copies];
    for part in reasons.into_iter().chain(["database or disk is full", "nothing was changed. Make room in "]) {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert_eq!(refused.matches("free space").count(), 0, "the database's own disk has room: {refused}");
    assert_eq!(fs::read(place.path("data/vestibule.db")).expect("the database"), database);
    assert_eq!(fs::read_dir(disk.path("copies")).expect("the directory").count(), 0);
    fs::remove_file(ballast).expect("it is removed");
    users(&place).succeeded();
    assert_eq!(fs::read_dir(disk.path("copies")).expect("the directory").count(), 1, "the copy");
}

#[test]
fn whichever_command_migrates_an_old_database_it_copies_it_before() {
    for command in [&["user", "list"][..], &["keys", "rewrap"], &["keys", "recover", "--lost-secret", "--yes"]] {
        let place = old_place();
        let done = place.run(command);
        assert_eq!(done.code, Some(0), "{command:?}: {}", done.stderr);
        assert_eq!(fs::read_dir(place.path("data/backups")).expect("the directory").count(), 1, "{command:?}");
        // No second copy: the tables are those of this version.
        place.succeed(&["user", "list"]);
        assert_eq!(fs::read_dir(place.path("data/backups")).expect("the directory").count(), 1, "{command:?}");
    }
}

#[test]
fn a_directory_in_which_no_copy_can_be_kept_stops_the_migration_and_is_named_as_such() {
    let place = old_place();
    place.write("file", "");
    fs::create_dir(place.path("open")).expect("a directory");
    fs::set_permissions(place.path("open"), fs::Permissions::from_mode(0o777)).expect("the mode is set");
    let database = fs::read(place.path("data/vestibule.db")).expect("the database");
    for (directory, reason) in
        [("file", "File exists"), ("file/below", "Not a directory"), ("open", "its group or others can write ")]
    {
        let refused = place.run_with(&[("VESTIBULE_BACKUP_DIR", directory)], &["user", "list"]).failed();
        for part in ["the copy before that failed (", reason, "nothing was changed", "set backup_dir to another"] {
            assert!(refused.contains(part), "{directory}: {part}: {refused}");
        }
        assert!(!refused.contains("data-dir"), "{directory}: {refused}");
    }
    assert_eq!(fs::read(place.path("data/vestibule.db")).expect("the database"), database);
    assert_eq!(fs::read_dir(place.path("open")).expect("the directory").count(), 0);
}

#[test]
fn a_kill_during_a_migration_loses_nothing_and_the_next_start_completes_it() {
    let before = old_place().json(&["user", "list"]);
    let (mut killed, mut at) = (0, 1);
    // strace kills the process before its nth write to a file; past the last write the command succeeds.
    loop {
        let place = old_place();
        let inject = format!("inject=pwrite64:signal=KILL:when={at}");
        let done =
            place.run_under("strace", &["-f", "-qq", "-o", "/dev/null", "-e", &inject], &["user", "list", "--json"]);
        let completed = done.code == Some(0);
        killed += u32::from(!completed);
        assert_eq!(place.json(&["user", "list"]), before, "killed before write {at}");
        let checked = place.run(&["check"]);
        assert_eq!(checked.code, Some(0), "killed before write {at}: {checked:?}");
        if completed {
            break;
        }
        // Every write at the beginning, where the log is created, and then some of them.
        at += 1 + at / 4;
    }
    assert!(killed > 5, "{killed} kills");
}
