//! Random walks over everything that moves a session, beside a small model of what the contract says. After each step the
//! answer, the rows and the log must be as in the model, and the invariants of `ARCHITECTURE.md` must hold.

#[expect(dead_code, reason = "shared with the tests of the API, which use more of it")]
#[path = "api/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::Index, test_runner::Config};
use serde_json::{Value, json};
use vestibule::{
    domain::{UserId, access_token::AccessTokenError, audit_event::RequestContext},
    flows::{
        steps::authenticate::authenticate,
        sweep::sweep,
        users::change_user::{UserChange, change_user},
    },
    store::{self, sql},
};

use support::{Answer, PASSWORD, Server, claims, wait_for};

const GRACE: i64 = 30;
const ACCESS: i64 = 900;
const REFRESH: i64 = 7 * DAY;
const SESSION: i64 = 10 * DAY;
const DAY: i64 = 24 * 3600;
const DEVICES: usize = 3;

type Rows = Vec<(String, i64, bool, i64)>;
type Log = Vec<(String, Option<String>)>;

/// Id, generation, whether it was revoked and last use of every session; event and session of the log, but for keys.
async fn rows_and_log(server: &Server) -> store::Result<(Rows, Log)> {
    let mut reader = server.vestibule.store.read().await?;
    let sessions = "select id, generation, revoked_at is not null as revoked, last_used_at from sessions";
    let rows = sql(sessions).all(&mut reader).await?;
    let rows = rows
        .iter()
        .map(|row| Ok((row.get("id")?, row.get("generation")?, row.get("revoked")?, row.get("last_used_at")?)));
    let log = "select event, session_id from audit_events where event not like 'signing_key%'";
    let log = sql(log).all(&mut reader).await?;
    let log = log.iter().map(|row| Ok((row.get("event")?, row.get("session_id")?)));
    Ok((rows.collect::<store::Result<_>>()?, log.collect::<store::Result<_>>()?))
}

/// Something that a client, an operator or time does.
#[derive(Clone, Debug)]
enum Step {
    Login { device: Option<Index> },
    LoginWrongly,
    Refresh(Index),
    LogoutByRefresh(Index),
    LogoutByAccess(Index),
    LogoutAll(Index),
    RevokeOthers(Index),
    DeleteSession { bearer: Index, which: Index },
    Prove { bearer: Index, rightly: bool },
    ChangePassword { bearer: Index, rightly: bool },
    Disable,
    Enable,
    Advance(i64),
    Sweep,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let spans = prop_oneof![
        4 => 1..10_i64,
        3 => prop::sample::select(vec![GRACE - 1, GRACE, GRACE + 1]),
        2 => prop::sample::select(vec![ACCESS - 1, ACCESS, ACCESS + 1]),
        1 => prop::sample::select(vec![REFRESH - 1, REFRESH, REFRESH + 1, SESSION - 1, SESSION]),
        1 => 1..3 * DAY,
    ];
    prop_oneof![
        8 => prop::option::of(index()).prop_map(|device| Step::Login { device }),
        1 => Just(Step::LoginWrongly),
        16 => index().prop_map(Step::Refresh),
        2 => index().prop_map(Step::LogoutByRefresh),
        1 => index().prop_map(Step::LogoutByAccess),
        1 => index().prop_map(Step::LogoutAll),
        1 => index().prop_map(Step::RevokeOthers),
        2 => (index(), index()).prop_map(|(bearer, which)| Step::DeleteSession { bearer, which }),
        3 => (index(), prop::bool::weighted(0.3)).prop_map(|(bearer, rightly)| Step::Prove { bearer, rightly }),
        2 => (index(), prop::bool::weighted(0.7)).prop_map(|(bearer, rightly)| Step::ChangePassword { bearer, rightly }),
        1 => Just(Step::Disable),
        2 => Just(Step::Enable),
        10 => spans.prop_map(Step::Advance),
        1 => Just(Step::Sweep),
        1 => Just(Step::Restart),
    ]
}

/// What the contract makes of a session.
#[derive(Clone, Debug)]
struct Session {
    id: String,
    device: String,
    /// When each generation was made, from the first.
    made_at: Vec<i64>,
    /// The generation that the last password change made, from 0.
    since_password: usize,
    /// The current refresh token.
    current: String,
    last_used_at: i64,
    /// The same as an order.
    use_number: usize,
    ends_at: i64,
    refresh_ends_at: i64,
    revoked: bool,
    /// Revoked after its end: a sweep may have taken the row before, and then nothing was revoked.
    revoked_late: bool,
    failed_proofs: u32,
}

impl Session {
    fn is_live(&self, now: i64) -> bool {
        !self.revoked && now < self.refresh_ends_at && now < self.ends_at
    }

    fn rotate(&mut self, now: i64, use_number: usize) {
        self.made_at.push(now);
        self.last_used_at = now;
        self.use_number = use_number;
        self.refresh_ends_at = (now + REFRESH).min(self.ends_at);
    }
}

#[derive(Clone, Debug)]
struct RefreshToken {
    text: String,
    session: usize,
    /// From 0.
    generation: usize,
    exp: i64,
}

#[derive(Clone, Debug)]
struct AccessToken {
    text: String,
    session: usize,
    version: i64,
    exp: i64,
}

type Refusal = (u16, &'static str);

/// All that matters of one user.
struct Model {
    now: i64,
    password: String,
    passwords: usize,
    disabled: bool,
    version: i64,
    sessions: Vec<Session>,
    devices: Vec<String>,
    refresh_tokens: Vec<RefreshToken>,
    access_tokens: Vec<AccessToken>,
    /// Logins and rotations so far.
    uses: usize,
    /// How many events of each kind the log must have.
    log: BTreeMap<&'static str, i64>,
}

impl Model {
    fn new(now: i64) -> Self {
        Self {
            now,
            password: PASSWORD.to_owned(),
            passwords: 0,
            disabled: false,
            version: 1,
            sessions: vec![],
            devices: vec![],
            refresh_tokens: vec![],
            access_tokens: vec![],
            uses: 0,
            log: BTreeMap::from([("user_added", 1)]),
        }
    }

    fn happened(&mut self, event: &'static str) {
        *self.log.entry(event).or_default() += 1;
    }

    /// Ends the sessions that `which` names; how many were live.
    fn revoke(&mut self, event: &'static str, which: impl Fn(usize, &Session) -> bool) -> usize {
        let now = self.now;
        let mut live = 0;
        for index in 0..self.sessions.len() {
            let session = &mut self.sessions[index];
            if !session.revoked && which(index, session) {
                session.revoked_late = !session.is_live(now);
                session.revoked = true;
                if !session.revoked_late {
                    live += 1;
                    self.happened(event);
                }
            }
        }
        live
    }

    /// What an access token gets where one is needed.
    fn standing(&self, token: &AccessToken) -> Result<(), AccessTokenError> {
        if self.now >= token.exp {
            Err(AccessTokenError::Expired)
        } else if self.sessions[token.session].revoked || token.version < self.version {
            Err(AccessTokenError::Revoked)
        } else {
            Ok(())
        }
    }

    fn bearer(&self, token: &AccessToken) -> Result<(), Refusal> {
        self.standing(token).map_err(|error| match error {
            AccessTokenError::Expired => (401, "token_expired"),
            _ => (401, "token_revoked"),
        })
    }

    /// The table "Rotation".
    fn rotation(&self, token: &RefreshToken) -> Result<Given, Refusal> {
        let session = &self.sessions[token.session];
        if self.now >= token.exp {
            return Err((401, "token_expired"));
        }
        if !session.is_live(self.now) || self.disabled {
            return Err((401, "token_revoked"));
        }
        if token.generation < session.since_password {
            return Err((401, "token_revoked"));
        }
        match session.made_at.get(token.generation + 1) {
            None => Ok(Given::Successor),
            Some(superseded_at) if self.now - superseded_at <= GRACE => Ok(Given::Current),
            Some(_) => Err((401, "refresh_reused")),
        }
    }

    /// Takes the tokens of an answer over, after checking that they say what they must.
    fn take(&mut self, session: usize, answer: &Answer, fresh: bool) {
        let Session { id, device, ends_at, refresh_ends_at, .. } = self.sessions[session].clone();
        let exp = (self.now + ACCESS).min(ends_at).min(refresh_ends_at);
        assert_eq!(answer.text_at("session_id"), id);
        assert_eq!(answer.text_at("device_id"), device);
        assert_eq!(answer.body["expires_in"], exp - self.now);
        assert_eq!(answer.body["refresh_expires_in"], refresh_ends_at - self.now);
        let refresh = answer.text_at("refresh_token").to_owned();
        assert_eq!(claims(&refresh)["exp"], refresh_ends_at);
        self.take_access(session, answer, fresh, exp);
        let current = &mut self.sessions[session];
        current.current.clone_from(&refresh);
        let generation = current.made_at.len() - 1;
        if self.refresh_tokens.iter().all(|known| known.text != refresh) {
            self.refresh_tokens.push(RefreshToken { text: refresh, session, generation, exp: refresh_ends_at });
        }
    }

    fn take_access(&mut self, session: usize, answer: &Answer, fresh: bool, exp: i64) {
        let said = answer.claims();
        assert_eq!((&said["exp"], &said["fresh"]), (&json!(exp), &json!(fresh)));
        assert_eq!((&said["av"], &said["sid"]), (&json!(self.version), &json!(self.sessions[session].id)));
        assert!(exp <= self.sessions[session].ends_at, "no access token outlives its session");
        let text = answer.text_at("access_token").to_owned();
        self.access_tokens.push(AccessToken { text, session, version: self.version, exp });
    }
}

/// Which refresh token a refresh gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Successor,
    Current,
}

/// A server and the model that it must be like.
struct Walk {
    server: Option<Server>,
    user: String,
    model: Model,
}

fn settings() -> support::Settings {
    vec![
        ("access_token_lifetime", ACCESS.into()),
        ("refresh_token_lifetime", REFRESH.into()),
        ("session_lifetime", SESSION.into()),
        ("refresh_reuse_grace", GRACE.into()),
        ("max_devices_per_user", DEVICES.into()),
        ("login_rate_per_ip", "0".into()),
        ("login_failures_per_account", "0".into()),
        ("refresh_rate_per_session", "0".into()),
        ("audit_retention", "3650d".into()),
        ("device_retention", "3650d".into()),
    ]
}

impl Walk {
    fn begin() -> Self {
        let server = Server::with(settings());
        let user = server.user("ada").id;
        let model = Model::new(server.clock.now().seconds());
        Self { server: Some(server), user, model }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn call(&self, method: &str, path: &str, bearer: Option<&str>, body: Value) -> Answer {
        // A connection that is kept would hold a restart up.
        let call = self.server().call(method, path).header("Connection", "close").json(body);
        match bearer {
            Some(token) => call.bearer(token),
            None => call,
        }
        .send()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Login { device } => self.login(device.as_ref()),
            Step::LoginWrongly => {
                let answer = self.call("POST", "/auth/login", None, json!({"username": "ada", "password": "not it"}));
                answer.expect_error(401, "invalid_credentials");
                self.model.happened("login_failed");
            }
            Step::Refresh(token) => self.refresh(token),
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
            Step::Restart => self.server = self.server.take().map(Server::restart),
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
        while model.sessions.iter().filter(|session| session.is_live(now)).count() >= DEVICES {
            let live = model.sessions.iter().enumerate().filter(|(_, session)| session.is_live(now));
            let oldest = live.min_by_key(|(_, session)| session.use_number);
            let oldest = oldest.expect("there are some").0;
            model.revoke("session_revoked", |index, _| index == oldest);
        }
        let given = answer.text_at("device_id").to_owned();
        match device {
            Some(known) => assert_eq!(given, known),
            None => {
                assert!(!model.devices.contains(&given));
                model.devices.push(given.clone());
            }
        }
        model.uses += 1;
        model.sessions.push(Session {
            id: answer.text_at("session_id").to_owned(),
            device: given,
            made_at: vec![now],
            since_password: 0,
            current: String::new(),
            last_used_at: now,
            use_number: model.uses,
            ends_at: now + SESSION,
            refresh_ends_at: now + REFRESH,
            revoked: false,
            revoked_late: false,
            failed_proofs: 0,
        });
        model.happened("login_succeeded");
        model.take(model.sessions.len() - 1, &answer, true);
    }

    fn refresh(&mut self, token: &Index) {
        let Some(token) = pick(token, &self.model.refresh_tokens) else { return };
        let answer = self.call("POST", "/auth/refresh", None, json!({"refresh_token": token.text}));
        let now = self.model.now;
        match self.model.rotation(&token) {
            Err((status, code)) => {
                answer.expect_error(status, code);
                if code == "refresh_reused" {
                    self.model.happened("refresh_reused");
                    self.model.revoke("session_revoked", |index, _| index == token.session);
                }
            }
            Ok(Given::Current) => {
                let answer = answer.expect(200);
                let current = self.model.sessions[token.session].current.clone();
                assert_eq!(answer.text_at("refresh_token"), current, "byte for byte");
                self.model.take(token.session, &answer, false);
            }
            Ok(Given::Successor) => {
                let answer = answer.expect(200);
                let session = &mut self.model.sessions[token.session];
                assert_ne!(answer.text_at("refresh_token"), session.current);
                self.model.uses += 1;
                session.rotate(now, self.model.uses);
                self.model.take(token.session, &answer, false);
            }
        }
    }

    /// A call that needs a bearer; nothing more where the bearer is refused as the model says.
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
        session.rotate(now, self.model.uses);
        session.since_password = session.made_at.len() - 1;
        self.model.take(token.session, &answer, true);
    }

    fn set_disabled(&mut self, disabled: bool) {
        let server = self.server();
        let id = UserId::parse(&self.user).expect("an id");
        let change = UserChange { disabled: Some(disabled), ..UserChange::default() };
        let origin = RequestContext::command_line(server.clock.now());
        wait_for(change_user(&server.vestibule, id, change, &origin)).expect("it is changed");
        if disabled {
            self.model.version += 1;
            self.model.revoke("session_revoked", |_, _| true);
        }
        let event = match (self.model.disabled == disabled, disabled) {
            (true, _) => "user_changed",
            (false, true) => "user_disabled",
            (false, false) => "user_enabled",
        };
        self.model.happened(event);
        self.model.disabled = disabled;
    }

    /// That rows, memory and log are what the model says.
    fn check(&self) {
        self.check_access_tokens();
        let (server, model, now) = (self.server(), &self.model, self.server().clock.now());
        assert_eq!(now.seconds(), model.now);
        let (rows, log) = wait_for(rows_and_log(server)).expect("the queries run");
        let mut live = 0;
        for session in &model.sessions {
            let Some((_, generation, revoked, used)) = rows.iter().find(|row| row.0 == session.id) else {
                assert!(session.refresh_ends_at < model.now, "a sweep takes only what is over: {session:?}");
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

    /// That each access token is accepted where the model says so, and nowhere else.
    fn check_access_tokens(&self) {
        let (server, now) = (self.server(), self.server().clock.now());
        for token in &self.model.access_tokens {
            let given = authenticate(&server.vestibule, &token.text, now).map(drop);
            assert_eq!(given, self.model.standing(token), "{token:?}");
        }
    }

    /// At the end every token that was ever given out is shown once more, over the socket.
    fn show_everything(&mut self) {
        for index in 0..self.model.refresh_tokens.len() {
            let token = self.model.refresh_tokens[index].clone();
            if let Err((status, code)) = self.model.rotation(&token)
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

fn pick<T: Clone>(index: &Index, from: &[T]) -> Option<T> {
    (!from.is_empty()).then(|| index.get(from).clone())
}

proptest! {
    #![proptest_config(Config { cases: 32, max_shrink_iters: 150, failure_persistence: None, ..Config::default() })]

    #[test]
    fn sessions_are_what_the_contract_says(steps in prop::collection::vec(step(), 20..36)) {
        let mut walk = Walk::begin();
        walk.take(&Step::Login { device: None });
        walk.check();
        for step in &steps {
            walk.take(step);
            walk.check();
        }
        walk.show_everything();
    }
}
