//! The metrics of the process, for Prometheus.
//!
//! Recording takes no lock: the counters and the buckets of a histogram are atomics, and their labels were resolved before. The
//! labels are enums (`labels`), so the number of time series is bounded. No label contains a name, an address, or another text
//! that a client has chosen.

mod instruments;
mod labels;
mod requests;

use prometheus::{IntCounter, IntGauge, Opts, Registry, TextEncoder, proto};

use self::instruments::{Counters, Durations, Sizes};
pub use self::{
    labels::{ConnectionClosed, DatabaseAccess, LimitReached, LoginOutcome, RefreshOutcome, RequestMethod},
    requests::{Requests, RouteMetrics},
};

/// The bounds of the time of a hash and of the wait for it, in seconds. OWASP's parameters take about 20 milliseconds.
const HASH_BOUNDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The bounds of the time of a commit, in seconds. A sync of a disk takes about a millisecond.
const COMMIT_BOUNDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The bounds of the number of jobs in a commit. A commit has at most 256.
const JOB_BOUNDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The bounds of the wait for a read-only connection, in seconds.
const READ_WAIT_BOUNDS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The metrics of one process.
pub struct Metrics {
    registry: Registry,
    /// The HTTP requests.
    pub requests: Requests,
    /// The logins.
    pub logins: Counters<LoginOutcome>,
    /// The refreshes.
    pub refreshes: Counters<RefreshOutcome>,
    /// The requests that were refused because of a limit.
    pub limited: Counters<LimitReached>,
    /// The time that each password hash took.
    pub hashes: Durations,
    /// The time that callers waited for a slot to hash in.
    pub hash_waits: Durations,
    /// The time of each transaction of the writer, with its commit.
    pub commits: Durations,
    /// The number of jobs in each commit.
    pub commit_jobs: Sizes,
    /// The time that callers waited for a read-only connection.
    pub read_waits: Durations,
    /// The failures of the database.
    pub database_failures: Counters<DatabaseAccess>,
    /// The connections of the HTTP server.
    pub connections: Connections,
}

/// The metrics of the connections of the HTTP server.
pub struct Connections {
    /// The number of open connections.
    pub open: IntGauge,
    /// The number of connections that may be open at the same time.
    pub max: IntGauge,
    /// The connections that were accepted.
    pub accepted: IntCounter,
    /// The connections that were closed at once, because no other one could give way.
    pub refused: IntCounter,
    /// The connections that the server closed.
    pub closed: Counters<ConnectionClosed>,
}

/// The type of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that can increase and decrease.
    Gauge,
    /// A value that only increases while the process runs. Its name ends with `_total`.
    Counter,
}

/// A figure that is read at a scrape, instead of being recorded.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// The name, with its unit.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The meaning, as a sentence.
    pub help: &'static str,
    /// The value.
    pub value: f64,
}

impl Metrics {
    /// Creates the metrics, all of them zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let at = &registry;
        let build = Opts::new("vestibule_build_info", "The version of the server, as a label of the value 1.");
        instruments::gauge(at, build.const_label("version", env!("CARGO_PKG_VERSION"))).set(1);
        Self {
            requests: Requests::new(at),
            logins: Counters::new(at, "vestibule_logins_total", "Logins by outcome.", "outcome"),
            refreshes: Counters::new(at, "vestibule_refreshes_total", "Refreshes by outcome.", "outcome"),
            limited: Counters::new(at, "vestibule_limited_total", "Requests refused past a limit, by limit.", "limit"),
            hashes: Durations::new(
                at,
                "vestibule_password_hash_duration_seconds",
                "Time to compute one password hash.",
                HASH_BOUNDS,
            ),
            hash_waits: Durations::new(
                at,
                "vestibule_password_hash_wait_seconds",
                "Time that a request waited for a slot to hash a password in.",
                HASH_BOUNDS,
            ),
            commits: Durations::new(
                at,
                "vestibule_commit_duration_seconds",
                "Time of a transaction of the writer, from its begin until its commit is on disk.",
                COMMIT_BOUNDS,
            ),
            commit_jobs: Sizes::new(at, "vestibule_commit_jobs", "Writes that shared one commit.", JOB_BOUNDS),
            read_waits: Durations::new(
                at,
                "vestibule_database_read_wait_seconds",
                "Time that a request waited for a connection to read the database.",
                READ_WAIT_BOUNDS,
            ),
            database_failures: Counters::new(
                at,
                "vestibule_database_failures_total",
                "Failures of the database, by what was tried.",
                "operation",
            ),
            connections: Connections {
                open: instruments::gauge(at, Opts::new("vestibule_connections", "Open connections.")),
                max: instruments::gauge(
                    at,
                    Opts::new("vestibule_connections_limit", "Connections that may be open at the same time."),
                ),
                accepted: instruments::counter(
                    at,
                    "vestibule_connections_accepted_total",
                    "Connections that were accepted.",
                ),
                refused: instruments::counter(
                    at,
                    "vestibule_connections_refused_total",
                    "Connections closed at once, because none that is open could give way.",
                ),
                closed: Counters::new(
                    at,
                    "vestibule_connections_closed_total",
                    "Connections that the server closed, by reason.",
                    "reason",
                ),
            },
            registry,
        }
    }

    /// Returns all metrics and `figures` in the text format of Prometheus, version 0.0.4, sorted by name.
    ///
    /// # Errors
    /// The message of the encoder, if a metric can't be written.
    pub fn render(&self, figures: impl IntoIterator<Item = Figure>) -> Result<String, String> {
        let mut families = self.registry.gather();
        families.extend(figures.into_iter().map(family));
        families.sort_by(|one, other| one.name().cmp(other.name()));
        TextEncoder::new().encode_to_string(&families).map_err(|error| error.to_string())
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The media type of [`Metrics::render`].
pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

fn family(figure: Figure) -> proto::MetricFamily {
    let mut metric = proto::Metric::default();
    let kind = match figure.kind {
        Kind::Gauge => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(figure.value);
            metric.set_gauge(gauge);
            proto::MetricType::GAUGE
        }
        Kind::Counter => {
            let mut counter = proto::Counter::default();
            counter.set_value(figure.value);
            metric.set_counter(counter);
            proto::MetricType::COUNTER
        }
    };
    let mut family = proto::MetricFamily::default();
    family.set_name(figure.name.to_owned());
    family.set_help(figure.help.to_owned());
    family.set_field_type(kind);
    family.set_metric(vec![metric]);
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_with_a_fixed_label_is_in_the_first_scrape() {
        let text = Metrics::new().render([]).expect("a text");
        for line in [
            "vestibule_logins_total{outcome=\"success\"} 0",
            "vestibule_logins_total{outcome=\"invalid_credentials\"} 0",
            "vestibule_refreshes_total{outcome=\"repeated\"} 0",
            "vestibule_limited_total{limit=\"hash_queue\"} 0",
            "vestibule_connections_closed_total{reason=\"overdue\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("vestibule_http_requests_total"), "no request was handled\n{text}");
    }

    #[test]
    fn figures_are_among_the_metrics_in_the_order_of_their_names() {
        let figure = |name, kind| Figure { name, kind, help: "A figure.", value: 1.5 };
        let figures = [figure("z_seconds", Kind::Gauge), figure("a_total", Kind::Counter)];
        let text = Metrics::new().render(figures).expect("a text");
        assert!(text.starts_with("# HELP a_total A figure.\n# TYPE a_total counter\na_total 1.5\n"), "{text}");
        assert!(text.ends_with("# HELP z_seconds A figure.\n# TYPE z_seconds gauge\nz_seconds 1.5\n"), "{text}");
    }
}
