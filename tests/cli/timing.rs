//! The work of a login does not tell whether a name has an account. The work is counted in hashes, and as processor time, which
//! other programs on the machine do not change much.

use std::fs;

use serde_json::json;

use crate::{
    scrape::{place_of_metrics, scrape},
    support::{PASSWORD, Place, Server},
};

/// The number of attempts for each name.
const ATTEMPTS: usize = 25;

const HASHES: &str = "vestibule_password_hash_duration_seconds_count";

/// Returns a place with the usual costs of a hash and without limits of logins.
fn place() -> Place {
    let place = Place::new()
        .set("VESTIBULE_LOGIN_RATE_PER_IP", "0")
        .set("VESTIBULE_LOGIN_FAILURES_PER_ACCOUNT", "0")
        .set("VESTIBULE_METRICS_ADDRESS", "127.0.0.1:0");
    for name in ["ada", "disabled"] {
        place.add_user(&[name, "--email", &format!("{name}@example.com")]);
    }
    place.succeed(&["user", "invite", "invited"]);
    place.succeed(&["user", "disable", "disabled"]);
    place
}

/// Returns the time for which a process has used a processor, in nanoseconds, of all its threads that live.
fn worked(process: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("a process").flatten();
    let of_thread = |path: std::path::PathBuf| -> Option<u64> {
        fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    threads.filter_map(|thread| of_thread(thread.path())).sum()
}

/// The work of the attempts for one name.
struct Work {
    name: &'static str,
    /// The number of hashes for one attempt.
    hashes: f64,
    /// The median of the processor times, in nanoseconds.
    median: u64,
}

/// Signs in with a wrong password by each name in turn. `metrics` is the address of the metrics. Returns the work for each.
fn measure(server: &Server, metrics: &str, names: &[&'static str]) -> Vec<Work> {
    let hashes = || scrape(metrics).value(HASHES);
    let mut works: Vec<(f64, Vec<u64>)> = vec![Default::default(); names.len()];
    for _ in 0..ATTEMPTS {
        for (name, (count, times)) in names.iter().zip(&mut works) {
            let before = (hashes(), worked(server.process()));
            let body = json!({"username": name, "password": "not the password"});
            assert_eq!(server.post("/auth/login", &body).0, 401, "{name}");
            times.push(worked(server.process()) - before.1);
            *count += hashes() - before.0;
        }
    }
    let median = |mut times: Vec<u64>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let works = names.iter().zip(works);
    works.map(|(name, (count, times))| Work { name, hashes: count / ATTEMPTS as f64, median: median(times) }).collect()
}

/// Returns the work for each name, after a check that the medians differ by less than a tenth, or by less than five
/// milliseconds. Another program on the machine can disturb a measurement, so there are up to three. A difference of the work
/// would be in each of them.
fn measure_alike(server: &Server, names: &[&'static str]) -> Vec<Work> {
    let metrics = place_of_metrics(server);
    let mut found = Vec::new();
    for _ in 0..3 {
        let works = measure(server, &metrics, names);
        let (least, most) = (works.iter().map(|work| work.median).min(), works.iter().map(|work| work.median).max());
        let (least, most) = (least.expect("works"), most.expect("works"));
        found.push(works.iter().map(|work| (work.name, work.median / 1000)).collect::<Vec<_>>());
        assert!(least > 10_000_000, "a hash was computed: {found:?}");
        if most - least < (least / 10).max(5_000_000) {
            return works;
        }
    }
    panic!("medians in microseconds: {found:?}");
}

const NAMES: [&str; 6] = ["ada", "disabled", "invited", "nobody", "ada@example.com", "nobody@example.com"];

#[test]
fn a_wrong_password_costs_one_hash_whether_the_name_is_known_or_not() {
    let place = place();
    let server = place.start(&["serve"]);
    let works = measure_alike(&server, &NAMES);
    for work in &works {
        assert_eq!(work.hashes, 1.0, "{}", work.name);
    }
    assert_eq!(server.login("ada", PASSWORD).0, 200);
}

#[test]
fn a_wrong_password_costs_one_hash_at_the_token_endpoint_and_at_the_page_too() {
    const WRONG: &str = "not the password";
    let place = place();
    let server = place.start(&["serve"]);
    let metrics = place_of_metrics(&server);
    let hashes = || scrape(&metrics).value(HASHES);
    let by_token = |name: &str| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([("grant_type", "password"), ("username", name), ("password", WRONG)]);
        server.post_form("/token", &form.finish()).0
    };
    for name in NAMES {
        let before = hashes();
        assert_eq!(by_token(name), 400, "{name}");
        assert_eq!(hashes() - before, 1.0, "{name} at /token");
        assert_eq!(server.submit_login(name, WRONG), 401, "{name}");
        assert_eq!(hashes() - before, 2.0, "{name} at /login");
    }
}

#[test]
fn a_wrong_password_costs_the_same_after_the_settings_of_argon2_were_raised() {
    let place = place();
    let raised = [("VESTIBULE_ARGON2_ITERATIONS", "6")];
    let server = place.start_with(&raised, &["serve"]);
    let works = measure_alike(&server, &NAMES);
    // For a hash with the old settings, the missing part of the work is a second hash.
    let hashes: Vec<f64> = works.iter().map(|work| work.hashes).collect();
    assert_eq!(hashes, [2.0, 2.0, 1.0, 1.0, 2.0, 1.0]);
}
