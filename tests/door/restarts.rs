//! Restarts while clients send requests through a proxy that keeps its connections. With a socket that another process
//! keeps, as systemd does, no request is lost.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{process::Running, server::binary};

/// The number of restarts with each proxy.
const RESTARTS: usize = 20;

/// The number of clients that send requests at the same time.
const CLIENTS: usize = 8;

#[derive(Clone, Copy, Debug)]
pub enum Proxy {
    Nginx,
    Caddy,
}

const BOTH: [Proxy; 2] = [Proxy::Nginx, Proxy::Caddy];

/// The requests of all clients.
#[derive(Default)]
struct Load {
    sent: AtomicUsize,
    lost: AtomicUsize,
    stop: AtomicBool,
}

#[test]
fn no_request_is_lost_if_another_process_keeps_the_socket() {
    for proxy in BOTH {
        let (sent, lost, longest) = restart_under_load(proxy, true);
        println!("{proxy:?}, handed-over socket: {lost} of {sent} requests lost, the longest restart took {longest:?}");
        assert_eq!(lost, 0, "{proxy:?}");
    }
}

#[test]
fn few_requests_are_lost_by_a_restart_without_a_handed_over_socket() {
    for proxy in BOTH {
        let (sent, lost, longest) = restart_under_load(proxy, false);
        println!("{proxy:?}, SIGTERM alone: {lost} of {sent} requests lost, the longest restart took {longest:?}");
        // While no process listens, requests are lost. But the server does not wait for idle connections.
        assert!(longest < Duration::from_secs(5), "{proxy:?}: {longest:?}");
    }
}

/// Restarts the server behind a proxy while clients send requests. Returns the number of requests, of those without the
/// expected response, and the longest restart.
fn restart_under_load(proxy: Proxy, hands_over: bool) -> (usize, usize, Duration) {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let server = socket.local_addr().expect("its address");
    let kept = hands_over.then_some(socket);
    let mut running = start(directory.path(), server, kept.as_ref());
    let (_proxy, address) = start_proxy(proxy, server, directory.path());
    let load = Arc::new(Load::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let load = Arc::clone(&load);
            thread::spawn(move || send(&load, address, number))
        })
        .collect();
    let mut longest = Duration::ZERO;
    for _ in 0..RESTARTS {
        thread::sleep(Duration::from_millis(150));
        let began = Instant::now();
        running.signal("TERM");
        assert!(running.wait().success(), "it stops with 0");
        running = start(directory.path(), server, kept.as_ref());
        longest = longest.max(began.elapsed());
    }
    load.stop.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().expect("it ends"));
    (load.sent.load(Ordering::Relaxed), load.lost.load(Ordering::Relaxed), longest)
}

/// Starts the server on the kept socket, or on its address.
fn start(directory: &Path, address: SocketAddr, kept: Option<&TcpListener>) -> Running {
    let command = || match kept {
        // As systemd does: the socket is file 3, and the variables name it and the process (sd_listen_fds(3)).
        Some(socket) => {
            let socket: OwnedFd = socket.try_clone().expect("a socket").into();
            let mut command = Command::new("sh");
            let script = "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"";
            command.args(["-c", script, "sh"]).arg(binary()).arg("serve").stdin(Stdio::from(socket));
            command
        }
        None => {
            let mut command = Command::new(binary());
            command.args(["serve", "--port", &address.port().to_string()]).stdin(Stdio::null());
            command
        }
    };
    let (running, place) = Running::start_with_input(|| {
        let mut command = command();
        command.current_dir(directory).env_clear().env("PATH", "/usr/bin:/bin").stderr(Stdio::piped());
        command
    });
    let expected = if kept.is_some() { "inherited socket".to_owned() } else { format!("http://{address}") };
    assert_eq!(place, expected);
    running
}

/// Sends requests, one after another, until the load stops.
fn send(load: &Load, address: SocketAddr, number: usize) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .new_agent();
    while !load.stop.load(Ordering::Relaxed) {
        load.sent.fetch_add(1, Ordering::Relaxed);
        // Every other client posts, which a proxy does not send twice.
        let (answer, expected) = if number.is_multiple_of(2) {
            (agent.get(format!("http://{address}/health")).call(), 200)
        } else {
            let login = agent.post(format!("http://{address}/auth/login")).content_type("application/json");
            (login.send("{}"), 422)
        };
        let status = answer.map(|answer| answer.status().as_u16());
        if !matches!(status, Ok(status) if status == expected) {
            load.lost.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A running proxy. It is killed when it is dropped.
pub struct RunningProxy(Child);

impl Drop for RunningProxy {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts a proxy that keeps its connections to the server. Returns its address. If another program takes the chosen port
/// meanwhile, another port is tried.
pub fn start_proxy(proxy: Proxy, server: SocketAddr, directory: &Path) -> (RunningProxy, SocketAddr) {
    let started = (0..5).find_map(|_| try_proxy(proxy, server, directory));
    started.unwrap_or_else(|| panic!("{proxy:?} does not start"))
}

fn try_proxy(proxy: Proxy, server: SocketAddr, directory: &Path) -> Option<(RunningProxy, SocketAddr)> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let mut command = match proxy {
        Proxy::Nginx => {
            let d = directory.display();
            let text = format!(
                "daemon off; master_process off; pid {d}/nginx.pid; error_log {d}/error.log;
                events {{ worker_connections 512; }}
                http {{
                    access_log off; client_body_temp_path {d}; proxy_temp_path {d}; fastcgi_temp_path {d};
                    uwsgi_temp_path {d}; scgi_temp_path {d};
                    upstream server {{ server {server}; keepalive 16; }}
                    server {{
                        listen 127.0.0.1:{port};
                        location / {{ proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
                    }}
                }}"
            );
            let file = directory.join("nginx.conf");
            fs::write(&file, text).expect("a file");
            let mut command = Command::new("nginx");
            command.arg("-c").arg(file);
            command
        }
        Proxy::Caddy => {
            let file = directory.join("Caddyfile");
            let text = format!("{{\n\tadmin off\n}}\nhttp://:{port} {{\n\treverse_proxy {server}\n}}\n");
            fs::write(&file, text).expect("a file");
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", directory);
            command
        }
    };
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the proxy");
    let mut running = RunningProxy(child);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    for _ in 0..500 {
        thread::sleep(Duration::from_millis(20));
        if running.0.try_wait().expect("its state").is_some() {
            return None;
        }
        if std::net::TcpStream::connect(address).is_ok() {
            return Some((running, address));
        }
    }
    None
}
