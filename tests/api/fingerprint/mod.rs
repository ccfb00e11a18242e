//! Fingerprints: how a session is bound to the device of its login.

mod binding;
mod mismatches;
mod policies;
mod stored;

use serde_json::{Value, json};

use crate::support::{Answer, Server, Session};

/// Sends a refresh with a fingerprint.
fn refresh(server: &Server, token: &str, fingerprint: &Value) -> Answer {
    server.post("/auth/refresh", json!({"refresh_token": token, "fingerprint": fingerprint}))
}

impl Session<'_> {
    /// Sends a refresh with the session's refresh token and a fingerprint. Returns the response.
    fn try_refresh_on(&self, server: &Server, fingerprint: &Value) -> Answer {
        refresh(server, &self.refresh, fingerprint)
    }
}

/// Returns whether the list of sessions reports the session as bound to its device.
fn is_bound(session: &Session<'_>) -> bool {
    let list = session.get("/auth/active_sessions").expect(200).body;
    let own = list.as_array().expect("a list").iter().find(|shown| shown["current"] == true).expect("its own");
    own["device_bound"].as_bool().expect("a flag")
}
