//! A flood of logins: it starves no token check, and takes no more memory than the slots of the hashes have.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{PASSWORD, Place, Server};

/// The number of clients that sign in without a pause.
const CLIENTS: usize = 60;

/// How long they do.
const FLOOD: Duration = Duration::from_secs(2);

/// The memory of one hash, in KiB: the default of `argon2_memory_kib`.
const HASH_KIB: u64 = 19_456;

/// The number of slots for hashes.
const SLOTS: u64 = 2;

/// Returns the most memory that the server has used, in KiB.
fn most_memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn a_flood_of_logins_starves_no_token_check_and_takes_the_memory_of_its_slots() {
    let place = Place::new()
        .set("VESTIBULE_LOGIN_RATE_PER_IP", "0")
        .set("VESTIBULE_HASH_CONCURRENCY", "2")
        .set("VESTIBULE_HASH_QUEUE", "20");
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let token = server.token("ada", PASSWORD);
    let before = most_memory(&server);
    let end = Instant::now() + FLOOD;
    let login = format!("{}/auth/login", server.base);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let flood = |client: usize| {
        let mut refused = 0;
        for attempt in 0.. {
            if Instant::now() > end {
                break;
            }
            let body = json!({"username": format!("n{client}-{attempt}"), "password": "not the password"});
            match agent.post(&login).send_json(body).expect("an answer").status().as_u16() {
                401 => {}
                503 => refused += 1,
                status => panic!("{status}"),
            }
        }
        refused
    };
    let (refused, mut times) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let flood = &flood;
                scope.spawn(move || flood(client))
            })
            .collect();
        let mut times = Vec::new();
        while Instant::now() < end {
            let began = Instant::now();
            assert!(server.me(&token).is_ok(), "a token is accepted during the flood");
            times.push(began.elapsed());
        }
        (clients.into_iter().map(|client| client.join().expect("no panic")).sum::<usize>(), times)
    });
    assert!(refused > 0, "the queue was full");
    times.sort();
    // A check that waited for a hash would wait for the whole queue: at least 0.2 seconds on a machine that does nothing else.
    assert!(times.len() >= 5 && times[times.len() / 2] < Duration::from_millis(500), "{times:?}");
    let more = most_memory(&server) - before;
    let bound = SLOTS * HASH_KIB + 40_000;
    assert!(more < bound, "{more} KiB more than before; without the slots it would be {}", CLIENTS as u64 * HASH_KIB);
}
