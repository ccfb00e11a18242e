//! A process `vestibule dev` that can be killed and started again on the same directory.

use std::{
    process::{Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    running::{PATIENCE, Running},
    support::judge::{Exchange, of_the_binary},
};

/// A server of the profile `dev` with its directory. It can be killed and started again over the same directory.
pub(crate) struct Process {
    directory: TempDir,
    settings: Vec<(&'static str, &'static str)>,
    /// Behind a lock, because the threads of a test share the process.
    running: Mutex<Running>,
    base: String,
    pub(crate) password: String,
    agent: ureq::Agent,
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .new_agent()
}

/// Starts the server. Returns it with its address and the password of the sample user.
fn spawn(directory: &TempDir, settings: &[(&str, &str)]) -> (Running, String, String) {
    let (running, base) = Running::start(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command
            .args(["dev", "--port", "0"])
            .current_dir(directory.path())
            .env_clear()
            .envs([("VESTIBULE_ARGON2_MEMORY_KIB", "64"), ("VESTIBULE_ARGON2_ITERATIONS", "1")])
            .envs([("VESTIBULE_LOGIN_RATE_PER_IP", "0"), ("VESTIBULE_REFRESH_RATE_PER_SESSION", "0")])
            .env("VESTIBULE_MAX_DEVICES_PER_USER", "0")
            // Otherwise the issuer would contain the port, and each start picks another port.
            .env("VESTIBULE_ISSUER", "http://auth.test")
            .envs(settings.iter().copied())
            .stderr(Stdio::piped());
        command
    });
    let line = running.stdout.recv_timeout(PATIENCE).expect("a line");
    let password = line.rsplit(' ').next().expect("a password").to_owned();
    (running, base, password)
}

impl Process {
    pub(crate) fn start(settings: Vec<(&'static str, &'static str)>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (running, base, password) = spawn(&directory, &settings);
        Self { directory, settings, running: Mutex::new(running), base, password, agent: agent() }
    }

    /// Kills the server with SIGKILL, and waits until it has ended.
    pub(crate) fn kill(&mut self) {
        let running = self.running.get_mut().expect("no panic");
        running.child.kill().expect("it is killed");
        running.wait();
    }

    /// Sends the signal `KILL`, while other threads may wait for responses.
    pub(crate) fn send_kill(&self) {
        self.running.lock().expect("no panic").signal("KILL");
    }

    /// Starts the server again on the same directory.
    pub(crate) fn restart(&mut self) {
        let (running, base, _) = spawn(&self.directory, &self.settings);
        // A new agent, because the connections that the old agent keeps are closed.
        (self.running, self.base, self.agent) = (Mutex::new(running), base, agent());
    }

    /// Sends a request. Returns status and body, or `None` if the server has died.
    pub(crate) fn call(&self, method: &str, path: &str, bearer: Option<&str>, body: &Value) -> Option<(u16, Value)> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Content-Type", "application/json");
        if let Some(token) = bearer {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.body(body.to_string().into_bytes()).expect("a request");
        let mut response = self.agent.run(request).ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        of_the_binary(&Exchange {
            method,
            target: path,
            sent_type: Some("application/json"),
            status: response.status().as_u16(),
            content_type: header("content-type"),
            has_request_id: header("x-request-id").is_some(),
            text: &text,
        });
        Some((response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Logs in as the sample user. Returns the tokens, or `None` if the server has died.
    pub(crate) fn login(&self) -> Option<Tokens> {
        let body = json!({"username": "test@example.com", "password": self.password});
        Tokens::of(&self.call("POST", "/auth/login", None, &body)?.1)
    }

    /// Presents a refresh token. Returns status and body, or `None` if the server has died.
    pub(crate) fn refresh(&self, token: &str) -> Option<(u16, Value)> {
        self.call("POST", "/auth/refresh", None, &json!({"refresh_token": token}))
    }

    /// Presents a refresh token to a running server. Returns the new tokens, or the code of the error.
    pub(crate) fn refreshed(&self, token: &str) -> Result<Tokens, String> {
        let (_, body) = self.refresh(token).expect("it runs");
        Tokens::of(&body).ok_or_else(|| body["error"].as_str().unwrap_or("no answer").to_owned())
    }

    /// Presents an access token to a running server. Returns the code of the error if it is refused.
    pub(crate) fn me(&self, token: &str) -> Result<(), String> {
        match self.call("GET", "/users/me", Some(token), &Value::Null).expect("it runs") {
            (200, _) => Ok(()),
            (_, body) => Err(body["error"].as_str().unwrap_or("no answer").to_owned()),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
    pub(crate) device: String,
}

impl Tokens {
    /// Returns the tokens in a response, or `None` if a token is missing.
    pub(crate) fn of(body: &Value) -> Option<Self> {
        let text = |field: &str| body[field].as_str().map(str::to_owned);
        Some(Self {
            access: text("access_token")?,
            refresh: text("refresh_token")?,
            session: text("session_id")?,
            device: text("device_id")?,
        })
    }
}
