//! `vestibule token inspect`.

use std::io::Read as _;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    cli::{
        Failure,
        output::{self, Format},
    },
    domain::{UnixTime, access_token::AccessTokenError, jwt},
    flows::{
        Vestibule,
        steps::authenticate::{InspectRefreshTokenError, authenticate, inspect_refresh_token, verify_signature},
    },
};

/// The maximum number of bytes that are read from stdin.
const MAX_BYTES: u64 = 64 * 1024;

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Inspect {
    /// The token; it is read from stdin if it is absent, and then no other process on the machine sees it
    token: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// A decoded token. The parts are decoded, and nothing is verified yet.
struct Decoded {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Inspect {
    /// Prints the header and the claims of the token, and whether this server accepts it. Fails if the text is not a token, or
    /// if the token is not accepted.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let text = match self.token {
            Some(token) => token,
            None => {
                let mut text = String::new();
                std::io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text)?;
                text
            }
        };
        let token = text.trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        let decoded = jwt::decode_unverified(token)
            .map(|(header, claims)| Decoded { header, claims })
            .ok_or_else(|| Failure::new("this is not a token: a token has three parts in base64url, joined by dots"))?;
        let refusal = refusal(vestibule, token, &decoded).await;
        if self.format.json {
            output::print_json(&json!({
                "header": decoded.header, "claims": decoded.claims, "accepted": refusal.is_none(), "reason": refusal,
            }))?;
        } else {
            output::print_table(["PART", "NAME", "VALUE"], rows(&decoded))?;
        }
        match refusal {
            None if self.format.json => Ok(()),
            None => output::print("\nThis server accepts the token now."),
            Some(why) => Err(Failure::new(format!("the token is not accepted: {why}"))),
        }
    }
}

/// Returns the rows of the table. A time is shown in RFC 3339 too.
fn rows(decoded: &Decoded) -> Vec<[String; 3]> {
    let row = |part: &str, (name, value): (&String, &Value)| {
        let is_time = part == "claims" && matches!(name.as_str(), "iat" | "nbf" | "exp" | "auth_time");
        let time = value.as_i64().filter(|_| is_time).map(UnixTime::from_seconds);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        [part.to_owned(), name.clone(), time.map_or(text.clone(), |time| format!("{text} ({time})"))]
    };
    let header = decoded.header.iter().map(|entry| row("header", entry));
    header.chain(decoded.claims.iter().map(|entry| row("claims", entry))).collect()
}

/// Returns why the token is not accepted, as the end of a sentence; `None` if it is accepted.
async fn refusal(vestibule: &Vestibule, token: &str, decoded: &Decoded) -> Option<String> {
    let now = vestibule.clock.now();
    if decoded.claims.get("type").and_then(Value::as_str) == Some("refresh") {
        return match inspect_refresh_token(vestibule, token, now).await {
            Ok(_) => None,
            Err(InspectRefreshTokenError::Token(error)) => Some(error.to_string()),
            Err(error @ (InspectRefreshTokenError::SessionEnded(_) | InspectRefreshTokenError::Store(_))) => {
                Some(error.to_string())
            }
        };
    }
    let error = authenticate(vestibule, token, now).err()?;
    Some(match error {
        AccessTokenError::Expired => format!("it has expired, at {}", time_of(decoded, "exp")),
        AccessTokenError::Revoked => {
            "it was revoked: its session has ended, or a right of its user was taken away, or the password changed"
                .to_owned()
        }
        AccessTokenError::WrongType => "it is not an access token".to_owned(),
        AccessTokenError::Invalid => why_invalid(vestibule, token, decoded),
    })
}

/// Returns why an access token is invalid. The checks are in the order of the server's own.
fn why_invalid(vestibule: &Vestibule, token: &str, decoded: &Decoded) -> String {
    let text = |part: &Map<String, Value>, name: &str| part.get(name).and_then(Value::as_str).map(str::to_owned);
    if !text(&decoded.header, "kid").is_some_and(|kid| vestibule.has_key(&kid)) {
        return "its header names a key that this server does not have, or does not have any longer (keys list)"
            .to_owned();
    }
    let issuer = &vestibule.config.tokens.issuer;
    if text(&decoded.claims, "iss").as_deref() != Some(issuer) {
        return format!("its issuer is not {issuer}, the setting issuer");
    }
    if verify_signature(vestibule, token).is_ok() {
        return if decoded.claims.get("cookie_only").is_some() {
            "it counts only in the access cookie".to_owned()
        } else {
            format!("it is not valid before {}", time_of(decoded, "nbf"))
        };
    }
    let client = text(&decoded.claims, "client_id").unwrap_or_default();
    match vestibule.config.clients.get(&client) {
        None => format!("its client {client:?} does not exist"),
        Some(found) if !found.audience.contains(&text(&decoded.claims, "aud").unwrap_or_default()) => {
            format!("its audience is none of the client {client:?}")
        }
        Some(_) => "its signature is wrong: it was altered, or another server signed it".to_owned(),
    }
}

/// Returns a time among the claims.
fn time_of(decoded: &Decoded, name: &str) -> String {
    let seconds = decoded.claims.get(name).and_then(Value::as_i64);
    seconds.map_or_else(|| "an unknown time".to_owned(), |seconds| UnixTime::from_seconds(seconds).to_string())
}
