//! The cookies that a login or a refresh sets, and requests with them.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Answer, Call, PASSWORD, Server};

/// A browser with the cookies of one response. It does not store the cookies of later responses.
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
    /// Reads the cookies of a response. Panics if a cookie of a session or the device cookie is missing.
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

    /// Logs in by cookie on a new device. Panics if the login is refused.
    #[track_caller]
    pub fn login(server: &'s Server, name: &str) -> Self {
        Self::from(server, &sign_in(server, name, None).expect(200))
    }

    /// Begins a request with the cookies that a browser sends to this path, but without a CSRF token. A page of another site
    /// can cause such a request.
    pub fn blind(&self, method: &str, path: &str) -> Call<'s> {
        let refresh =
            if path.starts_with("/auth") { format!("; refresh_token={}", self.refresh) } else { String::new() };
        let (access, csrf, device) = (&self.access, &self.csrf, &self.device);
        let cookies = format!("access_token={access}; csrf_token={csrf}; device_id={device}{refresh}");
        self.server.call(method, path).header("Cookie", &cookies)
    }

    /// Begins a request with the cookies, and with the CSRF token in the header, as a page of this server sends it.
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

/// Sends a login by cookie, with a device cookie if `device` is not `None`. Returns the response.
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
    // All lines of one name are consecutive.
    names.dedup();
    names
}

/// Returns the attributes of a cookie that the response sets, in lower case and without `Expires`.
#[track_caller]
pub fn attributes(answer: &Answer, name: &str) -> BTreeSet<String> {
    let line = answer.set_cookie(name).unwrap_or_else(|| panic!("no cookie {name} in {:?}", answer.headers));
    line.split("; ").skip(1).map(str::to_ascii_lowercase).filter(|part| !part.starts_with("expires=")).collect()
}
