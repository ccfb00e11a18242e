//! Names of cookies are compared byte by byte. If a browser distinguishes two names, this server does too. A foreign cookie
//! does not hide a cookie of this server. A stale cookie of the same name is ignored, and removed when the cookie is set or
//! cleared.

mod names;
mod values;

use serde_json::json;

use crate::support::{Answer, PASSWORD, Server, Settings};

/// Returns settings with secure cookies, as outside the profile `dev`, and without limits of logins.
fn secure() -> Settings {
    let limits = ["login_rate_per_ip", "login_failures_per_account"].map(|key| (key, json!("0")));
    [("cookie_secure", json!(true)), ("public_url", json!("https://auth.test"))].into_iter().chain(limits).collect()
}

/// The origin of the pages of a server with [`secure`] settings.
const SECURE_ORIGIN: &str = "https://auth.test";

/// The values of the cookies that a login set, and the id of its session.
struct Jar {
    access: String,
    refresh: String,
    csrf: String,
    device: String,
    session: String,
}

/// Logs in by cookie. Returns the cookies, whichever prefix their names have.
fn sign_in(server: &Server, name: &str) -> Jar {
    let body = json!({"username": name, "password": PASSWORD, "transport": "cookie"});
    let answer = server.post("/auth/login", body).expect(200);
    let cookie = |plain: &str| {
        let prefixes = ["__Host-", "__Secure-", ""];
        let found = prefixes.iter().find_map(|prefix| answer.cookie(&format!("{prefix}{plain}")));
        found.unwrap_or_else(|| panic!("no cookie {plain}")).to_owned()
    };
    Jar {
        access: cookie("access_token"),
        refresh: cookie("refresh_token"),
        csrf: cookie("csrf_token"),
        device: cookie("device_id"),
        session: answer.text_at("session_id").to_owned(),
    }
}

/// Sends a request without a body, with this `Cookie` header and these further headers.
fn with_cookies(server: &Server, method: &str, path: &str, cookies: &str, headers: &[(&str, &str)]) -> Answer {
    let call = server.call(method, path).header("Cookie", cookies);
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send()
}
