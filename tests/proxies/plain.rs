//! Proxies with the shortest configuration that works, as somebody writes it for a prototype.

use std::{net::TcpStream, process::Command, thread, time::Duration, time::Instant};

use crate::{
    support::Place,
    world::{Kind, PATIENCE, free_port, run},
};

/// Starts a proxy of this kind with the shortest configuration in front of a server, and then with one that pretends that each
/// request is for `localhost`. Returns the statuses of a request for `path` through each. The client asks for another host.
pub(crate) fn statuses_through(kind: Kind, address: &str, path: &str) -> [u16; 2] {
    ["", "localhost"].map(|host| {
        let place = Place::new();
        let port = free_port();
        let mut proxy = match kind {
            Kind::Nginx => {
                let sets = if host.is_empty() { String::new() } else { format!("proxy_set_header Host {host};") };
                let server = format!("server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{address}; {sets} }} }}");
                let text = format!(
                    "daemon off; pid nginx.pid; error_log stderr; events {{}} http {{ access_log off; client_body_temp_path body; \
                     proxy_temp_path proxied; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; {server} }}"
                );
                place.write("plain.conf", &text);
                let prefix = place.path("").display().to_string();
                run("nginx", "nginx", &["-p", &prefix, "-c", "plain.conf", "-e", "stderr"], &place)
            }
            Kind::Caddy => {
                let sets = if host.is_empty() { String::new() } else { format!("{{\n header_up Host {host}\n }}") };
                place.write("Caddyfile", &format!("{{\n admin off\n}}\nhttp://:{port} {{\n reverse_proxy {address} {sets}\n}}\n"));
                run("caddy", "caddy", &["run", "--config", "Caddyfile"], &place)
            }
            Kind::Traefik => unreachable!("it adds the same headers as Caddy"),
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the proxy does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let answer = agent.get(format!("http://127.0.0.1:{port}{path}")).header("Host", "auth.example.com").call();
        let status = answer.expect("the proxy answers").status().as_u16();
        Command::new("kill").args(["-TERM", &proxy.id().to_string()]).status().ok();
        proxy.wait().ok();
        status
    })
}
