//! Tests of the writer: a write that panics or fails does not affect other writes, and the end of the writer is reported. Also
//! tests that a second opening of the database in the same process releases no lock.

use std::{process::Command, sync::Arc, thread, time::Duration};

use rocket::{State, post, routes};
use serde_json::json;
use tokio::sync::Notify;
use vestibule::{
    Vestibule,
    clock::Clock,
    domain::{Email, UserId, Username},
    flows::open::{OpenError, Role, open},
    http::errors::ApiError,
    store::{
        self, Tx, sql,
        users::{self, NewUser, TakenName},
    },
};

use crate::support::{
    PASSWORD, Server,
    rows::{append_to_profile, insert_note},
    wait_for,
};

/// Panics within a write, as a route of an application could.
#[post("/panic")]
async fn panics(vestibule: &State<Arc<Vestibule>>) -> Result<(), ApiError> {
    let done: store::Result<()> = vestibule
        .store
        .write(async |tx| {
            insert_note(tx, "half", "done").await?;
            panic!("as a bug would")
        })
        .await;
    Ok(done?)
}

#[test]
fn a_write_that_panics_is_rolled_back_with_500_and_later_writes_succeed() {
    let server = Server::with_routes(vec![("max_devices_per_user", json!(0))], routes![panics]);
    let ada = server.user("ada");
    thread::scope(|scope| {
        for number in 0..50 {
            let server = &server;
            let ada = &ada;
            scope.spawn(move || {
                if number % 2 == 0 {
                    server.call("POST", "/test/panic").send().expect_error(500, "internal_error");
                } else {
                    // Some of these writes share a commit with writes that panic.
                    ada.login_with(json!({})).refreshed();
                }
            });
        }
    });
    assert_eq!(server.count_notes("half"), 0);
    assert_eq!(server.count_events("login_succeeded"), 25);
    let text = wait_for(async {
        let failed: store::Result<()> = server.vestibule.store.write(async |_| panic!("with {}", "a text")).await;
        failed.expect_err("it panicked").to_string()
    });
    assert_eq!(text, "a write panicked: with a text");
}

/// Ignores a failed statement within a write, as a route of an application could.
#[post("/swallows")]
async fn swallows(vestibule: &State<Arc<Vestibule>>) -> Result<(), ApiError> {
    let write = vestibule.store.write(async |tx| {
        insert_note(tx, "half", "done").await?;
        insert_note(tx, "half", "again").await.ok();
        Ok(())
    });
    Ok(write.await?)
}

#[test]
fn a_write_in_which_a_statement_failed_is_reported_as_failed() {
    let server = Server::with_routes(vec![], routes![swallows]);
    server.call("POST", "/test/swallows").send().expect_error(503, "storage_unavailable");
    assert_eq!(server.count_notes("half"), 0);
    server.user("ada").login();
}

#[test]
fn a_write_in_which_a_statement_failed_is_rolled_back_whatever_it_returned() {
    let server = Server::start();
    let store = &server.vestibule.store;
    let note = async |tx: &mut Tx, key: &'static str| insert_note(tx, key, "").await;
    let (good, bad, next) = wait_for(async {
        tokio::join!(
            store.write(async move |tx| note(tx, "good").await),
            store.write(async move |tx| {
                note(tx, "bad").await?;
                note(tx, "good").await.ok();
                Ok(())
            }),
            store.write(async move |tx| note(tx, "next").await),
        )
    });
    assert_eq!((good.expect("it is written"), next.expect("it is written")), (1, 1));
    assert!(matches!(&bad, Err(store::Error::Statement(text)) if text.contains("meta.key")), "{bad:?}");
    assert_eq!(server.empty_notes(), ["good", "next"]);
}

#[test]
fn a_taken_name_fails_no_statement() {
    let server = Server::start();
    let (ada, eve) = (server.user("ada"), server.user("eve"));
    let id = UserId::parse(&eve.id).expect("an id");
    let name = |name: &str| Some(Username::parse(name).expect("a name"));
    let address = |name: &str| Some(Email::parse(&format!("{name}@example.com")).expect("an address"));
    for (number, (username, email, taken)) in [
        (name("ADA"), address("eve"), Some(TakenName::Username)),
        (name("eve"), address("ada"), Some(TakenName::Email)),
        (name("ada"), address("ada"), Some(TakenName::Email)),
        (name("ada"), None, Some(TakenName::Username)),
        (name("eve"), address("eve"), None),
        (None, address("EVE"), None),
    ]
    .into_iter()
    .enumerate()
    {
        let new = NewUser {
            id: UserId::new(server.clock.now(), [u8::try_from(number).expect("few"); 10]),
            username: username.clone(),
            email: email.clone(),
            created_at: server.clock.now(),
        };
        let (renamed, made) = wait_for(server.vestibule.store.write(async move |tx| {
            append_to_profile(tx).await?;
            let renamed = users::set_names(tx, id, username.as_ref(), email.as_ref()).await?;
            Ok((renamed.err(), users::insert(tx, &new).await?.err()))
        }))
        .expect("the rest of the job is kept");
        assert_eq!(renamed, taken);
        assert!(made.is_some(), "all of these are somebody's");
    }
    assert_eq!(server.note("profile"), "dev++++++");
    assert_eq!(server.names_descending(), [&ada.name, "EVE@example.com"]);
}

/// A value that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("outside of every job");
    }
}

/// Ends the writer's thread: the caller of a write stops waiting, so the writer drops the result of the write, which panics.
async fn end_writer(vestibule: &Vestibule) {
    let left = Arc::new(Notify::new());
    let caller_left = Arc::clone(&left);
    let job = vestibule.store.write(async move |_| {
        caller_left.notified().await;
        Ok(Bomb)
    });
    assert!(tokio::time::timeout(Duration::from_millis(20), job).await.is_err(), "the job waits");
    left.notify_one();
}

#[test]
fn after_the_end_of_the_writer_the_application_is_notified_and_every_write_gets_503() {
    let server = Server::start();
    let session = server.user("ada").login();
    wait_for(async {
        let waits = tokio::time::timeout(Duration::from_millis(50), server.vestibule.writer_failed()).await;
        assert!(waits.is_err(), "it has not failed yet");
        end_writer(&server.vestibule).await;
        tokio::time::timeout(Duration::from_secs(20), server.vestibule.writer_failed()).await.expect("it is told");
        // A call after the end of the writer returns too.
        server.vestibule.writer_failed().await;
    });
    for (path, body) in [
        ("/auth/refresh", json!({"refresh_token": session.refresh})),
        ("/auth/login", json!({"username": "ada", "password": PASSWORD})),
        ("/auth/logout", json!({"refresh_token": session.refresh})),
    ] {
        let refused = server.post(path, body).expect_error(503, "storage_unavailable");
        assert!(refused.header("retry-after").is_some());
    }
    // Requests that only read are still served, and the application continues.
    session.get("/users/me").expect(200);
}

#[test]
fn a_writer_that_was_closed_has_not_failed() {
    let server = Server::start();
    let vestibule = Arc::clone(&server.vestibule);
    drop(server);
    let told = wait_for(async { tokio::time::timeout(Duration::from_millis(100), vestibule.writer_failed()).await });
    assert!(told.is_err());
}

/// The script of another program, such as an SQL shell: it opens the database, reads, and closes it again.
const READ: &str = "import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(','.join(name for name, in connection.execute('select username from users order by username')))
connection.close()";

/// Returns the names of the users in alphabetical order, as another program reads them.
fn names_in_another_program(server: &Server) -> Vec<String> {
    let database = server.directory().join("vestibule.db");
    let output = Command::new("python3").args(["-c", READ]).arg(database).output().expect("python3 is installed");
    let names = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    names.trim().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_second_opening_in_the_same_process_releases_no_lock() {
    let server = Server::start();
    let names: Vec<String> = (0..8).map(|number| format!("person{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let role = if number % 2 == 0 { Role::Server } else { Role::FirstCommand };
        let opened = wait_for(open(server.configuration(), Clock::system(), role));
        match (role, opened) {
            (Role::Server, Err(OpenError::Locked(_))) => {}
            (Role::FirstCommand, Ok(second)) => wait_for(second.close()),
            (_, other) => panic!("{:?}", other.err()),
        }
        // The last program that closes the database removes the write-ahead log. This program must not mistake itself for the
        // last.
        names_in_another_program(&server);
        server.user(name);
        assert_eq!(names_in_another_program(&server), names[..=number]);
    }
    let server = server.restart();
    assert_eq!(server.count_users(), 8);
}

#[test]
fn the_connections_have_the_settings_that_the_data_needs() {
    let server = Server::start();
    let store = &server.vestibule.store;
    let of_writer = |text: &'static str| {
        wait_for(store.write(async move |tx| sql(text).value::<i64>(tx).await)).expect("the statement runs")
    };
    let of_reader = |text: &'static str| {
        wait_for(async { sql(text).value::<i64>(&mut store.read().await.expect("a reader")).await }).expect("a value")
    };
    // 2 is FULL. Without it, a power cut could undo a transaction that was answered.
    assert_eq!(of_writer("pragma synchronous"), 2);
    let wal: String =
        wait_for(store.write(async |tx| sql("pragma journal_mode").value(tx).await)).expect("the statement runs");
    assert_eq!(wal, "wal");
    for text in ["pragma foreign_keys", "pragma secure_delete"] {
        assert_eq!(of_writer(text), 1, "{text}");
    }
    for pragma in ["pragma trusted_schema", "pragma ignore_check_constraints", "pragma writable_schema"] {
        assert_eq!((of_writer(pragma), of_reader(pragma)), (0, 0), "{pragma}");
    }
    assert_eq!(of_reader("pragma foreign_keys"), 1);
    // The only connection that writes is the writer's.
    let written = wait_for(async {
        let mut reader = store.read().await.expect("a reader");
        sql("delete from users").execute(&mut reader).await
    });
    assert!(written.is_err_and(|error| error.to_string().contains("readonly")));
}
