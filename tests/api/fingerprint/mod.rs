//! What a fingerprint binds a session to.

mod binding;
mod mismatches;
mod policies;
mod stored;

use serde_json::{Value, json};

use crate::support::{Answer, Server, Session};

fn refresh(server: &Server, token: &str, fingerprint: &Value) -> Answer {
    server.post("/auth/refresh", json!({"refresh_token": token, "fingerprint": fingerprint}))
}

impl Session<'_> {
    /// Shows the refresh token and the device.
    fn try_refresh_on(&self, server: &Server, fingerprint: &Value) -> Answer {
        refresh(server, &self.refresh, fingerprint)
    }
}

fn is_bound(session: &Session<'_>) -> bool {
    let list = session.get("/auth/active_sessions").expect(200).body;
    let own = list.as_array().expect("a list").iter().find(|shown| shown["current"] == true).expect("its own");
    own["device_bound"].as_bool().expect("a flag")
}
