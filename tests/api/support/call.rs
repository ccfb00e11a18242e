//! A request and the response to it.

use serde_json::Value;

use super::{Server, claims};

/// A request that is not sent yet.
pub struct Call<'s> {
    pub(super) server: &'s Server,
    pub(super) builder: ureq::http::request::Builder,
    pub(super) body: Vec<u8>,
}

impl Call<'_> {
    /// Adds a header. A header of the same name stays, so the request then has both.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", content_type)
    }

    /// Sends the request and compares the response with the API description. Returns the response. Does not follow a redirect.
    #[track_caller]
    pub fn send(self) -> Answer {
        let request = self.builder.body(self.body).expect("a request");
        let (method, target) = (request.method().clone(), request.uri().clone());
        let sent_type = request.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut response = self.server.agent.run(request).expect("the server answers");
        let text = response.body_mut().read_to_string().expect("the answer is text");
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = std::str::from_utf8(value.as_bytes()).expect("headers are text");
                (name.as_str().to_owned(), value.to_owned())
            })
            .collect();
        let answer = Answer {
            status: response.status().as_u16(),
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        };
        let target = target.path_and_query().map_or("/", |target| target.as_str());
        self.server.judge(method.as_str(), target, sent_type.as_deref(), &answer);
        answer
    }
}

/// A response.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// `Null` if the body is not JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// Checks the status. Returns the response.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Checks status and code of an error, and that its body has the common form of error bodies. Returns the response.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["error"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["detail"], self.body["error_description"]);
        assert!(self.body["title"].is_string());
        assert_eq!(self.body["request_id"].as_str(), self.header("x-request-id"));
        self
    }

    /// Returns the first value of a header, whose name is in lower case. `None` if the response does not have the header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the value of a cookie that the response sets. The value is empty if the response removes the cookie. `None` if
    /// the response does neither.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.set_cookie(name).and_then(|line| line[name.len() + 1..].split(';').next())
    }

    /// Returns the whole `Set-Cookie` of a cookie: the last one, which follows the headers that remove it from its other
    /// scopes.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        self.set_cookie_lines(name).pop()
    }

    /// Returns every `Set-Cookie` of a name, in the order of the response.
    pub fn set_cookie_lines(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(header, _)| header == "set-cookie").map(|(_, value)| value.as_str());
        lines.filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))).collect()
    }

    /// Returns a field of the JSON body that is a text. Panics if there is no such field.
    #[track_caller]
    pub fn text_at(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no text {field} in {}", self.text))
    }

    /// Returns the names of the invalid fields that a 422 lists. The list is empty for any other response.
    pub fn bad_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["field"].as_str()).collect()
    }

    /// Returns the claims of the access token in the body, without verifying the token.
    pub fn claims(&self) -> Value {
        claims(self.text_at("access_token"))
    }
}
