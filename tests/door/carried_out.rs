//! Requests whose client does not wait for the response: they are carried out. A client that only closes its sending side
//! gets its response.

use std::{fs, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::server::{Door, runtime};

/// The number of logouts of each kind.
const LOGOUTS: usize = 500;

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
enum Leaving {
    /// It closes the connection.
    Close,
    /// It resets the connection.
    Reset,
}

#[test]
fn a_logout_is_carried_out_if_its_client_leaves_at_once() {
    let directory_file = "refresh_rate_per_session = \"0\"\nlogin_rate_per_ip = \"0\"\nmax_devices_per_user = 0\n";
    let door = Door::with_file(&format!("[default.auth]\n{directory_file}"));
    door.add_user("ada", PASSWORD);
    runtime().block_on(async {
        for leaving in [Leaving::Close, Leaving::Reset] {
            let mut tokens = Vec::new();
            for _ in 0..LOGOUTS {
                tokens.push(sign_in(&door).await);
            }
            for token in &tokens {
                let stream = TcpStream::connect(door.address).await.expect("it accepts");
                if matches!(leaving, Leaving::Reset) {
                    stream.set_zero_linger().expect("the option");
                }
                let mut stream = stream;
                let head = "POST /auth/logout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n";
                let request = format!("{head}Authorization: Bearer {token}\r\n\r\n");
                stream.write_all(request.as_bytes()).await.expect("it is sent");
                drop(stream);
            }
            sleep(Duration::from_millis(500)).await;
            let mut open = 0;
            for token in &tokens {
                let head = "GET /users/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
                let answer = exchange(&door, &format!("{head}Authorization: Bearer {token}\r\n\r\n"), false).await;
                open += usize::from(!answer.starts_with("HTTP/1.1 401"));
            }
            println!("{leaving:?}: {open} of {LOGOUTS} sessions stay open");
            assert_eq!(open, 0, "{leaving:?}");
        }
    });
}

#[test]
fn a_client_that_closes_its_sending_side_gets_its_response() {
    let door = Door::start(&[]);
    door.add_user("ada", PASSWORD);
    runtime().block_on(async {
        for _ in 0..10 {
            let health = exchange(&door, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", true).await;
            assert!(health.starts_with("HTTP/1.1 200"), "{health}");
            let login = exchange(&door, &login(), true).await;
            assert!(login.starts_with("HTTP/1.1 200"), "{login}");
        }
    });
}

const PASSWORD: &str = "a long walk to the sea";

fn login() -> String {
    let body = format!(r#"{{"username":"ada","password":"{PASSWORD}"}}"#);
    let head = "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Logs in. Returns the access token.
async fn sign_in(door: &Door) -> String {
    let answer = exchange(door, &login(), true).await;
    let token = answer.split_once(r#""access_token":""#).expect(&answer).1;
    token.split('"').next().expect("a token").to_owned()
}

/// Sends a request on a new connection. Closes the sending side if `half_close` is set. Returns the response.
async fn exchange(door: &Door, request: &str, half_close: bool) -> String {
    let mut stream = TcpStream::connect(door.address).await.expect("it accepts");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    if half_close {
        stream.shutdown().await.expect("it is closed");
    }
    let mut bytes = Vec::new();
    timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.expect("a response").expect("a response");
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Door {
    /// Starts the server with this configuration file.
    fn with_file(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("Rocket.toml"), text).expect("a file");
        Self::launch(&[], directory, None)
    }
}
