//! A browser: it keeps cookies and sends them.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Answer, Call, PASSWORD, Server};

/// The cookies that a browser has after a login.
#[derive(Clone)]
pub struct Browser<'s> {
    pub server: &'s Server,
    pub access: String,
    pub refresh: String,
    pub csrf: String,
    pub device: String,
    pub session_id: String,
}

impl<'s> Browser<'s> {
    #[track_caller]
    pub fn from(server: &'s Server, answer: &Answer) -> Self {
        let cookie = |name: &str| answer.cookie(name).unwrap_or_else(|| panic!("no cookie {name}")).to_owned();
        Self {
            server,
            access: cookie("access_token"),
            refresh: cookie("refresh_token"),
            csrf: cookie("csrf_token"),
            device: cookie("device_id"),
            session_id: answer.text_at("session_id").to_owned(),
        }
    }

    #[track_caller]
    pub fn login(server: &'s Server, name: &str) -> Self {
        Self::from(server, &sign_in(server, name, None).expect(200))
    }

    /// Begins a request with the cookies that the browser would send to the path, as a page of another site could cause it.
    pub fn blind(&self, method: &str, path: &str) -> Call<'s> {
        let refresh =
            if path.starts_with("/auth") { format!("; refresh_token={}", self.refresh) } else { String::new() };
        let (access, csrf, device) = (&self.access, &self.csrf, &self.device);
        let cookies = format!("access_token={access}; csrf_token={csrf}; device_id={device}{refresh}");
        self.server.call(method, path).header("Cookie", &cookies)
    }

    /// Begins a request of a page of this server, which reads the CSRF cookie and sends its token.
    pub fn call(&self, method: &str, path: &str) -> Call<'s> {
        self.blind(method, path).header("X-CSRF-Token", &self.csrf)
    }

    pub fn refresh(&self) -> Answer {
        self.call("POST", "/auth/refresh").send()
    }

    pub fn is_signed_in(&self) -> bool {
        self.blind("GET", "/users/me").send().status == 200
    }
}

/// Tries to sign in by cookie, with the cookie of a device if there is one.
pub fn sign_in(server: &Server, name: &str, device: Option<&str>) -> Answer {
    let call =
        server.call("POST", "/auth/login").json(json!({"username": name, "password": PASSWORD, "transport": "cookie"}));
    let call = match device {
        Some(device) => call.header("Cookie", &format!("device_id={device}")),
        None => call,
    };
    call.send()
}

/// Returns the names of the cookies that a response sets or removes, each once.
pub fn set_cookies(answer: &Answer) -> Vec<&str> {
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let mut names: Vec<&str> = cookies.map(|(_, line)| line.split('=').next().unwrap_or_default()).collect();
    // The lines of one name come one after the other.
    names.dedup();
    names
}

/// Returns the attributes of a cookie, in lower case.
#[track_caller]
pub fn attributes(answer: &Answer, name: &str) -> BTreeSet<String> {
    let line = answer.set_cookie(name).unwrap_or_else(|| panic!("no cookie {name} in {:?}", answer.headers));
    line.split("; ").skip(1).map(str::to_ascii_lowercase).filter(|part| !part.starts_with("expires=")).collect()
}
