//! A real Prometheus that scrapes the real server, with the example of its configuration, the alerts and the dashboard.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    dashboard, deployed, repository,
    scrape::{place_of_metrics, scrape_with},
    succeed,
    support::{PASSWORD, Place, Server},
};

const TOKEN: &str = "Wq3zT8uY5rE1oP6iK9jH";

/// The maximum duration of a start and of some scrapes. It is long, for busy machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// The metric that a server does not have before its first copy of the database.
const OF_BACKUPS: [&str; 1] = ["vestibule_backup_last_success_timestamp_seconds"];

/// The panels whose queries find nothing while nothing has failed.
const EMPTY_IF_WELL: [&str; 1] = ["Errors of the server"];

/// A server with the metrics and their token, and a Prometheus that scrapes it. Prometheus is killed when it is dropped.
struct Scraped {
    server: Server,
    metrics: String,
    prometheus: Child,
    api: String,
    _place: Place,
}

impl Drop for Scraped {
    fn drop(&mut self) {
        self.prometheus.kill().ok();
        self.prometheus.wait().ok();
    }
}

/// Starts a server with the user `ada`. Returns the server, its directory and the address of the metrics.
fn start_server() -> (Server, Place, String) {
    let place = Place::new();
    place.add_user(&["ada"]);
    let variables = [("VESTIBULE_METRICS_ADDRESS", "127.0.0.1:0"), ("VESTIBULE_METRICS_TOKEN", TOKEN)];
    let server = place.start_with(&variables, &["serve"]);
    let metrics = place_of_metrics(&server);
    (server, place, metrics)
}

/// Makes requests of many kinds.
fn use_server(server: &Server) {
    let (status, opened) = server.login("ada", PASSWORD);
    assert_eq!(status, 200, "{opened}");
    assert_eq!(server.login("ada", "a wrong password").0, 401);
    assert_eq!(server.post("/auth/refresh", &json!({ "refresh_token": opened["refresh_token"] })).0, 200);
    assert_eq!(server.get("/nowhere", "").0, 404);
}

/// Returns the text of the metrics.
fn metrics_of(address: &str) -> String {
    let answer = scrape_with(address, "GET", "/metrics", &format!("Authorization: Bearer {TOKEN}\r\n"));
    assert_eq!(answer.status, 200);
    answer.body
}

impl Scraped {
    /// Starts both, with the example of `docs/deploy`. It differs from the file in the address and in the interval.
    fn start() -> Self {
        let (server, place, metrics) = start_server();
        let example = deployed("prometheus.yml");
        assert!(example.contains("\"127.0.0.1:9464\"") && example.contains("scrape_interval: 15s"), "{example}");
        place.write("prometheus.yml", &example.replace("127.0.0.1:9464", &metrics).replace("15s", "1s"));
        place.write("alerts.yml", &deployed("alerts.yml"));
        place.write("vestibule-token", &format!("{TOKEN}\n"));
        let [config, data] =
            ["prometheus.yml", "data-of-prometheus"].map(|path| place.path(path).display().to_string());
        let printed = succeed("promtool", &["check", "config", &config]);
        assert!(printed.contains("SUCCESS") && !printed.contains("WARNING"), "{printed}");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let prometheus = Command::new("prometheus")
            .arg(format!("--config.file={config}"))
            .arg(format!("--storage.tsdb.path={data}"))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus, which tests/run installs");
        let api = format!("http://127.0.0.1:{port}/api/v1");
        let scraped = Self { server, metrics, prometheus, api, _place: place };
        scraped.wait_for("up{job=\"vestibule\"} == 1");
        scraped
    }

    /// Returns the field `data` of a response of Prometheus, which must be a success; `None` if it does not listen yet.
    fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.get(format!("{}/{path}", self.api)).query_pairs(query.iter().copied());
        let text = request.call().ok()?.body_mut().read_to_string().expect("a body");
        // While it starts, it answers with a sentence.
        let answer: Value = serde_json::from_str(&text).ok()?;
        assert_eq!(answer["status"], "success", "{query:?}: {text}");
        Some(answer["data"].clone())
    }

    /// Returns the result of an expression.
    fn query(&self, expression: &str) -> Option<Vec<Value>> {
        Some(self.get("query", &[("query", expression)])?["result"].as_array().expect("a vector").clone())
    }

    /// Waits until an expression has a result.
    fn wait_for(&self, expression: &str) {
        let begun = Instant::now();
        while self.query(expression).is_none_or(|found| found.is_empty()) {
            assert!(begun.elapsed() < PATIENCE, "Prometheus never finds {expression}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Returns the names of metrics in an expression, without the endings of histograms.
fn names_in(expression: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let words = expression.split(|char: char| !(char.is_ascii_alphanumeric() || "_:".contains(char)));
    let of_server = words.filter(|word| word.starts_with("vestibule_") || word.starts_with("process_"));
    let base = |word: &str| {
        let ending = ["_bucket", "_sum", "_count"].into_iter().find_map(|ending| word.strip_suffix(ending));
        ending.filter(|base| known.contains(*base)).unwrap_or(word).to_owned()
    };
    of_server.map(base).collect()
}

#[test]
fn the_text_of_a_used_server_passes_the_check_of_prometheus() {
    let (server, place, metrics) = start_server();
    use_server(&server);
    let text = metrics_of(&metrics);
    place.write("metrics.txt", &text);
    let path = place.path("metrics.txt");
    let output = Command::new("promtool")
        .args(["check", "metrics", "--extended"])
        .stdin(std::fs::File::open(path).expect("the file"))
        .output()
        .expect("promtool, which tests/run installs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}\n{text}");
    let metric = |line: &&str| line.starts_with("# HELP ");
    assert!(text.lines().filter(metric).all(|line| line.ends_with('.')), "each meaning is a sentence\n{text}");
    let page = std::fs::read_to_string(repository("docs/contract/metrics.md")).expect("the contract");
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once("` | ")?.0.to_owned());
    let described: BTreeSet<String> = page.lines().filter_map(row).collect();
    let mut found = names(&text);
    found.extend(OF_BACKUPS.map(str::to_owned));
    assert_eq!(described, found, "the contract on the left, the server on the right");
}

/// Returns the names of all metrics in the text.
fn names(text: &str) -> BTreeSet<String> {
    let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
    helps.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn each_alert_has_an_example_in_which_it_fires() {
    let rules = repository("docs/deploy/alerts.yml").display().to_string();
    succeed("promtool", &["check", "rules", &rules]);
    let examples = repository("tests/deploy/alerts.test.yml").display().to_string();
    succeed("promtool", &["test", "rules", &examples]);
    let examples = std::fs::read_to_string(examples).expect("the examples");
    let rules = deployed("alerts.yml");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        let fires = format!("alertname: {alert}\n        exp_alerts:\n          - exp_labels:");
        assert!(examples.contains(&fires), "{alert} fires in no example");
        let is_quiet = format!("alertname: {alert}, exp_alerts: []");
        assert!(examples.contains(&is_quiet), "{alert} is quiet in no example");
    }
}

#[test]
fn every_query_of_the_alerts_and_of_the_dashboard_works_on_a_scraped_server() {
    let scraped = Scraped::start();
    use_server(&scraped.server);
    scraped.wait_for("vestibule_logins_total{outcome=\"success\"} >= 1");
    // Rates need two scrapes after the requests.
    scraped.wait_for("rate(vestibule_http_requests_total{route=\"/auth/login\"}[30s]) >= 0");
    let known = names(&metrics_of(&scraped.metrics));
    let check = |what: &str, expression: &str| {
        let named = names_in(expression, &known);
        let unknown: Vec<&String> =
            named.iter().filter(|name| !known.contains(*name) && !OF_BACKUPS.contains(&name.as_str())).collect();
        assert!(unknown.is_empty() && (!named.is_empty() || expression.contains("up{")), "{what}: {unknown:?}");
        scraped.query(expression).expect("Prometheus listens")
    };
    for (title, expression) in dashboard::queries() {
        let found = check(&title, &expression);
        assert!(!found.is_empty() || EMPTY_IF_WELL.contains(&title.as_str()), "{title}: {expression} finds nothing");
    }
    let groups = scraped.get("rules", &[]).expect("Prometheus listens");
    let rules: Vec<&Value> = groups["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"))
        .collect();
    assert!(rules.len() > 10, "{rules:?}");
    for rule in rules {
        let (name, expression) = (rule["name"].as_str().expect("a name"), rule["query"].as_str().expect("a query"));
        check(name, expression);
        assert_ne!(rule["health"], "err", "{name}: {}", rule["lastError"]);
        assert_ne!(rule["state"], "firing", "{name} fires on a healthy server");
    }
}
