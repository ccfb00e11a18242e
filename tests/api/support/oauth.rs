//! The requests of an OAuth client: forms, client secrets and the errors of RFC 6749.

use serde_json::{Value, json};
use vestibule::domain::{client::ClientSecret, jwt};

use super::{Answer, Call, PASSWORD, Server, Settings};

/// Returns the secret of the client `backend`.
pub fn secret() -> String {
    ClientSecret::from_bytes([1; 32]).reveal().to_owned()
}

/// Returns the secret of the client `other`.
pub fn other_secret() -> String {
    ClientSecret::from_bytes([2; 32]).reveal().to_owned()
}

/// Returns settings with the confidential clients `backend` and `other`, and the public client `web`.
pub fn clients() -> Settings {
    let hash = |byte| json!(ClientSecret::from_bytes([byte; 32]).hash().to_string());
    vec![
        ("clients.backend.secret_hash", hash(1)),
        ("clients.other.secret_hash", hash(2)),
        ("clients.other.audience", json!("https://other.test")),
        ("clients.web.access_token_lifetime", json!("5m")),
    ]
}

/// Returns the value of `Authorization` with which a client authenticates by `Basic`.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", jwt::to_base64(format!("{id}:{secret}").as_bytes()))
}

impl Call<'_> {
    /// Sets a form as the body.
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        self.body("application/x-www-form-urlencoded", form.finish())
    }
}

impl Server {
    /// Sends a `POST` with a form.
    pub fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.call("POST", path).form(pairs).send()
    }

    /// Requests tokens at `/token` with the password of `name`, and with the fields `more` in the form.
    pub fn try_password(&self, name: &str, more: &[(&str, &str)]) -> Answer {
        let pairs = [&[("grant_type", "password"), ("username", name), ("password", PASSWORD)], more].concat();
        self.form("/token", &pairs)
    }

    /// Requests tokens as [`Server::try_password`] does, as the client `backend`.
    pub fn try_backend(&self, name: &str, more: &[(&str, &str)]) -> Answer {
        let secret = secret();
        self.try_password(name, &[&[("client_id", "backend"), ("client_secret", &*secret)], more].concat())
    }

    /// Returns the introspection response for a token (RFC 7662), requested by the client `backend`.
    #[track_caller]
    pub fn introspect(&self, token: &str) -> Value {
        let call = self.call("POST", "/auth/introspect").header("Authorization", &basic("backend", &secret()));
        call.form(&[("token", token)]).send().expect(200).body
    }
}

impl Answer {
    /// Checks status and code of an error of an OAuth endpoint, and that its body has the common form of error bodies, as
    /// `application/json`. Returns the response.
    #[track_caller]
    pub fn expect_oauth_error(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["error"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["detail"], self.body["error_description"]);
        assert_eq!(self.body["request_id"].as_str(), self.header("x-request-id"));
        self
    }
}
