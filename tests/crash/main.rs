//! Tests that every change that was answered survives `kill -9`: the real binary is killed between requests and during
//! requests. Also tests of logouts that race refreshes.

mod process;
#[path = "../common/process.rs"]
mod running;
mod script;
#[expect(dead_code, unused_imports, reason = "shared with the tests of the API, which use more of it")]
#[path = "../api/support/mod.rs"]
mod support;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::json;

use process::{Process, Tokens};
use script::told;
use support::{Server, Session};

#[test]
fn a_kill_before_any_call_changes_no_response() {
    let (steps, expected) = told(None);
    assert!(expected.iter().any(|line| line.starts_with("deletion: 204")), "{expected:#?}");
    let next = AtomicUsize::new(1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let step = next.fetch_add(1, Ordering::SeqCst)
                    && step < steps
                {
                    assert_eq!(told(Some(step)).1, expected, "killed before call {step}");
                }
            });
        }
    });
}

#[test]
fn a_reused_token_and_wrong_passwords_are_remembered_after_a_kill() {
    let mut process = Process::start(vec![("VESTIBULE_REFRESH_REUSE_GRACE", "0")]);
    let first = process.login().expect("it runs");
    let second = process.refreshed(&first.refresh).expect("tokens");
    assert_eq!(process.refreshed(&first.refresh).expect_err("refused"), "refresh_reused");
    let guessed = process.login().expect("it runs");
    let guess = |process: &Process| {
        let answer = process.call("POST", "/auth/fresh", Some(&guessed.access), &json!({"password": "wrong"}));
        answer.expect("it runs").1["error"].clone()
    };
    for _ in 0..4 {
        assert_eq!(guess(&process), "invalid_credentials");
    }
    process.kill();
    process.restart();
    assert_eq!(process.me(&second.access), Err("token_revoked".to_owned()));
    assert_eq!(process.refreshed(&second.refresh).expect_err("refused"), "token_revoked");
    assert_eq!(guess(&process), "invalid_credentials");
    process.kill();
    process.restart();
    assert_eq!(guess(&process), "token_revoked");
    assert_eq!(process.refreshed(&guessed.refresh).expect_err("refused"), "token_revoked");
}

/// The last tokens that one thread received before the server died.
struct Last {
    known: Tokens,
    before: Option<Tokens>,
}

/// Refreshes a session until the server dies. Returns the last tokens.
fn refresh_until_it_dies(process: &Process, start: &Tokens) -> Last {
    let mut last = Last { known: start.clone(), before: None };
    while let Some((status, body)) = process.refresh(&last.known.refresh) {
        assert_eq!(status, 200, "{body}");
        let next = Tokens::of(&body).expect("tokens");
        last.before = Some(std::mem::replace(&mut last.known, next));
    }
    last
}

/// Logs in and out until the server dies. Returns the sessions for whose logout a response arrived.
fn log_out_until_it_dies(process: &Process) -> Vec<Tokens> {
    let mut out = vec![];
    while let Some(tokens) = process.login() {
        let body = json!({"refresh_token": tokens.refresh});
        match process.call("POST", "/auth/logout", None, &body) {
            Some((status, _)) => assert_eq!(status, 200),
            None => break,
        }
        out.push(tokens);
    }
    out
}

/// Kills the server after a time, while each of `starts` is refreshed in its own thread and other sessions are logged out.
/// Returns the last tokens of each thread, and the sessions that were logged out.
fn kill_under_load(process: &mut Process, starts: &[Tokens], after: Duration) -> (Vec<Last>, Vec<Tokens>) {
    let shared = &*process;
    let told = thread::scope(|scope| {
        let refreshing: Vec<_> =
            starts.iter().map(|start| scope.spawn(move || refresh_until_it_dies(shared, start))).collect();
        let logging_out = scope.spawn(|| log_out_until_it_dies(shared));
        thread::sleep(after);
        shared.send_kill();
        let last = refreshing.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        (last, logging_out.join().expect("no panic"))
    });
    process.kill();
    process.restart();
    told
}

#[test]
fn a_kill_while_eight_threads_refresh_logs_nobody_out() {
    let mut process = Process::start(vec![]);
    for round in 0..8_u64 {
        let starts: Vec<Tokens> = (0..8).map(|_| process.login().expect("it runs")).collect();
        let (last, out) = kill_under_load(&mut process, &starts, Duration::from_millis(60 + 37 * round));
        for Last { known, before } in &last {
            let next = process.refreshed(&known.refresh).unwrap_or_else(|code| panic!("round {round}: {code}"));
            // Within the grace period both tokens return the same successor, whichever of them the client kept.
            for token in before.iter().chain([known]) {
                let again = process.refreshed(&token.refresh).unwrap_or_else(|code| panic!("round {round}: {code}"));
                assert_eq!(again.refresh, next.refresh, "round {round}");
            }
            assert_eq!(process.me(&known.access), Ok(()));
        }
        assert!(last.iter().any(|last| last.before.is_some()), "round {round}: nothing happened");
        for tokens in &out {
            assert_eq!(process.me(&tokens.access), Err("token_revoked".to_owned()), "round {round}");
            assert_eq!(process.refreshed(&tokens.refresh).expect_err("refused"), "token_revoked", "round {round}");
        }
    }
}

#[test]
fn a_kill_while_eight_threads_share_a_session_logs_nobody_out() {
    let mut process = Process::start(vec![]);
    for round in 0..4_u64 {
        let start = process.login().expect("it runs");
        let starts = vec![start; 8];
        let (last, _) = kill_under_load(&mut process, &starts, Duration::from_millis(80 + 31 * round));
        for Last { known, before } in &last {
            for token in before.iter().chain([known]) {
                let next = process.refreshed(&token.refresh).unwrap_or_else(|code| panic!("round {round}: {code}"));
                assert_eq!(process.me(&next.access), Ok(()));
            }
            assert_eq!(process.me(&known.access), Ok(()));
        }
    }
}

/// Logs a session out while another thread refreshes it. Checks that the first and the last tokens of the session are refused
/// after the response to the logout. Returns whether the session was refreshed before the logout.
fn log_out_during_refreshes(server: &Server, session: &Session<'_>, round: u64) -> bool {
    let out = AtomicBool::new(false);
    let got = Mutex::new(vec![session.clone()]);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut latest = session.clone();
            for _ in 0..5000 {
                let began_after = out.load(Ordering::SeqCst);
                let answer = latest.try_refresh();
                if answer.status != 200 {
                    answer.expect_error(401, "token_revoked");
                    return;
                }
                assert!(!began_after, "round {round}: refreshed after the answer to the logout");
                latest = Session::from(server, &answer);
                got.lock().expect("no panic").push(latest.clone());
            }
            panic!("round {round}: nobody logged it out");
        });
        // The logout is sent after 0 to 6 ms, before or after several refreshes. Even rounds send the refresh token, odd rounds
        // the access token.
        thread::sleep(Duration::from_micros(round % 16 * 400));
        if round.is_multiple_of(2) {
            server.post("/auth/logout", json!({"refresh_token": session.refresh})).expect(200);
        } else {
            session.call("POST", "/auth/logout").send().expect(200);
        }
        out.store(true, Ordering::SeqCst);
        // The tokens so far are revoked already, while the other thread may still refresh.
        let latest = got.lock().expect("no panic").last().cloned();
        latest.expect("that of the login").get("/users/me").expect_error(401, "token_revoked");
    });
    let got = got.into_inner().expect("no panic");
    // The last tokens are from the refresh that raced the logout.
    for token in [session, &got[got.len() - 1]] {
        token.get("/users/me").expect_error(401, "token_revoked");
        token.try_refresh().expect_error(401, "token_revoked");
    }
    got.len() > 1
}

#[test]
fn no_token_works_after_a_logout_that_raced_a_refresh() {
    let server = Server::with(vec![
        ("max_devices_per_user", 0.into()),
        ("login_rate_per_ip", "0".into()),
        ("refresh_rate_per_session", "0".into()),
    ]);
    let users = ["ada", "bob", "cleo", "dan"].map(|name| server.user(name));
    let raced = AtomicUsize::new(0);
    thread::scope(|scope| {
        for user in &users {
            scope.spawn(|| {
                for round in 0..250 {
                    let refreshed = log_out_during_refreshes(&server, &user.login(), round);
                    raced.fetch_add(usize::from(refreshed), Ordering::SeqCst);
                }
            });
        }
    });
    let raced = raced.into_inner();
    assert!(raced > 100, "only {raced} were refreshed before their logout");
    assert_eq!(server.count_sessions(), 1000);
    assert_eq!(server.count_live_sessions(), 0);
}
