//! `/demo`: the demonstration of the fingerprint. The page signs in and refreshes by the endpoints of every front end. What it
//! needs beside them is here: two accounts of its own, the weights of the components, and what the server has stored.

use rocket::{State, get, post, serde::json::Json};
use serde_json::{Value, json};

use super::actions::OneAtATime;
use crate::{
    domain::{
        Email, Identifier, SessionId, UserId,
        demonstration::{Switch, changed},
        device::{Fingerprint, SealedFingerprint},
        password::Password,
        session::{Session, SessionState},
    },
    flows::{
        Vestibule,
        sessions::preview::{Preview, preview},
        steps::acting::Acting,
        users::{
            add_user::{NewAccount, add_user},
            delete_user::delete_user,
        },
    },
    http::{
        app_state::AppState,
        errors::{ApiError, ErrorCode, Reason},
        pages::Page,
        request::{
            body::{Body, Fields, FromFields},
            caller::Caller,
            field::{Field, Kind, optional, required},
        },
    },
    store::{self, audit},
};

/// The email addresses of the accounts of the demonstration.
const ACCOUNTS: [&str; 2] = ["ada.demo@example.com", "bob.demo@example.com"];

/// The maximum number of events that the page gets.
const EVENTS: i64 = 50;

/// Returns the page.
#[get("/demo")]
pub fn demo_page(vestibule: &State<AppState>) -> Page {
    let devices = &vestibule.config.devices;
    let context = json!({
        "match_from": devices.match_from,
        "drift_from": devices.drift_from,
        "match_text": format!("{:.2}", devices.match_from),
        "drift_text": format!("{:.2}", devices.drift_from),
        "policy": devices.fingerprint.as_str(),
        "rotates": vestibule.rotation_policy().rotate,
        "grace": vestibule.rotation_policy().grace,
        "switches": Switch::ALL.map(|switch| json!({"word": switch.as_str(), "title": switch.title()})),
    });
    Page::new("demo", context)
}

/// The password that the page has chosen for its accounts.
pub struct Start {
    password: Option<Password>,
}

impl FromFields for Start {
    const FIELDS: &'static [Field] = &[required("password", Kind::Password, "The password of both accounts.")];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        Some(Self { password: fields.required("password", Password::parse) })
    }
}

/// Creates the two accounts of the demonstration. Accounts of an earlier demonstration are deleted, with their sessions.
#[post("/demo/start", data = "<body>")]
pub async fn start(
    body: Body<Start>,
    vestibule: &State<AppState>,
    one_at_a_time: &State<OneAtATime>,
    caller: &Caller,
) -> Result<Json<Value>, ApiError> {
    let _alone = one_at_a_time.0.lock().await;
    let acting = Acting::operator(caller.context().now);
    for address in ACCOUNTS {
        let email = Email::parse(address).map_err(|error| ApiError::internal(&error))?;
        let identifier = Identifier::Email(email.clone());
        let earlier = store::users::find_by_identifier(&mut *vestibule.store.read().await?, &identifier).await?;
        if let Some(user) = earlier {
            delete_user(vestibule, user.id, &acting).await?;
        }
        let account = NewAccount {
            username: None,
            email: Some(email),
            email_verified: false,
            roles: Vec::new(),
            permissions: Vec::new(),
            claims: serde_json::Map::new(),
            password: body.0.password.clone(),
            disabled: false,
        };
        add_user(vestibule, account, &acting).await.map_err(|error| ApiError::internal(&error))?;
    }
    Ok(Json(json!({"accounts": ACCOUNTS})))
}

/// A fingerprint, and what may have happened to its browser.
pub struct Changed {
    fingerprint: Value,
    switches: Vec<Switch>,
    session: Option<SessionId>,
}

impl FromFields for Changed {
    const FIELDS: &'static [Field] = &[
        required("fingerprint", Kind::Fingerprint, "What the browser reveals."),
        optional("switches", Kind::Texts, "What has happened to the browser since."),
        optional("session", Kind::Id, "The session; the changed fingerprint is compared with its fingerprint."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let fingerprint = fields.object("fingerprint");
        if fields.is_absent("fingerprint") {
            fields.refuse("fingerprint", "is required");
        }
        let switches = fields.texts("switches", |word| Switch::of_word(word).ok_or("is no switch"));
        let session = fields.optional("session", |text| SessionId::parse(text).ok_or("must be the id of a session"));
        Some(Self { fingerprint: Value::Object(fingerprint?), switches: switches.unwrap_or_default(), session })
    }
}

/// Returns the components of a fingerprint with their weights, the fingerprint after the changes, and what a refresh with it
/// would find. Stores nothing.
#[post("/demo/compare", data = "<body>")]
pub async fn compare(body: Body<Changed>, vestibule: &State<AppState>) -> Result<Json<Value>, ApiError> {
    let Changed { fingerprint, switches, session } = body.0;
    let after = changed(&fingerprint, &switches);
    let parse =
        |value: &Value| Fingerprint::parse(value).map_err(|error| ApiError::field("fingerprint", error.to_string()));
    let (before, read) = (parse(&fingerprint)?, parse(&after)?);
    let found = match session {
        Some(id) => Some(preview(vestibule, id, Some(&read)).await?.ok_or_else(unknown_session)?.1),
        None => None,
    };
    let components: Vec<Value> = before
        .explain()
        .iter()
        .map(|one| {
            json!({
                "name": one.name, "role": one.role, "weight": one.weight, "present": one.is_present, "common": one.is_common,
            })
        })
        .collect();
    Ok(Json(json!({"components": components, "fingerprint": after, "found": found.map(view)})))
}

/// Returns what the check found, as the page shows it.
fn view(found: Preview) -> Value {
    json!({
        "verdict": found.verdict.as_str(),
        "score": found.score,
        "equal": found.equal,
        "weight": found.weight,
        "veto": found.veto,
        "identified": found.identified,
        "differed": found.differed,
    })
}

/// Returns the error for a session that is not there.
fn unknown_session() -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        "There is no session with this id. Was the demonstration begun again in another tab?",
    )
}

/// Returns what the server has stored of a session: the keyed codes of its fingerprint, shortened, its state and its events.
#[get("/demo/sessions/<id>")]
pub async fn show_session(id: &str, vestibule: &State<AppState>, caller: &Caller) -> Result<Json<Value>, ApiError> {
    let id = SessionId::parse(id).ok_or_else(unknown_session)?;
    let now = caller.context().now;
    let mut reader = vestibule.store.read().await?;
    let session = store::sessions::find(&mut reader, id).await?.ok_or_else(unknown_session)?;
    let events = events_of(&mut reader, session.user_id, id).await?;
    let state = session.state(now);
    let generations = &session.generations;
    Ok(Json(json!({
        "state": match state {
            SessionState::Live => "live",
            SessionState::Revoked => "revoked",
            SessionState::Expired => "expired",
        },
        "reason": Reason::of_ended(Some(&session), now).map(Reason::as_str),
        "bound": session.is_bound(),
        "stored": stored(&session),
        "generation": generations.current(),
        "rotated_at": generations.current_issued_at(),
        "user_agent": session.user_agent,
        "mismatches": session.mismatches.in_a_row,
        "events": events,
    })))
}

/// Returns the stored codes by component.
fn stored(session: &Session) -> Vec<Value> {
    let codes = session.fingerprint.iter().flat_map(SealedFingerprint::shortened);
    codes.map(|(name, code)| json!({"name": name, "code": code})).collect()
}

/// Returns the latest events of a session, the newest first.
async fn events_of(conn: &mut store::Conn, user: UserId, session: SessionId) -> Result<Vec<Value>, ApiError> {
    let filter = audit::Filter { user: Some(user), ..audit::Filter::default() };
    let events = audit::page(conn, &filter, None, EVENTS).await?;
    let of_session = events.into_iter().filter(|event| event.session_id.as_deref() == Some(&session.to_string()));
    Ok(of_session
        .map(|event| json!({"id": event.id, "at": event.at, "event": event.event, "detail": event.detail}))
        .collect())
}
