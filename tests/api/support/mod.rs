//! The helpers of the API tests: a server on a real socket, its users and their sessions, requests and responses, and the
//! comparison of responses with the API description.

mod actors;
pub mod at_once;
pub mod browser;
mod call;
pub mod cookies;
pub mod database;
pub mod fingerprints;
pub mod forge;
pub mod json;
pub mod judge;
pub mod oauth;
pub mod raw;
pub mod rows;
#[path = "../../common/runtime.rs"]
mod runtime;
mod server;
#[path = "../../common/sockets.rs"]
mod sockets;
mod triggers;

use serde_json::Value;

pub(crate) use self::runtime::wait_for;
pub use self::{
    actors::{Actor, Session},
    call::{Answer, Call},
    server::{Launcher, Server},
};

/// The time at which every test begins, in Unix seconds.
pub const START: i64 = 1_800_000_000;

/// The password of every user, unless a test sets another one.
pub const PASSWORD: &str = "a long walk to the sea";

/// Settings: pairs of key and value.
pub type Settings = Vec<(&'static str, Value)>;

/// Returns `more` and the settings that switch off the limits of logins and refreshes.
pub fn unlimited(more: Settings) -> Settings {
    let off = ["login_rate_per_ip", "login_failures_per_account", "refresh_rate_per_session"];
    off.into_iter().map(|key| (key, "0".into())).chain(more).collect()
}

/// Returns the claims of a token, without verifying the token.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// Returns one of the JSON parts of a token: 0 is the header, 1 the claims.
pub fn part(token: &str, index: usize) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(index).expect("a token has parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
