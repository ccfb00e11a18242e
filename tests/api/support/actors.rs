//! The users of a test and their sessions.

use serde_json::{Value, json};
use vestibule::domain::user_change::UserChange;
use vestibule::{
    domain::UserId,
    flows::{steps::acting::Acting, users::change_user::change_user},
};

use super::{
    PASSWORD, Server,
    call::{Answer, Call},
    wait_for,
};

/// A user of a server. The password is [`PASSWORD`].
pub struct Actor<'s> {
    pub server: &'s Server,
    /// The username.
    pub name: String,
    pub id: String,
}

impl<'s> Actor<'s> {
    /// Logs in on a new device. Panics if the login is refused.
    #[track_caller]
    pub fn login(&self) -> Session<'s> {
        self.login_with(json!({}))
    }

    /// Logs in with the fields `more` in the body. Panics if the login is refused.
    #[track_caller]
    pub fn login_with(&self, more: Value) -> Session<'s> {
        Session::from(self.server, &self.try_login(more).expect(200))
    }

    /// Disables the account, as an operator does.
    pub fn disable(&self) {
        self.change(UserChange { disabled: Some(true), ..UserChange::default() });
    }

    /// Changes the account, as an operator does.
    pub fn change(&self, change: UserChange) {
        let id = UserId::parse(&self.id).expect("an id");
        let context = Acting::operator(self.server.clock.now());
        wait_for(change_user(&self.server.vestibule, id, change, &context)).expect("it is changed");
    }

    /// Sends a login with the fields `more` in the body, which replace fields of the same name. Returns the response.
    pub fn try_login(&self, more: Value) -> Answer {
        let mut body = json!({"username": self.name, "password": PASSWORD});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.server.post("/auth/login", body)
    }
}

/// A session and its tokens, as they were in a token response.
#[derive(Clone)]
pub struct Session<'s> {
    pub server: &'s Server,
    pub access: String,
    pub refresh: String,
    pub id: String,
    pub device_id: String,
}

impl<'s> Session<'s> {
    /// Reads a session from a token response. Panics if a field is missing.
    #[track_caller]
    pub fn from(server: &'s Server, answer: &Answer) -> Self {
        Self {
            server,
            access: answer.text_at("access_token").to_owned(),
            refresh: answer.text_at("refresh_token").to_owned(),
            id: answer.text_at("session_id").to_owned(),
            device_id: answer.body["device_id"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Begins a request with the access token.
    pub fn call(&self, method: &str, path: &str) -> Call<'s> {
        self.server.call(method, path).bearer(&self.access)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send()
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    /// Sends a refresh with the refresh token. Returns the response.
    pub fn try_refresh(&self) -> Answer {
        self.server.post("/auth/refresh", json!({"refresh_token": self.refresh}))
    }

    /// Refreshes the session. Returns the session with its new tokens. Panics if the refresh is refused.
    #[track_caller]
    pub fn refreshed(&self) -> Self {
        Self::from(self.server, &self.try_refresh().expect(200))
    }

    /// Checks that neither the access token nor the refresh token is accepted, because the session was revoked.
    #[track_caller]
    pub fn expect_revoked(&self) {
        self.get("/users/me").expect_error(401, "token_revoked");
        self.try_refresh().expect_error(401, "token_revoked");
    }

    /// Returns whether the access token is accepted.
    pub fn is_accepted(&self) -> bool {
        self.get("/users/me").status == 200
    }
}
