//! The binary under connections that want to keep it busy: silent, slow, half-closed and reset ones, over HTTP/1.1, TLS and
//! HTTP/2. Meanwhile a client from elsewhere is served as usual, and the memory of the server stays bounded.
//!
//! `DOOR_BINARY` names the binary that is tested; by default it is the one that Cargo built.

#![expect(clippy::print_stdout, reason = "the run of the tests shows the figures")]

mod attackers;
mod carried_out;
#[path = "../common/process.rs"]
mod process;
mod restarts;
mod server;
mod tls;

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, time::sleep};

use crate::{
    attackers::{Attack, Kind, Place},
    restarts::{Proxy, start_proxy},
    server::{Client, Door, runtime},
};

/// The number of connections that attack at the same time.
const CONNECTIONS: usize = 5_000;

/// The number of requests that are measured.
const REQUESTS: usize = 400;

/// The time that the 99th percentile of the measured requests may take.
const P99: Duration = Duration::from_millis(50);

/// The number of times that the requests are measured, until one of them is fast enough.
const MEASURED: usize = 3;

/// The number of connections that the server keeps.
const KEPT: u64 = 4_096;

/// The time in which all connections have begun what they do.
const SETTLED: Duration = Duration::from_secs(6);

/// Sends requests while an attack runs. Returns the 99th percentile of their times. The requests have a runtime of their
/// own, so that they do not wait for the tasks of the attackers.
fn p99(client: &Client) -> Duration {
    let measure = || {
        Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            let mut times = Vec::new();
            for _ in 0..REQUESTS {
                let began = Instant::now();
                client.health().await;
                times.push(began.elapsed());
                sleep(Duration::from_millis(10)).await;
            }
            times.sort_unstable();
            times[REQUESTS * 99 / 100]
        })
    };
    thread::scope(|scope| scope.spawn(measure).join().expect("every request has its response"))
}

/// Attacks the server with connections of every kind from these addresses, and checks what other clients notice of it.
fn attack(door: &Door, place: Place, kinds: &[Kind], sources: usize) {
    runtime().block_on(async {
        let quiet = p99(door);
        let before = door.memory();
        let attack = Attack::start(place, kinds, CONNECTIONS, sources);
        while attack.reached() < CONNECTIONS {
            sleep(Duration::from_millis(100)).await;
        }
        sleep(SETTLED).await;
        let limit = P99.max(quiet * 10);
        // The attackers run on this machine too. If they left no processor to the measured client, it is measured again.
        let mut busy = p99(door);
        for _ in 1..MEASURED {
            busy = if busy < limit { busy } else { p99(door) };
        }
        let held = attack.connected();
        let grown = door.memory().saturating_sub(before);
        println!(
            "{kinds:?} from {sources} addresses: {held} connections held, p99 {quiet:?} before and {busy:?} meanwhile, \
             memory +{grown} KiB"
        );
        assert!(busy < limit, "p99 {busy:?}, without the attack {quiet:?}");
        let each = if place.is_encrypted { 128 } else { 64 };
        assert!(grown < KEPT * each, "the memory has grown by {grown} KiB, more than {each} KiB for each connection");
    });
}

#[test]
fn many_addresses_that_keep_plain_connections_busy_stop_nobody() {
    let door = Door::start(&[]);
    attack(&door, Place::plain(door.address), &Kind::PLAIN, 250);
}

#[test]
fn one_address_that_keeps_plain_connections_busy_stops_nobody_and_holds_256() {
    let door = Door::start(&[]);
    attack(&door, Place::plain(door.address), &Kind::PLAIN, 1);
    assert!(door.connections() <= 256 + 16, "{}", door.connections());
}

#[test]
fn connections_with_tls_and_http_2_stop_nobody() {
    let door = Door::with_tls();
    attack(&door, Place::encrypted(door.address), &Kind::ENCRYPTED, 250);
}

#[test]
fn connections_through_caddy_stop_nobody() {
    let door = Door::start(&[]);
    let (_caddy, address) = start_proxy(Proxy::Caddy, door.address, door.directory.path());
    attack(&door, Place::plain(address), &Kind::THROUGH_A_PROXY, 1);
}

/// Returns the address of a client in the network 127/8, of which only 127.0.0.1 is a trusted proxy.
fn source(number: usize) -> SocketAddr {
    let octets = u16::try_from(number).expect("a small number").to_be_bytes();
    SocketAddr::from(([127, 7, octets[0], octets[1]], 0))
}
