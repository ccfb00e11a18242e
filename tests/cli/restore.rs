//! The command `restore`: what it brings back, what it must not bring back, and what it refuses.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    database::{FROM_THE_FUTURE, WITHOUT_HISTORY, change, count_events},
    disk::names,
    opening::old_place,
    support::{PASSWORD, Place, Server, mode},
};

/// Returns a place with the user `ada`, whose tokens survive a restart on another port.
fn place() -> Place {
    let place = Place::new().set("VESTIBULE_ISSUER", "http://auth.test").set("VESTIBULE_BACKUP_INTERVAL", "0");
    place.add_user(&["ada"]);
    place
}

/// The tokens of a login.
struct Tokens {
    access: String,
    refresh: String,
}

fn login(server: &Server, name: &str) -> Tokens {
    let (status, body) = server.login(name, PASSWORD);
    assert_eq!(status, 200, "{body}");
    let text = |field: &str| body[field].as_str().expect("a token").to_owned();
    Tokens { access: text("access_token"), refresh: text("refresh_token") }
}

/// Refreshes. Returns the error code if it is refused.
fn refresh(server: &Server, token: &str) -> Result<Tokens, String> {
    match server.post("/auth/refresh", &json!({"refresh_token": token})) {
        (200, body) => {
            let text = |field: &str| body[field].as_str().expect("a token").to_owned();
            Ok(Tokens { access: text("access_token"), refresh: text("refresh_token") })
        }
        (401, body) => Err(body["error"].as_str().expect("a code").to_owned()),
        other => panic!("{other:?}"),
    }
}

fn backup(place: &Place) {
    assert_eq!(place.run(&["backup", "copy.db"]).code, Some(0));
}

/// Restores the copy. Returns what the command prints.
fn restore(place: &Place, arguments: &[&str]) -> String {
    place.run(&[&["restore", "copy.db"], arguments].concat()).succeeded()
}

/// Returns the replaced databases.
fn aside(place: &Place) -> Vec<PathBuf> {
    let all = names(&place.path("data")).into_iter().filter(|name| name.contains(".replaced-"));
    all.map(|name| place.path("data").join(name)).collect()
}

#[test]
fn a_restore_brings_accounts_back_and_no_token_of_before() {
    let place = place();
    let server = place.start(&["serve"]);
    let kept = login(&server, "ada");
    backup(&place);
    let signed_out = login(&server, "ada");
    server.post("/auth/logout", &json!({"refresh_token": signed_out.refresh}));
    place.add_user(&["eve"]);
    let eve = login(&server, "eve");
    let rotated = refresh(&server, &kept.refresh).expect("tokens");
    let link = place.succeed(&["user", "reset", "ada"]);
    let said = place.run(&["restore", "copy.db", "--yes"]).failed();
    assert!(said.contains("another server is running"), "{said}");
    drop(server);
    let said = restore(&place, &["--yes"]);
    assert!(said.contains("data/vestibule.db is now the copy of 20"), "{said}");
    assert!(said.contains("everybody has to sign in again: 1 sessions and 1 links ended"), "{said}");
    assert!(said.contains("added since the copy, and gone now: eve"), "{said}");
    assert_eq!(mode(&place.path("data/vestibule.db")), 0o600);
    assert_eq!(aside(&place).len(), 1);
    let replaced = aside(&place)[0].display().to_string();
    let time = replaced.rsplit(".replaced-").next().expect("a time");
    assert!(
        time.starts_with("20") && time.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "each has its time: {replaced}"
    );
    assert_eq!(place.run(&["check", &replaced]).code, Some(0));
    assert_eq!(count_events(&place, "database_restored"), 1);

    let server = place.start(&["serve"]);
    for tokens in [&kept, &signed_out, &eve, &rotated] {
        assert_eq!(server.me(&tokens.access), Err("token_revoked".to_owned()));
        assert_eq!(refresh(&server, &tokens.refresh).err().as_deref(), Some("token_revoked"));
    }
    let again = login(&server, "ada");
    assert!(server.me(&again.access).is_ok(), "a token of after the restore is accepted");
    let link = link.rsplit_once("/link").expect("a link").1;
    let (status, _) = server.get(&format!("/link{}", link.split_whitespace().next().expect("a link")), "");
    assert_eq!(status, 404, "the link is void");
    assert_eq!(server.login("eve", PASSWORD).0, 401);
}

#[test]
fn sessions_are_kept_on_request_and_a_token_ahead_of_its_row_is_seen() {
    let place = place();
    let server = place.start(&["serve"]);
    let first = login(&server, "ada");
    let ended = login(&server, "ada");
    backup(&place);
    let ahead = refresh(&server, &first.refresh).and_then(|tokens| refresh(&server, &tokens.refresh)).expect("tokens");
    server.post("/auth/logout", &json!({"refresh_token": ended.refresh}));
    drop(server);
    let said = restore(&place, &["--yes", "--keep-sessions"]);
    assert!(said.contains("the sessions of the copy were kept"), "{said}");
    let server = place.start(&["serve"]);
    let other_copy = |server: &Server| server.get("/ready", "").1["checks"]["other_copy"]["state"].clone();
    assert_eq!(other_copy(&server), "ok");
    assert!(server.me(&ahead.access).is_ok());
    let next = refresh(&server, &ahead.refresh).expect("tokens");
    assert!(server.me(&next.access).is_ok(), "nobody is signed out by mistake");
    assert_eq!(other_copy(&server), "warning");
    assert!(refresh(&server, &ended.refresh).is_ok(), "as the command has said");
}

#[test]
fn what_the_restore_undoes_is_named() {
    let place = place();
    for name in ["bob", "cleo", "dan", "finn"] {
        place.add_user(&[name]);
    }
    place.succeed(&["role", "set", "editor", "posts:write"]);
    place.succeed(&["user", "set", "finn", "--role", "editor"]);
    place.succeed(&["client", "add", "web", "--grant", "password"]);
    backup(&place);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    place.succeed(&["user", "disable", "bob"]);
    place.succeed(&["user", "delete", "cleo", "--yes"]);
    place.run_with_input(&["user", "passwd", "dan", "--password-stdin"], "another walk to the sea\n").succeeded();
    place.succeed(&["user", "set", "finn", "--no-role", "editor"]);
    place.succeed(&["client", "secret", "web"]);
    place.add_user(&["gus"]);
    let said = restore(&place, &["--yes"]);
    for line in [
        "disabled since the copy, and enabled again now: bob",
        "deleted since the copy, and there again now: cleo",
        "given a new password since the copy, and have the earlier one now: dan",
        "lost a role or a permission since the copy, and have it again now: finn",
        "added since the copy, and gone now: gus",
        "are as before now: web",
    ] {
        assert!(said.lines().any(|found| found.ends_with(line)), "{line}: {said}");
    }
    backup(&place);
    let said = restore(&place, &["--yes"]);
    assert!(!said.contains("since the copy"), "{said}");
}

#[test]
fn a_key_that_was_removed_since_the_copy_signs_nothing_again() {
    let place = place();
    let published = |server: &Server| server.get("/.well-known/jwks.json", "").1;
    let server = place.start(&["serve"]);
    let stolen = published(&server)["keys"][0]["kid"].as_str().expect("a name").to_owned();
    backup(&place);
    place.succeed(&["keys", "rotate", "--now"]);
    place.succeed(&["keys", "retire", &stolen]);
    drop(server);
    let before = place.json(&["keys", "list"]);
    restore(&place, &["--yes"]);
    assert_eq!(place.json(&["keys", "list"]), before);
    let server = place.start(&["serve"]);
    assert!(!published(&server).to_string().contains(&stolen));
    assert!(server.me(&login(&server, "ada").access).is_ok());
}

#[test]
fn an_empty_directory_needs_no_question_and_says_that_the_secret_is_missing() {
    let place = place();
    login(&place.start(&["serve"]), "ada");
    backup(&place);
    let other = Place::new().set("VESTIBULE_ISSUER", "http://auth.test");
    fs::copy(place.path("copy.db"), other.path("copy.db")).expect("a copy");
    let said = restore(&other, &[]);
    assert!(said.contains("the root secret is missing") && aside(&other).is_empty(), "{said}");
    let said = other.run(&["serve"]).failed();
    assert!(said.contains("secret.key is missing"), "{said}");
    fs::copy(place.path("data/secret.key"), other.path("data/secret.key")).expect("a copy");
    login(&other.start(&["serve"]), "ada");

    // A person who has lost the secret starts over.
    let lost = Place::new();
    fs::copy(place.path("copy.db"), lost.path("copy.db")).expect("a copy");
    restore(&lost, &[]);
    lost.succeed(&["keys", "recover", "--lost-secret", "--yes"]);
    login(&lost.start(&["serve"]), "ada");
}

#[test]
fn a_file_that_is_not_a_sound_copy_of_this_program_is_refused() {
    let place = place();
    backup(&place);
    let before = fs::read(place.path("data/vestibule.db")).expect("the database");
    let copy = fs::read(place.path("copy.db")).expect("the copy");
    place.write("letter", "dear Ada");
    let mut torn = copy.clone();
    torn[8192..12288].fill(0xa5);
    fs::write(place.path("torn.db"), torn).expect("it is written");
    fs::write(place.path("half.db"), &copy[..copy.len() / 2]).expect("it is written");
    let altered = |name: &str, statements: &'static str| {
        let other = Place::new();
        fs::create_dir(other.path("data")).expect("a directory");
        fs::write(other.path("data/vestibule.db"), &copy).expect("it is written");
        change(&other, statements);
        fs::copy(other.path("data/vestibule.db"), place.path(name)).expect("a copy");
    };
    altered("newer.db", FROM_THE_FUTURE);
    altered("triggers.db", "drop trigger audit_events_are_not_altered");
    altered("stranger.db", WITHOUT_HISTORY);
    for (file, why) in [
        ("nothing", "No such file"),
        ("letter", "it is not a SQLite database"),
        ("data", "it is not a SQLite database"),
        ("torn.db", "can't"),
        ("half.db", "can't"),
        ("newer.db", "newer version of Vestibule"),
        ("triggers.db", "trigger audit_events_are_not_altered is missing"),
        ("stranger.db", "not a database of Vestibule"),
        ("data/vestibule.db", "this is the database itself"),
    ] {
        let said = place.run(&["restore", file, "--yes"]).failed();
        let is_damage =
            ["torn.db", "half.db"].contains(&file) && (said.contains("is not sound") || said.contains("malformed"));
        assert!(
            (said.contains(why) || is_damage) && said.contains(file.trim_end_matches("/vestibule.db")),
            "{file}: {said}"
        );
    }
    let said = place.run(&["restore", "copy.db"]).failed();
    assert!(said.contains("--yes"), "{said}");
    assert_eq!(fs::read(place.path("data/vestibule.db")).expect("the database"), before);
    let left = names(&place.path("data"));
    assert!(left.iter().all(|name| !name.contains("partial") && !name.contains("restoring")), "{left:?}");
    place.write("data/secret.key", &"y".repeat(40));
    let said = place.run(&["restore", "copy.db", "--yes"]).failed();
    assert!(said.contains("secret.key does not belong to the copy"), "{said}");
    let configured = [("VESTIBULE_ROOT_SECRET", "n0tT2uUqH1yq7m3b8FzRZl5xwKc4VdEo")];
    let said = place.run_with(&configured, &["restore", "copy.db", "--yes"]).failed();
    assert!(said.contains("the configured root secret does not belong") && !said.contains("secret.key"), "{said}");
    assert_eq!(fs::read(place.path("data/vestibule.db")).expect("the database"), before);
}

#[test]
fn a_damaged_database_is_replaced_and_kept() {
    let place = place();
    backup(&place);
    fs::write(place.path("data/vestibule.db"), "not a database at all").expect("it is written");
    assert!(!place.run(&["serve"]).failed().is_empty());
    let said = restore(&place, &["--yes"]);
    assert!(said.contains("the replaced database can't be read"), "{said}");
    assert_eq!(fs::read_to_string(&aside(&place)[0]).expect("it is kept"), "not a database at all");
    login(&place.start(&["serve"]), "ada");
}

#[test]
fn a_restore_that_was_interrupted_starts_no_empty_database() {
    let place = place();
    backup(&place);
    // The moments of an interruption: before the old database was put aside, and after.
    for is_aside in [false, true] {
        fs::copy(place.path("copy.db"), place.path("data/vestibule.db.restoring")).expect("a copy");
        if is_aside {
            fs::rename(place.path("data/vestibule.db"), place.path("data/vestibule.db.replaced-x")).expect("a name");
        }
        for command in [&["serve"][..], &["user", "list"], &["user", "add", "eve", "--generate"]] {
            let said = place.run(command).failed();
            assert!(said.contains("was interrupted") || said.contains("there is no database"), "{said}");
        }
        assert_eq!(place.path("data/vestibule.db").exists(), !is_aside, "nothing is created");
        restore(&place, &["--yes"]);
        assert!(!place.path("data/vestibule.db.restoring").exists());
        assert_eq!(place.json(&["user", "list"]).as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn a_copy_of_the_first_release_is_brought_up_to_date() {
    let place = old_place();
    backup(&place);
    assert_eq!(place.run(&["check"]).code, Some(0), "tables of an earlier version are no damage");
    let users = |place: &Place| -> Value { place.json(&["user", "list"]) };
    restore(&place, &["--yes"]);
    assert_eq!(place.run(&["check"]).code, Some(0));
    assert!(!users(&place).as_array().expect("users").is_empty());
}

#[test]
fn a_database_is_copied_before_a_migration_that_makes_a_table_anew() {
    let place = old_place();
    place.json(&["user", "list"]);
    let copies = names(&place.path("data/backups"));
    assert_eq!(copies.len(), 1, "{copies:?}");
    let copy = place.path("data/backups").join(&copies[0]);
    assert_eq!(mode(&copy), 0o600);
    let report = place.run(&["check", &copy.display().to_string()]);
    assert!(report.code == Some(0) && report.stderr.contains("earlier version"), "{report:?}");
    place.json(&["user", "list"]);
    assert_eq!(names(&place.path("data/backups")).len(), 1, "nothing is left to migrate");

    // A directory that can't be used stops the migration before it begins.
    let place = old_place();
    place.write("data/backups", "a file");
    let before = fs::read(place.path("data/vestibule.db")).expect("the database");
    let said = place.run(&["user", "list"]).failed();
    assert!(said.contains("backups"), "{said}");
    assert_eq!(fs::read(place.path("data/vestibule.db")).expect("the database"), before);
}

#[test]
fn a_present_database_whose_keys_can_not_be_read_does_not_stop_a_restore() {
    let place = place();
    let server = place.start(&["serve"]);
    login(&server, "ada");
    backup(&place);
    drop(server);
    change(&place, "alter table signing_keys drop column signs_from");
    restore(&place, &["--yes"]);
    assert_eq!(place.run(&["check"]).code, Some(0));
    login(&place.start(&["serve"]), "ada");
}

#[test]
fn a_restore_that_is_repeated_after_an_interruption_knows_what_it_undoes() {
    let place = place();
    let server = place.start(&["serve"]);
    let stolen = server.get("/.well-known/jwks.json", "").1["keys"][0]["kid"].as_str().expect("a name").to_owned();
    backup(&place);
    place.succeed(&["keys", "rotate", "--now"]);
    place.succeed(&["keys", "retire", &stolen]);
    place.succeed(&["user", "disable", "ada"]);
    server.stop();
    // As a kill between the renames leaves it, with a draft of a restore that was killed before.
    fs::copy(place.path("copy.db"), place.path("data/vestibule.db.restoring")).expect("a copy");
    fs::rename(place.path("data/vestibule.db"), place.path("data/vestibule.db.replaced-20260101T000000Z"))
        .expect("a name");
    place.write("data/.vestibule.db.abc.partial", "half of a database");
    let said = restore(&place, &["--yes"]);
    assert!(said.contains("enabled again now: ada") && said.contains("replaced-20260101T000000Z"), "{said}");
    assert!(!place.json(&["keys", "list"]).to_string().contains(&stolen), "the key stays removed");
    assert!(!place.path("data/.vestibule.db.abc.partial").exists());
}

#[test]
fn tokens_of_before_stay_ended_whatever_lifetime_the_restore_knows() {
    let place = place();
    let server = place.start(&["serve"]);
    let before = login(&server, "ada");
    backup(&place);
    drop(server);
    place.run_with(&[("VESTIBULE_ACCESS_TOKEN_LIFETIME", "1s")], &["restore", "copy.db", "--yes"]).succeeded();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let server = place.start(&["serve"]);
    assert_eq!(server.me(&before.access), Err("token_revoked".to_owned()));
}

#[test]
fn a_command_of_root_follows_no_link_in_the_directory_of_another_user() {
    use std::os::unix::fs::{MetadataExt as _, chown, symlink};
    let nobody = 65534;
    for name in ["vestibule.db.opening-lock", "vestibule.db.lock"] {
        let place = place();
        backup(&place);
        place.write("of-root", "");
        for path in ["data", "data/vestibule.db", "data/secret.key"] {
            chown(place.path(path), Some(nobody), Some(nobody)).expect("the owner is changed");
        }
        fs::remove_file(place.path("data").join(name)).ok();
        symlink(place.path("of-root"), place.path("data").join(name)).expect("a link");
        for command in [&["user", "list"][..], &["restore", "copy.db", "--yes"]] {
            place.run(command);
        }
        let found = fs::metadata(place.path("of-root")).expect("the file");
        assert_eq!((found.uid(), found.len()), (0, 0), "{name}");
    }
}
