//! A random walk: each step is taken on a server and in the model, and the results are compared.

use std::collections::BTreeMap;

use proptest::sample::Index;
use serde_json::{Value, json};
use vestibule::domain::user_change::UserChange;
use vestibule::{
    domain::UserId,
    flows::{steps::acting::Acting, steps::authenticate::authenticate, sweep::sweep, users::change_user::change_user},
};

use crate::{
    database::rows_and_log,
    model::{
        ACCESS, AccessToken, DEVICES, FOREIGN, GRACE, Given, Model, OWN, REFRESH, REFRESHES, SECONDS_FOR_ONE_REFRESH,
        SESSION, Session,
    },
    steps::Step,
    support::{self, Answer, Server, unlimited, wait_for},
};

/// A server, and the model with which it must agree.
pub(crate) struct Walk {
    server: Option<Server>,
    user: String,
    model: Model,
}

fn settings() -> support::Settings {
    unlimited(vec![
        ("access_token_lifetime", ACCESS.into()),
        ("refresh_token_lifetime", REFRESH.into()),
        ("session_lifetime", SESSION.into()),
        ("refresh_reuse_grace", GRACE.into()),
        ("max_devices_per_user", DEVICES.into()),
        ("audience", OWN.into()),
        ("clients.default.audience", vec![OWN, FOREIGN].into()),
        ("refresh_rate_per_session", format!("{REFRESHES}/{}s", REFRESHES * SECONDS_FOR_ONE_REFRESH).into()),
        // Long retentions, because the model never removes audit events or devices.
        ("audit_retention", "3650d".into()),
        ("device_retention", "3650d".into()),
    ])
}

impl Walk {
    pub(crate) fn begin() -> Self {
        let server = Server::with(settings());
        let user = server.user("ada").id;
        let model = Model::new(server.clock.now().seconds());
        Self { server: Some(server), user, model }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn call(&self, method: &str, path: &str, bearer: Option<&str>, body: Value) -> Answer {
        // A connection that is kept open would delay a restart.
        let call = self.server().call(method, path).header("Connection", "close").json(body);
        match bearer {
            Some(token) => call.bearer(token),
            None => call,
        }
        .send()
    }

    /// Takes a step on the server and in the model, and compares the responses. Does nothing if the step needs a session or a
    /// token and the model has no session or token.
    pub(crate) fn take(&mut self, step: &Step) {
        match step {
            Step::Login { device } => self.login(device.as_ref()),
            Step::LoginWrongly => {
                let answer = self.call("POST", "/auth/login", None, json!({"username": "ada", "password": "not it"}));
                answer.expect_error(401, "invalid_credentials");
                self.model.happened("login_failed");
            }
            Step::Refresh { token, with_device, elsewhere, foreign } => {
                self.refresh(token, *with_device, *elsewhere, *foreign);
            }
            Step::RevokeToken(token) => self.revoke_token(token),
            Step::LogoutByRefresh(token) => {
                let Some(token) = pick(token, &self.model.refresh_tokens) else { return };
                self.call("POST", "/auth/logout", None, json!({"refresh_token": token.text})).expect(200);
                self.model.revoke("logged_out", |index, _| index == token.session);
            }
            Step::LogoutByAccess(token) => {
                let Some(token) = pick(token, &self.model.access_tokens) else { return };
                self.call("POST", "/auth/logout", Some(&token.text), json!({})).expect(200);
                self.model.revoke("logged_out", |index, _| index == token.session);
            }
            Step::LogoutAll(bearer) => {
                let Some((_, answer)) = self.ask(bearer, "POST", "/auth/logout_all", json!({})) else { return };
                let count = self.model.revoke("session_revoked", |_, _| true);
                assert_eq!(answer.expect(200).body["revoked"], count);
            }
            Step::RevokeOthers(bearer) => {
                let path = "/auth/revoke_other_session";
                let Some((token, answer)) = self.ask(bearer, "POST", path, json!({})) else { return };
                let count = self.model.revoke("session_revoked", |index, _| index != token.session);
                assert_eq!(answer.expect(200).body["revoked"], count);
            }
            Step::DeleteSession { bearer, which } => self.delete_session(bearer, which),
            Step::Prove { bearer, rightly } => self.prove(bearer, *rightly),
            Step::ChangePassword { bearer, rightly } => self.change_password(bearer, *rightly),
            Step::Disable => self.set_disabled(true),
            Step::Enable => self.set_disabled(false),
            Step::Advance(seconds) => {
                self.server().advance(*seconds);
                self.model.now += seconds;
            }
            Step::Sweep => {
                let server = self.server();
                wait_for(sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
            }
            Step::Restart => {
                self.server = self.server.take().map(Server::restart);
                // The limits are kept in memory only.
                for session in &mut self.model.sessions {
                    session.repeats_recorded_at = Default::default();
                    session.allowance_full_at = 0;
                }
                self.model.limit_recorded.clear();
            }
        }
    }

    fn login(&mut self, device: Option<&Index>) {
        let device = device.and_then(|index| pick(index, &self.model.devices));
        let body = json!({"username": "ada", "password": self.model.password, "device_id": device});
        let answer = self.call("POST", "/auth/login", None, body);
        if self.model.disabled {
            answer.expect_error(403, "account_disabled");
            self.model.happened("login_failed");
            return;
        }
        let answer = answer.expect(200);
        let now = self.model.now;
        let model = &mut self.model;
        if let Some(known) = &device {
            model.revoke("session_revoked", |_, session| session.device == *known);
        }
        // At the device limit a login revokes a session of the same program. All logins of the walk are of one program, so it
        // is the least recently used session among those that were not used since their login, and otherwise of all.
        while model.sessions.iter().filter(|session| session.is_live(now)).count() >= DEVICES {
            let live = model.sessions.iter().enumerate().filter(|(_, session)| session.is_live(now));
            let oldest = live.min_by_key(|(_, session)| (session.was_used(), session.use_number));
            let oldest = oldest.expect("there are some").0;
            model.revoke("session_revoked", |index, _| index == oldest);
        }
        let device_id = answer.text_at("device_id").to_owned();
        match &device {
            Some(known) => assert_eq!(device_id, *known),
            None => {
                assert!(!model.devices.contains(&device_id));
                model.devices.push(device_id.clone());
            }
        }
        model.uses += 1;
        model.sessions.push(Session {
            id: answer.text_at("session_id").to_owned(),
            device: device_id,
            made_at: vec![now],
            with_device: vec![false],
            last_used_at: now,
            use_number: model.uses,
            ends_at: now + SESSION,
            refresh_ends_at: now + REFRESH,
            ..Session::default()
        });
        model.happened("login_succeeded");
        model.take(model.sessions.len() - 1, &answer, true, true);
    }

    fn refresh(&mut self, token: &Index, with_device: bool, elsewhere: bool, foreign: bool) {
        let Some(token) = pick(token, &self.model.refresh_tokens) else { return };
        let device = with_device.then(|| self.model.sessions[token.session].device.clone());
        let audience = foreign.then_some(FOREIGN);
        let body = json!({"refresh_token": token.text, "device_id": device, "audience": audience});
        let call = self.server().call("POST", "/auth/refresh").header("Connection", "close").json(body);
        let answer = if elsewhere { call.header("X-Forwarded-For", "203.0.113.66") } else { call }.send();
        let (now, decision) = (self.model.now, self.model.rotation(&token, with_device));
        let session = &mut self.model.sessions[token.session];
        let is_told = with_device || !session.device_seen;
        match decision {
            Err((status, code)) => {
                answer.expect_error(status, code);
                if code == "refresh_reused" {
                    self.model.happened("refresh_reused");
                    self.model.revoke("session_revoked", |index, _| index == token.session);
                } else if code == "invalid_token" && session.record_repeat(now, true, elsewhere) {
                    self.model.happened("refresh_repeated");
                }
            }
            Ok(Given::Current) => {
                let answer = answer.expect(200);
                let current = session.current.clone();
                if elsewhere != session.is_elsewhere && session.record_repeat(now, false, elsewhere) {
                    self.model.happened("refresh_repeated");
                }
                assert_eq!(answer.text_at("refresh_token"), current, "byte for byte");
                self.model.take(token.session, &answer, false, is_told);
            }
            Ok(Given::Successor) if !session.take_refresh(now) => {
                answer.expect_error(429, "too_many_requests");
                self.model.refused_past_limit(token.session);
            }
            Ok(Given::Successor) => {
                let answer = answer.expect(200);
                assert_ne!(answer.text_at("refresh_token"), session.current);
                self.model.uses += 1;
                session.rotate(now, self.model.uses, with_device, elsewhere);
                self.model.take(token.session, &answer, false, is_told);
            }
        }
    }

    /// Revokes an access token alone. The walk has fewer tokens of a session than can be revoked alone.
    fn revoke_token(&mut self, token: &Index) {
        let Some(at) = pick(token, &(0..self.model.access_tokens.len()).collect::<Vec<_>>()) else { return };
        let token = self.model.access_tokens[at].clone();
        self.server().form("/auth/revoke", &[("token", &token.text)]).expect(200);
        if self.model.check_access_token(&token).is_ok() {
            self.model.access_tokens[at].revoked = true;
            self.model.happened("token_revoked");
        }
    }

    /// Sends a request with one of the access tokens. Returns `None` if there is no token. If the model expects that the token
    /// is refused, checks the refusal and also returns `None`.
    fn ask(&mut self, bearer: &Index, method: &str, path: &str, body: Value) -> Option<(AccessToken, Answer)> {
        let token = pick(bearer, &self.model.access_tokens)?;
        let answer = self.call(method, path, Some(&token.text), body);
        match self.model.bearer(&token) {
            Ok(()) => Some((token, answer)),
            Err((status, code)) => {
                answer.expect_error(status, code);
                None
            }
        }
    }

    fn delete_session(&mut self, bearer: &Index, which: &Index) {
        let Some(which) = pick(which, &(0..self.model.sessions.len()).collect::<Vec<_>>()) else { return };
        let path = format!("/auth/sessions/{}", self.model.sessions[which].id);
        let Some((_, answer)) = self.ask(bearer, "DELETE", &path, json!({})) else { return };
        if self.model.revoke("session_revoked", |index, _| index == which) > 0 {
            answer.expect(204);
        } else {
            answer.expect_error(404, "not_found");
        }
    }

    /// Sends a right or wrong password to `/auth/fresh`.
    fn prove(&mut self, bearer: &Index, rightly: bool) {
        let password = if rightly { &*self.model.password } else { "not it" };
        let body = json!({"password": password});
        let Some((token, answer)) = self.ask(bearer, "POST", "/auth/fresh", body) else { return };
        if !rightly {
            return self.failed_proof(&token, answer);
        }
        let answer = answer.expect(200);
        let session = &mut self.model.sessions[token.session];
        session.failed_proofs = 0;
        let exp = (self.model.now + ACCESS).min(session.ends_at).min(session.refresh_ends_at);
        self.model.happened("reauthenticated");
        self.model.take_access(token.session, &answer, true, exp);
    }

    /// Checks the response to a wrong password, and counts it. The fifth wrong password in a row revokes the session.
    fn failed_proof(&mut self, token: &AccessToken, answer: Answer) {
        answer.expect_error(401, "invalid_credentials");
        self.model.happened("reauthentication_failed");
        let session = &mut self.model.sessions[token.session];
        session.failed_proofs += 1;
        if session.failed_proofs >= 5 {
            self.model.revoke("session_revoked", |index, _| index == token.session);
        }
    }

    fn change_password(&mut self, bearer: &Index, rightly: bool) {
        let new = format!("walk number {} to the sea", self.model.passwords);
        let current = if rightly { &*self.model.password } else { "not it" };
        let body = json!({"current_password": current, "new_password": new});
        let Some((token, answer)) = self.ask(bearer, "POST", "/users/me/password", body) else { return };
        if !rightly {
            return self.failed_proof(&token, answer);
        }
        let answer = answer.expect(200);
        let now = self.model.now;
        self.model.password = new;
        self.model.passwords += 1;
        self.model.version += 1;
        self.model.revoke("session_revoked", |index, _| index != token.session);
        self.model.happened("password_changed");
        let session = &mut self.model.sessions[token.session];
        session.failed_proofs = 0;
        self.model.uses += 1;
        // A password change leaves the place of the last login or refresh.
        let is_elsewhere = session.is_elsewhere;
        session.rotate(now, self.model.uses, false, is_elsewhere);
        session.since_password = session.made_at.len() - 1;
        self.model.take(token.session, &answer, true, true);
    }

    fn set_disabled(&mut self, disabled: bool) {
        let server = self.server();
        let id = UserId::parse(&self.user).expect("an id");
        let change = UserChange { disabled: Some(disabled), ..UserChange::default() };
        let origin = Acting::operator(server.clock.now());
        wait_for(change_user(&server.vestibule, id, change, &origin)).expect("it is changed");
        if self.model.disabled == disabled {
            // Nothing changes, so nothing is written.
            return;
        }
        if disabled {
            self.model.version += 1;
            self.model.revoke("session_revoked", |_, _| true);
        }
        self.model.happened(if disabled { "user_disabled" } else { "user_enabled" });
        self.model.disabled = disabled;
    }

    /// Checks that the rows of the sessions, the audit log and the accepted access tokens agree with the model.
    pub(crate) fn check(&self) {
        self.check_access_tokens();
        let (server, model, now) = (self.server(), &self.model, self.server().clock.now());
        assert_eq!(now.seconds(), model.now);
        let (rows, log) = wait_for(rows_and_log(server)).expect("the queries run");
        let mut live = 0;
        for session in &model.sessions {
            let Some((_, generation, revoked, used)) = rows.iter().find(|row| row.0 == session.id) else {
                assert!(session.refresh_ends_at < model.now, "a sweep removes only expired sessions: {session:?}");
                continue;
            };
            assert_eq!(
                *generation,
                i64::try_from(session.made_at.len()).expect("few"),
                "one current token: {session:?}"
            );
            assert_eq!((*revoked, *used), (session.revoked, session.last_used_at), "{session:?}");
            live += usize::from(session.is_live(model.now));
        }
        assert!(rows.len() <= model.sessions.len());
        assert!(live <= DEVICES, "{live} live devices");
        // The log may or may not contain the end of a session that was revoked late, so this event is not compared.
        let late = |id: &Option<String>| {
            model.sessions.iter().any(|session| session.revoked_late && id.as_ref() == Some(&session.id))
        };
        let mut counts = BTreeMap::new();
        for (event, session) in &log {
            let is_end = ["logged_out", "session_revoked"].contains(&event.as_str());
            if !(is_end && late(session)) {
                *counts.entry(event.as_str()).or_default() += 1;
            }
        }
        assert_eq!(counts, model.log);
    }

    /// Checks that the server accepts exactly the access tokens that the model accepts.
    fn check_access_tokens(&self) {
        let (server, now) = (self.server(), self.server().clock.now());
        for token in &self.model.access_tokens {
            let result = authenticate(&server.vestibule, &token.text, now).map(drop);
            assert_eq!(result, self.model.check_access_token(token), "{token:?}");
        }
    }

    /// Sends every access token that was ever issued, and every refresh token whose refusal revokes nothing. Checks the
    /// responses.
    pub(crate) fn present_all_tokens(&mut self) {
        for index in 0..self.model.refresh_tokens.len() {
            let token = self.model.refresh_tokens[index].clone();
            if let Err((status, code)) = self.model.rotation(&token, false)
                && code != "refresh_reused"
            {
                let answer = self.call("POST", "/auth/refresh", None, json!({"refresh_token": token.text}));
                answer.expect_error(status, code);
            }
        }
        for token in &self.model.access_tokens {
            let answer = self.call("GET", "/users/me", Some(&token.text), json!({}));
            match self.model.bearer(token) {
                Ok(()) => drop(answer.expect(200)),
                Err((status, code)) => drop(answer.expect_error(status, code)),
            }
        }
    }
}

/// Returns the element that `index` selects, or `None` if the list is empty.
pub(crate) fn pick<T: Clone>(index: &Index, from: &[T]) -> Option<T> {
    (!from.is_empty()).then(|| index.get(from).clone())
}
