//! Proxies with the configurations of `docs/install.md`, in front of Vestibule alone. They speak https with a certificate that
//! the test makes. The configurations differ from the page only in addresses, ports and the certificate.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};
use serde_json::{Value, json};

use crate::{
    support::{PASSWORD, Place, Server},
    world::{ALL, AUTH, Answer, Kind, PATIENCE, free_port, run, run_traefik, substitute},
};

/// The address from which the client of the test connects. The proxy and Vestibule have another.
const CLIENT: &str = "127.0.0.2";

/// What a client sends that wants to be somebody else.
const FORGED: [(&str, &str); 3] =
    [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "evil.example.com")];

/// A sentence of the sign-in page for a browser that uses plain http.
const INSECURE: &str = "This page came over plain http";

/// Vestibule and a proxy. Both are stopped when it is dropped.
struct Alone {
    place: Place,
    server: Server,
    proxy: Child,
    port: u16,
    trust: Arc<ClientConfig>,
}

impl Alone {
    /// Starts Vestibule with the settings of `docs/install.md` and the proxy, and adds the user `ada`.
    fn start(kind: Kind) -> Self {
        let place = Place::new();
        place.write(".env", &format!("VESTIBULE_PUBLIC_URL=https://{AUTH}\n"));
        place.add_user(&["ada"]);
        let server = place.start(&["serve"]);
        let trust = certificate(&place);
        let port = free_port();
        let address = server.base.trim_start_matches("http://");
        let proxy = match kind {
            Kind::Nginx => nginx(&place, port, address),
            Kind::Caddy => caddy(&place, port, address),
            Kind::Traefik => traefik(&place, port, address),
        };
        let alone = Self { place, server, proxy, port, trust };
        alone.wait();
        alone
    }

    /// Waits until the proxy passes a request on. Traefik listens before it has read its routes and certificates.
    fn wait(&self) {
        let begun = Instant::now();
        while !self.try_send("GET", "/health", &[], "").is_ok_and(|answer| answer.status == 200) {
            let log = fs::read_to_string(self.place.path("error.log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "the proxy does not know the host of Vestibule. {log}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_send(method, target, headers, body).expect("the proxy answers")
    }

    /// Sends a request through the proxy over https.
    fn try_send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<Answer> {
        let stream = connect(self.port)?;
        let name = ServerName::try_from(AUTH).expect("a name");
        let tls = ClientConnection::new(Arc::clone(&self.trust), name).expect("a client");
        let mut stream = StreamOwned::new(tls, stream);
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {AUTH}\r\nConnection: close\r\n");
        headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
        text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        // Some proxies end the connection without the message of TLS for it.
        match stream.read_to_end(&mut answer) {
            Err(error) if answer.is_empty() => Err(error),
            _ => Ok(Answer::parse(&String::from_utf8_lossy(&answer))),
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // nginx stops its workers after SIGTERM, but not after SIGKILL.
        Command::new("kill").args(["-TERM", &self.proxy.id().to_string()]).status().ok();
        self.proxy.wait().ok();
    }
}

/// Connects to the proxy from [`CLIENT`].
fn connect(port: u16) -> std::io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(format!("{CLIENT}:0").parse().expect("an address"))?;
        socket.connect(([127, 0, 0, 1], port).into()).await?.into_std()
    })?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Writes a certificate for the host and its key. Returns the settings of a client that trusts it.
fn certificate(place: &Place) -> Arc<ClientConfig> {
    let made = rcgen::generate_simple_self_signed([AUTH.to_owned()]).expect("a certificate");
    place.write("cert.pem", &made.cert.pem());
    place.write("key.pem", &made.signing_key.serialize_pem());
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate that can be trusted");
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// Returns the code block of `docs/install.md` in this language. Panics if there is not exactly one.
fn block(language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/install.md");
    let page = fs::read_to_string(page).expect("docs/install.md is there");
    let blocks: Vec<&str> = page.split(&format!("\n```{language}\n")).skip(1).collect();
    let [block] = blocks[..] else { panic!("docs/install.md has {} blocks of {language}", blocks.len()) };
    block.split_once("\n```").expect("an end").0.to_owned() + "\n"
}

/// Starts nginx with the block of the page, and with the lines that certbot adds.
fn nginx(place: &Place, port: u16, address: &str) -> Child {
    let here = place.path("").display().to_string();
    let name = format!("server_name {AUTH};");
    let tls = format!(
        "{name} listen 127.0.0.1:{port} ssl; ssl_certificate {here}/cert.pem; ssl_certificate_key {here}/key.pem;"
    );
    let server = substitute(&block("nginx"), [(name.as_str(), tls), ("127.0.0.1:8000", address.to_owned())]);
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .collect();
    let main = format!(
        "daemon off;\npid {here}/nginx.pid;\nerror_log {here}/error.log;\nworker_processes 1;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}{server}}}\n"
    );
    place.write("nginx.conf", &main);
    run("nginx", "the Debian package nginx-light", &["-p", &here, "-c", "nginx.conf"], place)
}

/// Starts Caddy with the block of the page.
fn caddy(place: &Place, port: u16, address: &str) -> Child {
    let site = format!("https://{AUTH}:{port} {{\n\tbind 127.0.0.1\n\ttls cert.pem key.pem\n");
    let text =
        substitute(&block("caddyfile"), [("127.0.0.1:8000", address.to_owned()), ("auth.example.com {\n", site)]);
    place.write("Caddyfile", &format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}"));
    run("caddy", "the Debian package caddy", &["run", "--config", "Caddyfile", "--adapter", "caddyfile"], place)
}

/// Starts Traefik with the block of the page.
fn traefik(place: &Place, port: u16, address: &str) -> Child {
    let replaced = [("127.0.0.1:8000", address.to_owned()), ("{certResolver: letsencrypt}", "{}".to_owned())];
    let text = substitute(&block("yaml"), replaced);
    let here = place.path("").display().to_string();
    let pair = format!("{{certFile: {here}/cert.pem, keyFile: {here}/key.pem}}");
    run_traefik(place, port, &format!("{text}tls: {{certificates: [{pair}]}}\n"))
}

#[test]
fn a_proxy_as_the_installation_page_writes_it_passes_on_who_the_client_is() {
    for kind in ALL {
        let alone = Alone::start(kind);
        let login = json!({"username": "ada", "password": PASSWORD}).to_string();
        let json = [("Content-Type", "application/json")];
        let answer = alone.send("POST", "/auth/login", &[&json[..], &FORGED].concat(), &login);
        assert_eq!(answer.status, 200, "{kind:?}: {}", answer.body);
        let tokens: Value = serde_json::from_str(&answer.body).expect("JSON");
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
        let signed_in = [("Authorization", bearer.as_str())];
        let me = alone.send("GET", "/users/me", &signed_in, "");
        assert_eq!(me.status, 200, "{kind:?}: {}", me.body);
        let sessions = alone.send("GET", "/auth/active_sessions", &signed_in, "");
        let sessions: Value = serde_json::from_str(&sessions.body).expect("JSON");
        // Neither what the client claims nor the address of the proxy.
        assert_eq!(sessions[0]["ip"], CLIENT, "{kind:?}: {sessions}");
    }
}

#[test]
fn a_proxy_as_the_installation_page_writes_it_says_that_the_browser_uses_https() {
    // An older browser sends this header, and no Sec-Fetch-Site over plain http: only the proxy knows the scheme.
    let browser = [("Accept", "text/html"), ("Upgrade-Insecure-Requests", "1")];
    for kind in ALL {
        let alone = Alone::start(kind);
        for headers in [browser.to_vec(), [&browser[..], &FORGED].concat()] {
            let page = alone.send("GET", "/login", &headers, "");
            assert_eq!(page.status, 200, "{kind:?}: {}", page.body);
            assert!(page.body.contains("<form") && !page.body.contains(INSECURE), "{kind:?}: {}", page.body);
        }
        // The same request without the proxy: the page knows the difference.
        let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
        let plain = agent.get(format!("{}/login", alone.server.base)).header("Host", AUTH);
        let plain = browser.iter().fold(plain, |call, (name, value)| call.header(*name, *value)).call();
        let plain = plain.and_then(|mut answer| answer.body_mut().read_to_string()).expect("a page");
        assert!(plain.contains(INSECURE), "{plain}");
    }
}
