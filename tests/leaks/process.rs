//! A process `vestibule serve` in a directory of its own, with its log in a file.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    judge::{Exchange, of_the_binary},
    running::Running,
};

/// `vestibule serve` with its log in a file.
pub(crate) struct Process {
    pub(crate) directory: TempDir,
    running: Running,
    base: String,
    agent: ureq::Agent,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Process {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (running, base) = Running::start(|| {
            let log = File::options().create(true).append(true).open(directory.path().join("stderr.log"));
            let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
            command
                .args(["serve", "--port", "0"])
                .current_dir(directory.path())
                .env_clear()
                .envs([("VESTIBULE_REGISTRATION", "open"), ("VESTIBULE_LOG_LEVEL", "trace")])
                .envs([("VESTIBULE_LOGIN_RATE_PER_IP", "0"), ("VESTIBULE_LOGIN_FAILURES_PER_ACCOUNT", "0")])
                .stderr(log.expect("a file"));
            command
        });
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // No connection is kept open: a server that stops would wait until its client closes the connection.
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .new_agent();
        Self { directory, running, base, agent }
    }

    /// Runs a command beside the server with this text on stdin. Returns what it prints. It must write nothing to stderr.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(arguments).current_dir(self.directory.path()).env_clear().env("VESTIBULE_LOG_LEVEL", "trace");
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("the binary");
        // A command that does not read its input may have ended already. Then the write fails.
        child.stdin.take().expect("its stdin").write_all(input.as_bytes()).ok();
        let output = child.wait_with_output().expect("its end");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        assert_eq!((output.status.code(), text(output.stderr)), (Some(0), String::new()), "{arguments:?}");
        text(output.stdout)
    }

    /// Sends a request. Redirects are not followed.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).expect("a request");
        let mut response = self.agent.run(request).expect("an answer");
        let cookies = response.headers().get_all("set-cookie").iter();
        let cookies = cookies.filter_map(|line| {
            let (name, value) = line.to_str().ok()?.split(';').next()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let cookies = cookies.collect();
        let text = response.body_mut().read_to_string().expect("text");
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let mut sent = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        of_the_binary(&Exchange {
            method,
            target: path,
            sent_type: sent.next().map(|(_, value)| *value),
            status: response.status().as_u16(),
            content_type: header("content-type"),
            has_request_id: header("x-request-id").is_some(),
            text: &text,
        });
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: response.status().as_u16(), body, text, cookies }
    }

    pub(crate) fn json(&self, method: &str, path: &str, bearer: Option<&str>, body: &Value) -> Answer {
        let authorization = bearer.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "application/json"), ("User-Agent", "leak-test/1")];
        headers.extend(authorization.as_deref().map(|value| ("Authorization", value)));
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, None, body)
    }

    /// Opens a page, and sends the fields to its address with the CSRF token of the page and from its origin. Returns both
    /// responses.
    pub(crate) fn submit(&self, page: &str, fields: &[(&str, &str)]) -> (Answer, Answer) {
        let opened = self.send("GET", page, &[("Accept", "text/html")], b"");
        assert_eq!(opened.status, 200, "{page}: {}", opened.text);
        let cookies =
            opened.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let (_, rest) = opened.text.split_once("name=\"csrf_token\" value=\"").expect("a form with a token");
        let token = rest.split('"').next().expect("a value");
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields).append_pair("csrf_token", token);
        let path = page.split('?').next().expect("a path");
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "text/html"),
            ("Origin", &*self.base),
            ("Cookie", &*cookies),
        ];
        let answer = self.send("POST", path, &headers, form.finish().as_bytes());
        (opened, answer)
    }

    /// Sends bytes that are not a valid request directly to the socket. Ignores the response and all errors.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let address = self.base.strip_prefix("http://").expect("http");
        let mut socket = TcpStream::connect(address).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a limit");
        socket.write_all(bytes).ok();
        socket.shutdown(std::net::Shutdown::Write).ok();
        socket.read_to_end(&mut vec![]).ok();
    }

    /// Stops the server with SIGTERM. Returns the lines that it wrote to stdout after its address.
    pub(crate) fn stop(&mut self) -> String {
        self.running.signal("TERM");
        self.running.wait();
        self.running.stdout.iter().collect::<Vec<_>>().join("\n")
    }

    /// Returns path and content of every file in the directory, except `secret.key`, where the root secret belongs.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = vec![];
        collect(self.directory.path(), &mut files);
        files.retain(|(path, _)| !path.ends_with("secret.key"));
        files
    }
}

/// Collects the files of a directory and of all directories below it.
fn collect(directory: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), files);
        } else {
            files.push((entry.path(), fs::read(entry.path()).expect("a file")));
        }
    }
}
