//! The latest requests, with their tokens decoded. Only claims are kept: no signature, no cookie and no password, so that
//! nobody can use a token from a screenshot. A route is kept as a pattern, because a path can contain the secret of a link.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::Instant,
};

use rocket::{
    Data, Request, Response,
    fairing::{Fairing, Info, Kind},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    domain::{UnixTime, jwt},
    flows::{Vestibule, steps::authenticate::verify_signature},
    http::{
        app_state::app_state,
        browser::cookies::Cookies,
        guards,
        own_routes::is_below,
        request::{caller::Caller, log_entry::LogEntry},
        workbench::plan::IsPlanned,
    },
    random,
};

/// The number of requests that are kept.
const KEPT: usize = 200;

/// A request and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    /// The number of the request since the start.
    id: u64,
    /// When it was answered.
    at: UnixTime,
    method: String,
    /// The pattern of the route; `-` if no route matched.
    route: String,
    status: u16,
    /// The code of the error; null for a success.
    error: Option<&'static str>,
    /// Milliseconds from the request to the answer.
    took_ms: u64,
    /// The header `Origin`.
    origin: Option<String>,
    /// The id of the user of the token or of the login.
    user: Option<String>,
    /// The session of the token.
    session: Option<String>,
    /// The generation of the refresh token.
    generation: Option<i64>,
    /// Whether the answer was planned at `/dev/next`.
    planned: bool,
    /// The tokens of the request.
    tokens: Vec<ShownToken>,
}

/// A token of a request. Header and claims are null if this server did not sign it.
#[derive(Clone, Debug, Serialize)]
struct ShownToken {
    /// Where the token was: `Authorization`, `access cookie` or `refresh cookie`.
    place: &'static str,
    header: Option<Map<String, Value>>,
    claims: Option<Map<String, Value>>,
}

/// The latest requests, as Rocket's managed state.
pub struct Traffic {
    /// A text that differs at each start, so that a page notices that the numbers begin again.
    pub start: String,
    recorded: Mutex<Recorded>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { start: jwt::base64url(&random::bytes::<9>()), recorded: Mutex::default() }
    }
}

#[derive(Default)]
struct Recorded {
    count: u64,
    latest: VecDeque<Exchange>,
}

impl Traffic {
    /// Returns the requests that are kept with a greater number than `after`, the oldest first.
    pub fn since(&self, after: u64) -> Vec<Exchange> {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.latest.iter().filter(|exchange| exchange.id > after).cloned().collect()
    }

    /// Adds a request, and forgets the oldest if there are too many.
    fn record(&self, exchange: Exchange) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.count += 1;
        let exchange = Exchange { id: recorded.count, ..exchange };
        recorded.latest.push_back(exchange);
        if recorded.latest.len() > KEPT {
            recorded.latest.pop_front();
        }
    }
}

/// A fairing that records the requests to Vestibule, except those of the workbench and of files.
pub struct Record;

/// The beginnings of the paths that are not recorded.
const LEFT_OUT: [&str; 5] = ["/dev", "/demo", "/static", "/docs", "/favicon.ico"];

#[rocket::async_trait]
impl Fairing for Record {
    fn info(&self) -> Info {
        Info { name: "list of requests", kind: Kind::Request | Kind::Response }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        request.local_cache(Instant::now);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let path = request.route().map_or_else(|| request.uri().path().as_str(), |route| route.uri.path());
        let is_left_out = LEFT_OUT.iter().any(|base| is_below(base, path));
        let Some(traffic) = request.rocket().state::<Traffic>().filter(|_| !is_left_out) else { return };
        let Ok(vestibule) = app_state(request) else { return };
        let entry = LogEntry::of(request);
        let text_unless_dash = |text: String| Some(text).filter(|text| text != "-");
        traffic.record(Exchange {
            id: 0,
            at: Caller::of(request).context().now,
            method: request.method().to_string(),
            route: request.route().map_or_else(|| "-".to_owned(), |route| route.uri.path().to_string()),
            status: response.status().code,
            error: Some(entry.error()).filter(|code| *code != "-"),
            took_ms: u64::try_from(request.local_cache(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX),
            origin: request.headers().get_one("Origin").map(|origin| origin.chars().take(200).collect()),
            user: text_unless_dash(entry.user()),
            session: entry.session().map(|session| session.to_string()),
            generation: entry.generation(),
            planned: request.local_cache(IsPlanned::default).0.load(Ordering::Relaxed),
            tokens: tokens(request, vestibule),
        });
    }
}

/// Returns the tokens of a request, decoded.
fn tokens(request: &Request<'_>, vestibule: &Vestibule) -> Vec<ShownToken> {
    let in_header = guards::bearer(request).ok().flatten().map(|token| ("Authorization", token));
    let in_cookies = Cookies::of(request).ok().map(Cookies::presented_tokens);
    in_header
        .into_iter()
        .chain(in_cookies.into_iter().flatten())
        .map(|(place, token)| {
            let is_genuine =
                verify_signature(vestibule, token).is_ok() || vestibule.refresh_tokens.verify_signature(token).is_ok();
            let (header, claims) = jwt::decode_unverified(token).filter(|_| is_genuine).unzip();
            ShownToken { place, header, claims }
        })
        .collect()
}
