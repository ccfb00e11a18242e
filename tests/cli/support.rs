//! Helpers for the tests of the command line: a working directory, the binary, and a server that is killed when its test ends.

#[path = "../api/support/judge.rs"]
pub(crate) mod judge;
#[path = "../common/process.rs"]
mod running;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use self::{
    judge::{Exchange, of_the_binary},
    running::{PATIENCE, Running},
};

/// A password that is strong enough to be stored.
pub(crate) const PASSWORD: &str = "a long walk to the sea";

/// The time within which a running server must apply the changes of commands.
const IN_FORCE: Duration = Duration::from_secs(1);

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A directory, empty at first, in which commands and servers run.
pub(crate) struct Place {
    directory: Arc<TempDir>,
    variables: Vec<(&'static str, &'static str)>,
}

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::of(tempfile::tempdir().expect("a directory"))
    }

    /// Returns a place on the disk of the build, because the directory of temporary files may be in memory.
    pub(crate) fn on_disk() -> Self {
        Self::of(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory"))
    }

    fn of(directory: TempDir) -> Self {
        let installed = "/etc/vestibule.toml";
        assert!(!Path::new(installed).exists(), "the commands would read {installed}: move it aside for these tests");
        Self { directory: Arc::new(directory), variables: Vec::new() }
    }

    /// Sets an environment variable for every command and server that runs here.
    pub(crate) fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: &str) {
        fs::write(self.path(relative), text).expect("a file");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(arguments).current_dir(self.directory.path()).env_clear();
        command.envs(self.variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command with nothing on stdin.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.run_with_input(arguments, "")
    }

    /// Runs a command with nothing on stdin and with more environment variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Done {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        Self::finish(command, "")
    }

    /// Runs a command as the argument of another program.
    pub(crate) fn run_under(&self, program: &str, options: &[&str], arguments: &[&str]) -> Done {
        let own = self.command(arguments);
        let mut command = Command::new(program);
        command.args(options).arg(own.get_program()).args(arguments).current_dir(self.directory.path()).env_clear();
        command.envs(self.variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::finish(command, "")
    }

    /// Runs a command with this text on stdin.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Done {
        Self::finish(self.command(arguments), input)
    }

    /// Runs a command whose standard input is this, such as a socket or a file.
    pub(crate) fn run_with_stdin(&self, arguments: &[&str], stdin: impl Into<Stdio>) -> Done {
        Done::of(self.command(arguments).stdin(stdin).output().expect("the binary"))
    }

    fn finish(mut command: Command, input: &str) -> Done {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the binary");
        // A command that does not read its input may have ended already. Then the write fails.
        child.stdin.take().expect("its stdin").write_all(input.as_bytes()).ok();
        Done::of(child.wait_with_output().expect("its end"))
    }

    /// Runs a command, and kills it after this time unless it has ended before.
    pub(crate) fn kill_after(&self, arguments: &[&str], time: Duration) {
        let mut child = self.command(arguments).stdin(Stdio::null()).spawn().expect("the binary");
        thread::sleep(time);
        child.kill().ok();
        child.wait().expect("its end");
    }

    /// Runs a command that must succeed and write nothing to stderr. Returns what it prints.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        self.run(arguments).succeeded()
    }

    /// Runs a command with `--json` that must succeed. Returns what it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.succeed(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Adds a user with [`PASSWORD`]. `arguments` follow `user add`.
    pub(crate) fn add_user(&self, arguments: &[&str]) {
        let arguments = [&["user", "add", "--password-stdin"], arguments].concat();
        self.run_with_input(&arguments, &format!("{PASSWORD}\n")).succeeded();
    }

    /// Starts a server on a port that it picks. `arguments` must not contain `--port`.
    pub(crate) fn start(&self, arguments: &[&str]) -> Server {
        self.start_with(&[], arguments)
    }

    /// Starts a server on a port that it picks, with more environment variables.
    pub(crate) fn start_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Server {
        self.start_as_it_is_with(variables, &[arguments, &["--port", "0"]].concat())
    }

    /// Starts a server with exactly these arguments, and with more environment variables.
    pub(crate) fn start_as_it_is_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Server {
        let command = || {
            let mut command = self.command(arguments);
            command.envs(variables.iter().copied());
            command
        };
        Server::start(command, Arc::clone(&self.directory))
    }

    /// Starts a server with exactly these arguments.
    pub(crate) fn start_as_it_is(&self, arguments: &[&str]) -> Server {
        self.start_as_it_is_with(&[], arguments)
    }
}

impl Done {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Checks that the command succeeded and wrote nothing to stderr. Returns what it printed.
    pub(crate) fn succeeded(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    /// Checks that the command failed with exit code 1, printed nothing and wrote one line to stderr. Returns this line.
    pub(crate) fn failed(self) -> String {
        assert_eq!((self.code, self.stdout.as_str(), self.stderr.lines().count()), (Some(1), "", 1), "{}", self.stderr);
        self.stderr.trim_end().to_owned()
    }
}

/// A running server. It is killed when it is dropped.
pub(crate) struct Server {
    running: Running,
    /// `http://address:port`
    pub(crate) base: String,
    agent: ureq::Agent,
    /// The directory stays until the server has ended: without it, SQLite can't open a further connection.
    _directory: Arc<TempDir>,
}

impl Server {
    fn start(command: impl Fn() -> Command, directory: Arc<TempDir>) -> Self {
        let (running, base) = Running::start(command);
        // No connection is kept open: a server that stops would wait until its client closes the connection.
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        Self { running, base, agent, _directory: directory }
    }

    /// Returns the next line on stdout. Panics if no line arrives within `PATIENCE`.
    pub(crate) fn next_line(&self) -> String {
        self.running.stdout.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            panic!("no further line on stdout; stderr: {:?}", self.running.stderr.try_iter().collect::<Vec<_>>())
        })
    }

    /// Stops the server with SIGTERM. Returns its exit code, and the further lines that it wrote to stdout and to stderr.
    pub(crate) fn stop(mut self) -> (Option<i32>, Vec<String>, Vec<String>) {
        self.running.signal("TERM");
        let status = self.running.wait();
        (status.code(), self.running.stdout.iter().collect(), self.running.stderr.iter().collect())
    }

    /// Asks the server to stop with SIGTERM, and does not wait for its end.
    pub(crate) fn terminate(&self) {
        self.running.signal("TERM");
    }

    /// Waits until the server has ended. Returns its exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.running.wait().code()
    }

    /// Returns the address at which the server listens.
    pub(crate) fn address(&self) -> &str {
        self.base.strip_prefix("http://").expect("an address")
    }

    /// Returns the id of the process.
    pub(crate) fn process(&self) -> u32 {
        self.running.child.id()
    }

    /// Limits the number of files that the running server may have open.
    pub(crate) fn limit_files(&self, count: u32) {
        let id = self.running.child.id();
        let arguments = [format!("--pid={id}"), format!("--nofile={count}:{count}")];
        assert!(Command::new("prlimit").args(arguments).status().expect("prlimit").success());
    }

    /// Returns whether the server answers.
    pub(crate) fn is_alive(&self) -> bool {
        self.agent.get(format!("{}/health", self.base)).call().is_ok_and(|answer| answer.status() == 200)
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.base);
        self.answer("GET", path, "", self.agent.get(url).header("Authorization", format!("Bearer {token}")).call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.answer("POST", path, JSON, self.agent.post(format!("{}{path}", self.base)).send_json(body))
    }

    pub(crate) fn post_form(&self, path: &str, form: &str) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.base));
        self.answer("POST", path, FORM, request.header("Content-Type", FORM).send(form))
    }

    /// Returns status and body, after comparing them with the API description.
    #[track_caller]
    fn answer(&self, method: &str, target: &str, sent_type: &str, response: Response) -> (u16, Value) {
        let mut response = response.expect("an answer");
        let text = response.body_mut().read_to_string().expect("a body");
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let exchange = Exchange {
            method,
            target,
            sent_type: Some(sent_type),
            status: response.status().as_u16(),
            content_type: header("content-type"),
            has_request_id: header("x-request-id").is_some(),
            text: &text,
        };
        of_the_binary(&exchange);
        (exchange.status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) fn login(&self, name: &str, password: &str) -> (u16, Value) {
        self.post("/auth/login", &json!({ "username": name, "password": password }))
    }

    /// Logs in. Returns the access token. Panics if the login fails.
    pub(crate) fn token(&self, name: &str, password: &str) -> String {
        let (status, body) = self.login(name, password);
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().expect("a token").to_owned()
    }

    /// Returns the first page of the administration, as `ada` sees it.
    pub(crate) fn admin_page(&self) -> String {
        self.admin_page_of("ada")
    }

    /// Returns the first page of the administration, as this admin sees it.
    pub(crate) fn admin_page_of(&self, name: &str) -> String {
        let body = json!({"username": name, "password": PASSWORD, "transport": "cookie"});
        let login = self.agent.post(format!("{}/auth/login", self.base)).send_json(body).expect("it signs in");
        let cookies = cookies_of(&login);
        let page =
            self.agent.get(format!("{}/admin", self.base)).header("Cookie", cookies).header("Accept", "text/html");
        page.call().expect("a page").body_mut().read_to_string().expect("a text")
    }

    /// Opens the page `/login`, and sends its form. Returns the status.
    pub(crate) fn submit_login(&self, name: &str, password: &str) -> u16 {
        let page = format!("{}/login", self.base);
        let mut opened = self.agent.get(&page).header("Accept", "text/html").call().expect("a page");
        let cookies = cookies_of(&opened);
        let text = opened.body_mut().read_to_string().expect("a text");
        let (_, rest) = text.split_once("name=\"csrf_token\" value=\"").expect("a form with a token");
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf_token", rest.split('"').next().expect("a value"));
        form.append_pair("username", name).append_pair("password", password);
        let request = self.agent.post(&page).header("Content-Type", FORM).header("Accept", "text/html");
        let request = request.header("Origin", &self.base).header("Cookie", cookies);
        request.send(form.finish()).expect("an answer").status().as_u16()
    }

    /// Returns the user if the token is accepted, otherwise the error code.
    pub(crate) fn me(&self, token: &str) -> Result<Value, String> {
        match self.get("/users/me", token) {
            (200, user) => Ok(user),
            (401, problem) => Err(problem["error"].as_str().expect("a code").to_owned()),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the token is refused as revoked. Panics after a second.
    pub(crate) fn expect_revoked(&self, token: &str) {
        within_a_second("the token is still accepted", || self.me(token) == Err("token_revoked".to_owned()));
    }
}

/// Waits until `holds` returns true. Panics after a second, with the text `otherwise`.
pub(crate) fn within_a_second(otherwise: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < IN_FORCE, "after a second {otherwise}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Returns the permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o777
}

type Response = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

/// Returns the cookies that a response sets, as the header `Cookie` has them.
fn cookies_of(response: &ureq::http::Response<ureq::Body>) -> String {
    let lines = response.headers().get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.filter_map(|line| line.split(';').next()).filter(|pair| !pair.ends_with('='));
    pairs.collect::<Vec<_>>().join("; ")
}

/// Returns a place with cheap password hashes, which only the profile `dev` allows.
pub(crate) fn dev_place() -> Place {
    Place::new().set("VESTIBULE_ARGON2_MEMORY_KIB", "64").set("VESTIBULE_ARGON2_ITERATIONS", "1")
}
