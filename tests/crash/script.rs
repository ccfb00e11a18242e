//! A script of calls that covers everything that can happen to a session.

use serde_json::{Value, json};

use crate::process::{Process, Tokens};

/// The state of a script between its steps, and the responses so far.
pub(crate) struct Script<'p> {
    pub(crate) process: &'p mut Process,
    /// The number of the step before which the server is killed; `None` if it is never killed.
    pub(crate) kill_before: Option<usize>,
    pub(crate) steps: usize,
    /// The recorded responses.
    pub(crate) told: Vec<String>,
}

impl Script<'_> {
    /// Sends a request and records its response, except the values that are new in each run. If `kill_before` is the number of
    /// this step, kills the server first and starts it again.
    pub(crate) fn call(&mut self, name: &str, method: &str, path: &str, bearer: Option<&str>, body: Value) -> Value {
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

    /// Sends a request, as [`Script::call`] does. Returns the tokens in the response. Panics if a token is missing.
    pub(crate) fn tokens(&mut self, name: &str, method: &str, path: &str, bearer: Option<&str>, body: Value) -> Tokens {
        let body = self.call(name, method, path, bearer, body);
        Tokens::of(&body).unwrap_or_else(|| panic!("{name}: {body}"))
    }

    pub(crate) fn login(&mut self, name: &str, password: &str, device: Option<&str>) -> Tokens {
        let body = json!({"username": "test@example.com", "password": password, "device_id": device});
        self.tokens(name, "POST", "/auth/login", None, body)
    }

    pub(crate) fn refresh(&mut self, name: &str, token: &str) -> Value {
        self.call(name, "POST", "/auth/refresh", None, json!({"refresh_token": token}))
    }

    pub(crate) fn me(&mut self, name: &str, token: &str) {
        self.call(name, "GET", "/users/me", Some(token), Value::Null);
    }

    /// Records whether a statement is true.
    pub(crate) fn say(&mut self, what: &str, is_so: bool) {
        self.told.push(format!("{what}: {is_so}"));
    }
}

/// Runs all calls of the script, one after the other.
pub(crate) fn play(script: &mut Script<'_>) {
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

/// Runs the script on a new server. Returns the number of its steps, and the recorded responses.
pub(crate) fn told(kill_before: Option<usize>) -> (usize, Vec<String>) {
    // The grace period is longer than the script takes on a busy machine, so that only a kill can change a response.
    let mut process = Process::start(vec![("VESTIBULE_REFRESH_REUSE_GRACE", "600")]);
    let mut script = Script { process: &mut process, kill_before, steps: 0, told: vec![] };
    play(&mut script);
    (script.steps, script.told)
}
