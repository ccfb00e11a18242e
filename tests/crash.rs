//! What was answered survives `kill -9`: the real binary, killed between and during calls; and logouts that race refreshes.

#[expect(dead_code, reason = "shared with the tests of the API, which use more of it")]
#[path = "api/support/mod.rs"]
mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use support::{
    Server, Session,
    judge::{Exchange, of_the_binary},
};

/// `vestibule dev` over a directory, killed and started again over the same one.
struct Process {
    directory: TempDir,
    settings: Vec<(&'static str, &'static str)>,
    child: Child,
    base: String,
    password: String,
    agent: ureq::Agent,
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .new_agent()
}

fn spawn(directory: &TempDir, settings: &[(&str, &str)]) -> (Child, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(["dev", "--port", "0"])
        .current_dir(directory.path())
        .env_clear()
        .envs([("VESTIBULE_ARGON2_MEMORY_KIB", "64"), ("VESTIBULE_ARGON2_ITERATIONS", "1")])
        .envs([("VESTIBULE_LOGIN_RATE_PER_IP", "0"), ("VESTIBULE_REFRESH_RATE_PER_SESSION", "0")])
        .env("VESTIBULE_MAX_DEVICES_PER_USER", "0")
        // Else it would name the port, which is another one after each start.
        .env("VESTIBULE_ISSUER", "http://auth.test")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let mut lines = BufReader::new(child.stdout.take().expect("its stdout")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    let (first, second) = (line(), line());
    let base = first.strip_prefix("listening on ").expect(&first).to_owned();
    let password = second.rsplit(' ').next().expect("a password").to_owned();
    (child, base, password)
}

impl Process {
    fn start(settings: Vec<(&'static str, &'static str)>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (child, base, password) = spawn(&directory, &settings);
        Self { directory, settings, child, base, password, agent: agent() }
    }

    fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is dead");
    }

    fn restart(&mut self) {
        let (child, base, _) = spawn(&self.directory, &self.settings);
        // What was kept of connections is gone.
        (self.child, self.base, self.agent) = (child, base, agent());
    }

    /// Status and body; none where the server is gone.
    fn call(&self, method: &str, path: &str, bearer: Option<&str>, body: &Value) -> Option<(u16, Value)> {
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

    fn login(&self) -> Option<Tokens> {
        let body = json!({"username": "test@example.com", "password": self.password});
        Tokens::of(&self.call("POST", "/auth/login", None, &body)?.1)
    }

    fn refresh(&self, token: &str) -> Option<(u16, Value)> {
        self.call("POST", "/auth/refresh", None, &json!({"refresh_token": token}))
    }

    /// What a refresh token gets from a server that runs: its new tokens, or the code.
    fn refreshed(&self, token: &str) -> Result<Tokens, String> {
        let (_, body) = self.refresh(token).expect("it runs");
        Tokens::of(&body).ok_or_else(|| body["error"].as_str().unwrap_or("no answer").to_owned())
    }

    /// What an access token gets: 200, or the code.
    fn me(&self, token: &str) -> Result<(), String> {
        match self.call("GET", "/users/me", Some(token), &Value::Null).expect("it runs") {
            (200, _) => Ok(()),
            (_, body) => Err(body["error"].as_str().unwrap_or("no answer").to_owned()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[derive(Clone, Debug)]
struct Tokens {
    access: String,
    refresh: String,
    session: String,
    device: String,
}

impl Tokens {
    fn of(body: &Value) -> Option<Self> {
        let text = |field: &str| body[field].as_str().map(str::to_owned);
        Some(Self {
            access: text("access_token")?,
            refresh: text("refresh_token")?,
            session: text("session_id")?,
            device: text("device_id")?,
        })
    }
}

/// What a script remembers between its steps, and what it was told.
struct Script<'p> {
    process: &'p mut Process,
    kill_before: Option<usize>,
    steps: usize,
    told: Vec<String>,
}

impl Script<'_> {
    /// One call; what it said, without what is new in each run. Killed and started again first, where this run says so.
    fn call(&mut self, name: &str, method: &str, path: &str, bearer: Option<&str>, body: Value) -> Value {
        if self.kill_before == Some(self.steps) {
            self.process.kill();
            self.process.restart();
        }
        self.steps += 1;
        let (status, body) = self.process.call(method, path, bearer, &body).expect("it answers");
        let fields: Vec<&String> = body.as_object().map(|object| object.keys().collect()).unwrap_or_default();
        let lasting = ["error", "revoked", "expires_in", "detail", "email"].map(|field| body[field].to_string());
        self.told.push(format!("{name}: {status} {fields:?} {lasting:?}"));
        body
    }

    fn tokens(&mut self, name: &str, method: &str, path: &str, bearer: Option<&str>, body: Value) -> Tokens {
        let body = self.call(name, method, path, bearer, body);
        Tokens::of(&body).unwrap_or_else(|| panic!("{name}: {body}"))
    }

    fn login(&mut self, name: &str, password: &str, device: Option<&str>) -> Tokens {
        let body = json!({"username": "test@example.com", "password": password, "device_id": device});
        self.tokens(name, "POST", "/auth/login", None, body)
    }

    fn refresh(&mut self, name: &str, token: &str) -> Value {
        self.call(name, "POST", "/auth/refresh", None, json!({"refresh_token": token}))
    }

    fn me(&mut self, name: &str, token: &str) {
        self.call(name, "GET", "/users/me", Some(token), Value::Null);
    }

    fn say(&mut self, what: &str, is_so: bool) {
        self.told.push(format!("{what}: {is_so}"));
    }
}

/// Everything that moves a session, one call after the other.
fn play(script: &mut Script<'_>) {
    let password = script.process.password.clone();
    let first = script.login("login", &password, None);
    script.me("the access token holds", &first.access);
    let second = script.refresh("refresh", &first.refresh);
    let second = Tokens::of(&second).expect("tokens");
    script.say("the same device", second.device == first.device);
    let again = script.refresh("the superseded one again", &first.refresh);
    script.say("the current one, byte for byte", again["refresh_token"] == second.refresh.as_str());
    let other = script.login("another device", &password, None);
    let other_again = script.login("the same device again", &password, Some(&other.device));
    script.say("it is known", other_again.device == other.device && other_again.session != other.session);
    script.me("the session that it replaced", &other.access);
    script.refresh("the session that it replaced", &other.refresh);
    script.call("logout", "POST", "/auth/logout", None, json!({"refresh_token": other_again.refresh}));
    script.me("after the logout", &other_again.access);
    script.refresh("after the logout", &other_again.refresh);
    let third = script.login("a third device", &password, None);
    let path = format!("/auth/sessions/{}", third.session);
    script.call("revocation", "DELETE", &path, Some(&second.access), Value::Null);
    script.me("after the revocation", &third.access);
    script.refresh("after the revocation", &third.refresh);
    script.call("wrong password", "POST", "/auth/fresh", Some(&second.access), json!({"password": "wrong"}));
    let fourth = script.login("a fourth device", &password, None);
    let body = json!({"current_password": password, "new_password": "a long walk to the sea"});
    let changed = script.tokens("password change", "POST", "/users/me/password", Some(&second.access), body);
    script.me("older than the change", &second.access);
    script.me("another session, after the change", &fourth.access);
    script.refresh("another session, after the change", &fourth.refresh);
    script.me("the session that changed it", &changed.access);
    let body = json!({"username": "test@example.com", "password": password});
    script.call("the old password", "POST", "/auth/login", None, body);
    let last = script.refresh("the session that changed it", &changed.refresh);
    let last = Tokens::of(&last).expect("tokens");
    script.login("the new password", "a long walk to the sea", None);
    script.call("logout of all", "POST", "/auth/logout_all", Some(&last.access), Value::Null);
    script.me("after the logout of all", &last.access);
    script.refresh("after the logout of all", &last.refresh);
    let fresh = script.login("once more", "a long walk to the sea", None);
    let body = json!({"password": "a long walk to the sea"});
    script.call("deletion", "DELETE", "/users/me", Some(&fresh.access), body);
    script.me("after the deletion", &fresh.access);
    script.refresh("after the deletion", &fresh.refresh);
}

fn told(kill_before: Option<usize>) -> (usize, Vec<String>) {
    // Longer than the script takes on a busy machine, so that only the kill makes a difference.
    let mut process = Process::start(vec![("VESTIBULE_REFRESH_REUSE_GRACE", "600")]);
    let mut script = Script { process: &mut process, kill_before, steps: 0, told: vec![] };
    play(&mut script);
    (script.steps, script.told)
}

#[test]
fn every_answer_is_as_without_a_kill_before_it() {
    let (steps, expected) = told(None);
    assert!(expected.iter().any(|line| line.starts_with("deletion: 204")), "{expected:#?}");
    let next = AtomicUsize::new(1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let step = next.fetch_add(1, Ordering::SeqCst)
                    && step < steps
                {
                    assert_eq!(told(Some(step)).1, expected, "killed before call {step}");
                }
            });
        }
    });
}

#[test]
fn a_reuse_and_a_fifth_wrong_password_are_not_forgotten_by_a_kill() {
    let mut process = Process::start(vec![("VESTIBULE_REFRESH_REUSE_GRACE", "0")]);
    let first = process.login().expect("it runs");
    let second = process.refreshed(&first.refresh).expect("tokens");
    assert_eq!(process.refreshed(&first.refresh).expect_err("refused"), "refresh_reused");
    let guessed = process.login().expect("it runs");
    let guess = |process: &Process| {
        let answer = process.call("POST", "/auth/fresh", Some(&guessed.access), &json!({"password": "wrong"}));
        answer.expect("it runs").1["error"].clone()
    };
    for _ in 0..4 {
        assert_eq!(guess(&process), "invalid_credentials");
    }
    process.kill();
    process.restart();
    assert_eq!(process.me(&second.access), Err("token_revoked".to_owned()));
    assert_eq!(process.refreshed(&second.refresh).expect_err("refused"), "token_revoked");
    assert_eq!(guess(&process), "invalid_credentials");
    process.kill();
    process.restart();
    assert_eq!(guess(&process), "token_revoked");
    assert_eq!(process.refreshed(&guessed.refresh).expect_err("refused"), "token_revoked");
}

/// What one thread was told last, when the server died under it.
struct Last {
    known: Tokens,
    before: Option<Tokens>,
}

fn refresh_until_it_dies(process: &Process, start: &Tokens) -> Last {
    let mut last = Last { known: start.clone(), before: None };
    while let Some((status, body)) = process.refresh(&last.known.refresh) {
        assert_eq!(status, 200, "{body}");
        let next = Tokens::of(&body).expect("tokens");
        last.before = Some(std::mem::replace(&mut last.known, next));
    }
    last
}

/// Logs in and out; the sessions whose logout was answered.
fn log_out_until_it_dies(process: &Process) -> Vec<Tokens> {
    let mut out = vec![];
    while let Some(tokens) = process.login() {
        let body = json!({"refresh_token": tokens.refresh});
        match process.call("POST", "/auth/logout", None, &body) {
            Some((status, _)) => assert_eq!(status, 200),
            None => break,
        }
        out.push(tokens);
    }
    out
}

/// Kills the server `after` so long while `starts` are refreshed in a thread each and others are logged out.
fn kill_under_load(process: &mut Process, starts: &[Tokens], after: Duration) -> (Vec<Last>, Vec<Tokens>) {
    let pid = process.child.id().to_string();
    let shared = &*process;
    let told = thread::scope(|scope| {
        let refreshing: Vec<_> =
            starts.iter().map(|start| scope.spawn(move || refresh_until_it_dies(shared, start))).collect();
        let logging_out = scope.spawn(|| log_out_until_it_dies(shared));
        thread::sleep(after);
        assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill").success());
        let last = refreshing.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        (last, logging_out.join().expect("no panic"))
    });
    process.kill();
    process.restart();
    told
}

#[test]
fn a_kill_while_eight_threads_refresh_logs_nobody_out() {
    let mut process = Process::start(vec![]);
    for round in 0..8_u64 {
        let starts: Vec<Tokens> = (0..8).map(|_| process.login().expect("it runs")).collect();
        let (last, out) = kill_under_load(&mut process, &starts, Duration::from_millis(60 + 37 * round));
        for Last { known, before } in &last {
            let next = process.refreshed(&known.refresh).unwrap_or_else(|code| panic!("round {round}: {code}"));
            // Within the grace, whichever the client kept.
            for token in before.iter().chain([known]) {
                let again = process.refreshed(&token.refresh).unwrap_or_else(|code| panic!("round {round}: {code}"));
                assert_eq!(again.refresh, next.refresh, "round {round}");
            }
            assert_eq!(process.me(&known.access), Ok(()));
        }
        assert!(last.iter().any(|last| last.before.is_some()), "round {round}: nothing happened");
        for tokens in &out {
            assert_eq!(process.me(&tokens.access), Err("token_revoked".to_owned()), "round {round}");
            assert_eq!(process.refreshed(&tokens.refresh).expect_err("refused"), "token_revoked", "round {round}");
        }
    }
}

#[test]
fn a_kill_while_eight_threads_share_a_session_logs_nobody_out() {
    let mut process = Process::start(vec![]);
    for round in 0..4_u64 {
        let start = process.login().expect("it runs");
        let starts = vec![start; 8];
        let (last, _) = kill_under_load(&mut process, &starts, Duration::from_millis(80 + 31 * round));
        for Last { known, before } in &last {
            for token in before.iter().chain([known]) {
                let next = process.refreshed(&token.refresh).unwrap_or_else(|code| panic!("round {round}: {code}"));
                assert_eq!(process.me(&next.access), Ok(()));
            }
            assert_eq!(process.me(&known.access), Ok(()));
        }
    }
}

/// Logs a session out while another thread refreshes it; whether that one was refreshed before. Nothing of it works after the
/// answer to the logout.
fn log_out_during_refreshes(server: &Server, session: &Session<'_>, round: u64) -> bool {
    let out = AtomicBool::new(false);
    let got = Mutex::new(vec![session.clone()]);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut latest = session.clone();
            for _ in 0..5000 {
                let began_after = out.load(Ordering::SeqCst);
                let answer = latest.try_refresh();
                if answer.status != 200 {
                    answer.expect_error(401, "token_revoked");
                    return;
                }
                assert!(!began_after, "round {round}: refreshed after the answer to the logout");
                latest = Session::from(server, &answer);
                got.lock().expect("no panic").push(latest.clone());
            }
            panic!("round {round}: nobody logged it out");
        });
        // From at once to after several refreshes, with either token.
        thread::sleep(Duration::from_micros(round % 16 * 400));
        if round.is_multiple_of(2) {
            server.post("/auth/logout", json!({"refresh_token": session.refresh})).expect(200);
        } else {
            session.call("POST", "/auth/logout").send().expect(200);
        }
        out.store(true, Ordering::SeqCst);
        // What was answered so far is dead already, while the other one may still try.
        let latest = got.lock().expect("no panic").last().cloned();
        latest.expect("that of the login").get("/users/me").expect_error(401, "token_revoked");
    });
    let got = got.into_inner().expect("no panic");
    // The one that raced the answer is the last.
    for token in [session, &got[got.len() - 1]] {
        token.get("/users/me").expect_error(401, "token_revoked");
        token.try_refresh().expect_error(401, "token_revoked");
    }
    got.len() > 1
}

#[test]
fn nothing_works_after_any_of_a_thousand_logouts_that_raced_a_refresh() {
    let server = Server::with(vec![
        ("max_devices_per_user", 0.into()),
        ("login_rate_per_ip", "0".into()),
        ("refresh_rate_per_session", "0".into()),
    ]);
    let users = ["ada", "bob", "cleo", "dan"].map(|name| server.user(name));
    let raced = AtomicUsize::new(0);
    thread::scope(|scope| {
        for user in &users {
            scope.spawn(|| {
                for round in 0..250 {
                    let refreshed = log_out_during_refreshes(&server, &user.login(), round);
                    raced.fetch_add(usize::from(refreshed), Ordering::SeqCst);
                }
            });
        }
    });
    let raced = raced.into_inner();
    assert!(raced > 100, "only {raced} were refreshed before their logout");
    assert_eq!(server.count("select count(*) from sessions"), 1000);
    assert_eq!(server.count("select count(*) from sessions where revoked_at is null"), 0);
}
